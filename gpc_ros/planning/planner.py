"""The planner: one cycle from a state to a plan, with or without a deadline.

    shift the nominal in time -> predict the state to the plan's start -> sample -> roll out ->
    score -> update

The same object runs in lockstep and live; only the deadline differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gpc_ros.arrays import Array, checked
from gpc_ros.config import param
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning import splines
from gpc_ros.planning.goal import GoalMonitor
from gpc_ros.planning.optimizer import make_optimizer, softmin_weights
from gpc_ros.planning.plan import ROBOT, Plan
from gpc_ros.planning.prediction import Predictor
from gpc_ros.planning.rollout import Deadline, RolloutPool
from gpc_ros.robot.types import RobotState
from gpc_ros.tasks import build_model
from gpc_ros.tasks.base import Task


@dataclass(frozen=True)
class PlannerConfig:
    """Parameters of the planner."""

    samples: int = param(16, "Candidates rolled out in one cycle", low=1, high=1024)
    horizon: float = param(2.0, "Length of a rollout", unit="s", low=0.1, high=10.0)
    knots: int = param(4, "Spline knots of a candidate", low=1, high=50)
    spline: str = param("linear", "Curve through the knots", choices=("zero", "linear", "cubic"))
    optimizer: str = param("cem", "Search method", choices=("cem", "mppi", "predictive_sampling"))
    iterations: int = param(1, "Sampling rounds in one cycle", low=1, high=20)
    lifetime: float = param(
        0.3, "Time after which a plan that was not replaced expires", unit="s", low=0.02, high=5.0
    )
    max_prediction: float = param(
        0.2, "Longest delay that the state is predicted over", unit="s", low=0.0, high=1.0
    )
    threads: int = param(1, "Simulation threads", low=1, high=64)
    seed: int = param(0, "Seed of the sampling", low=0)


@dataclass
class PlannerReport:
    """Every figure of one cycle.

    Attributes:
        hold_reason: why there is no plan; empty when there is one.
        samples: candidates asked for.
        completed: candidates simulated to the end.
        valid: completed candidates that did not diverge.
        missed: whether the deadline cost candidates.
        plan_time: of the whole cycle [s].
        rollout_time: of the simulations in it [s].
        state_age: of the state when the cycle began [s].
        predicted_delay: how far the state was predicted forward [s].
        best_cost: of the best candidate.
        nominal_cost: of the shifted previous plan.
        mean_cost: over the valid candidates.
        effective_sample_size: 1 / sum of squared softmin weights (temperature: the costs' spread).
        sigma: standard deviation of vx, vy, yaw rate, mean over the knots (3,).
        terms: cost terms of the best candidate by name.
        distance: of the goal [m].
        yaw_error: [rad].
        inside: whether the goal's tolerance is met.
        dwell: for how long [s].
        reached: whether it was met for the task's dwell time.
    """

    hold_reason: str = ""
    samples: int = 0
    completed: int = 0
    valid: int = 0
    missed: bool = False
    plan_time: float = 0.0
    rollout_time: float = 0.0
    state_age: float = 0.0
    predicted_delay: float = 0.0
    best_cost: float = float("nan")
    nominal_cost: float = float("nan")
    mean_cost: float = float("nan")
    effective_sample_size: float = 0.0
    sigma: Array = field(default_factory=lambda: np.zeros(3))
    terms: dict[str, float] = field(default_factory=dict)
    distance: float = float("nan")
    yaw_error: float = float("nan")
    inside: bool = False
    dwell: float = 0.0
    reached: bool = False


class Planner:
    """Sampling-based MPC over velocity commands of a walker.

    Args:
        task: what to do.
        walker: runs inside every rollout.
        config: parameters.
        optimizer: parameters of the optimiser by dotted name.
        clock: for measuring; never decides anything unless a deadline is given.
    """

    def __init__(
        self,
        task: Task,
        walker: Walker,
        config: PlannerConfig | None = None,
        optimizer: dict[str, object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Build the model and allocate the rollouts."""
        c = config or PlannerConfig()
        self.task, self.walker, self.config = task, walker, c
        self._clock = clock
        self._order = splines.order_of(c.spline)
        self._knot_dt = splines.knot_interval(c.horizon, c.knots, self._order)
        steps = max(1, round(c.horizon * walker.rate))
        times = np.arange(steps) / walker.rate
        self._basis = splines.basis(times, c.knots, self._knot_dt, self._order)
        self.model = build_model(task, "planner", walker.gains)
        self._pool = RolloutPool(self.model, walker, c.samples, steps, c.threads)
        self._predictor = Predictor(self.model, walker, c.max_prediction)
        self._optimizer = make_optimizer(c.optimizer, c.knots, optimizer)
        self._next_id = 1
        self.reset()

    def reset(self) -> None:
        """Forget the previous plan and the search; restart the random sequence.

        Plan ids go on counting, so that a receiver never takes a new plan for an old one.
        """
        self._rng = np.random.default_rng(self.config.seed)
        self._nominal = np.zeros((self.config.knots, 3))
        self._previous: Plan | None = None
        self._goal: Array | None = None
        self._monitor: GoalMonitor | None = None
        self._plan_time = 0.0
        self._optimizer.reset()

    def plan(
        self,
        state: RobotState,
        walker_state: Array,
        goal: Array,
        now: float,
        deadline: Deadline | None = None,
    ) -> tuple[Plan | None, PlannerReport]:
        """Run one cycle.

        Args:
            state: of robot and objects; its stamp may lie before ``now``.
            walker_state: of the walker on the robot (S,).
            goal: x [m], y [m], yaw [rad] (3,), checked by the task before.
            now: time of the clock that stamps are on [s].
            deadline: when the plan must be there; None in lockstep.

        Returns:
            The plan, or None with the reason in the report. Without any candidate in time the
            previous plan goes on, if it has not expired.

        Raises:
            InputError: state or walker state are not finite or have a wrong length.
        """
        begin = self._clock()
        report = PlannerReport(samples=self.config.samples, state_age=now - state.stamp)
        plan = self._cycle(state, walker_state, goal, now, deadline, report)
        report.plan_time = self._clock() - begin
        if deadline:
            # A slow average: one stall should not move the start of the following plans.
            self._plan_time += 0.1 * (report.plan_time - self._plan_time)
        report.sigma = self._optimizer.sigma.mean(axis=0)
        return plan, report

    def _cycle(
        self,
        state: RobotState,
        walker_state: Array,
        goal: Array,
        now: float,
        deadline: Deadline | None,
        report: PlannerReport,
    ) -> Plan | None:
        missing = [body for body in self.task.bodies if body not in state.objects]
        if missing:
            report.hold_reason = f"object '{missing[0]}' is not in the state"
            return None
        qpos = checked(state.qpos(self.task.bodies), (self.model.nq,), "state: qpos")
        qvel = checked(state.qvel(self.task.bodies), (self.model.nv,), "state: qvel")
        memory = checked(walker_state, (self.walker.state_size,), "walker state")
        self._follow_goal(goal)
        self._judge(state.stamp, qpos, report)
        start = now + self._plan_time
        self._shift(start)
        qpos, qvel, memory = self._predict(state.stamp, start, qpos, qvel, memory, report)
        return self._search(state.stamp, start, qpos, qvel, memory, deadline, report)

    def _follow_goal(self, goal: Array) -> None:
        """Begin a new search when the goal changes."""
        if self._goal is None or not np.array_equal(goal, self._goal):
            self._goal = goal.copy()
            self._monitor = GoalMonitor(self.task, self._goal)
            self._optimizer.reset()

    def _judge(self, stamp: float, qpos: Array, report: PlannerReport) -> None:
        assert self._monitor is not None
        progress = self._monitor.update(stamp, qpos)
        report.distance, report.yaw_error = progress.distance, progress.yaw_error
        report.inside, report.dwell = progress.inside, self._monitor.dwell
        report.reached = self._monitor.reached

    def _shift(self, start: float) -> None:
        """Move the nominal to a new start, so that it describes the same motion."""
        if self._previous is not None:
            delay = max(start - self._previous.start, 0.0)
            self._nominal = splines.shift(self._nominal, delay, self._knot_dt, self._order)

    def _predict(
        self,
        stamp: float,
        start: float,
        qpos: Array,
        qvel: Array,
        memory: Array,
        report: PlannerReport,
    ) -> tuple[Array, Array, Array]:
        """Advance the state from its stamp to the start of the plan with what is being executed."""
        delay = min(max(start - stamp, 0.0), self.config.max_prediction)
        command = self._previous.command if self._previous else lambda _: np.zeros(3)
        predicted = self._predictor.advance(qpos, qvel, memory, command, stamp, delay)
        report.predicted_delay = predicted.delay
        return predicted.qpos, predicted.qvel, predicted.walker_state

    def _search(
        self,
        stamp: float,
        start: float,
        qpos: Array,
        qvel: Array,
        memory: Array,
        deadline: Deadline | None,
        report: PlannerReport,
    ) -> Plan | None:
        cost = float("nan")
        for iteration in range(self.config.iterations):
            knots = self._candidates()
            costs, terms = self._score(knots, qpos, qvel, memory, deadline, report)
            report.completed = len(costs)
            report.missed |= len(costs) < len(knots)
            valid = np.isfinite(costs)
            report.valid = int(valid.sum())
            if not len(costs):
                break  # out of time; an earlier round may have left a good nominal
            if not valid.any():
                report.hold_reason = "all rollouts diverged"
                return None
            self._nominal = self._optimizer.update(self._nominal, knots[: len(costs)], costs)
            cost = _fill(report, costs, terms, first=iteration == 0)
        if np.isnan(cost):
            return self._carry_on(start, report)
        return self._publish(stamp, start, cost)

    def _candidates(self) -> Array:
        """Draw candidates (N, K, 3) within the walker's command limits."""
        knots = self._optimizer.sample(self._nominal, self.config.samples, self._rng)
        clipped: Array = np.clip(knots, self.walker.command_low, self.walker.command_high)
        return clipped

    def _score(
        self,
        knots: Array,
        qpos: Array,
        qvel: Array,
        memory: Array,
        deadline: Deadline | None,
        report: PlannerReport,
    ) -> tuple[Array, dict[str, Array]]:
        """Roll out candidates; return costs (n,), infinite if diverged, and their terms."""
        assert self._goal is not None
        commands = np.clip(self._basis @ knots, self.walker.command_low, self.walker.command_high)
        begin = self._clock()
        rollouts = self._pool.run(qpos, qvel, memory, commands, deadline)
        report.rollout_time += self._clock() - begin
        n = len(rollouts.valid)
        terms = self.task.cost(rollouts.qpos, rollouts.qvel, commands[:n], self._goal)
        costs = np.sum(list(terms.values()), axis=0) if n else np.empty(0)
        return np.where(rollouts.valid & np.isfinite(costs), costs, np.inf), terms

    def _carry_on(self, start: float, report: PlannerReport) -> Plan | None:
        """Keep the previous plan when no candidate was completed in time."""
        if self._previous is None or start >= self._previous.expiry:
            report.hold_reason = "no candidate was completed before the deadline"
            return None
        return self._previous

    def _publish(self, stamp: float, start: float, cost: float) -> Plan:
        plan = Plan(
            id=self._next_id,
            task=self.task.name,
            robot=ROBOT,
            stamp=stamp,
            start=start,
            expiry=start + self.config.lifetime,
            knots=self._nominal.copy(),
            knot_dt=self._knot_dt,
            order=self._order,
            cost=cost,
        )
        self._next_id += 1
        self._previous = plan
        return plan


def _fill(report: PlannerReport, costs: Array, terms: dict[str, Array], *, first: bool) -> float:
    """Write the figures of one round of costs (n,) into the report; return the best cost."""
    best = int(np.argmin(costs))
    valid = costs[np.isfinite(costs)]
    if first:
        report.nominal_cost = float(costs[0])
    report.best_cost = float(costs[best])
    report.mean_cost = float(valid.mean())
    weights = softmin_weights(valid, float(valid.std()))
    report.effective_sample_size = float(1.0 / np.square(weights).sum())
    report.terms = {name: float(values[best]) for name, values in terms.items()}
    return report.best_cost
