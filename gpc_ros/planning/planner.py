"""The planner: one cycle from a state to a plan, with or without a deadline.

    shift the nominal in time -> predict the state to the plan's start -> sample -> roll out ->
    score -> update

The same object runs in lockstep and live; only the deadline differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

import numpy as np

from gpc_ros.common import splines
from gpc_ros.common.arrays import Array, validate_array
from gpc_ros.common.errors import ConfigError
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.memory import PlannerMemory
from gpc_ros.planning.optimizers.optimizer_registry import make_optimizer
from gpc_ros.planning.plan import ROBOT, Plan
from gpc_ros.planning.planner_config import PlannerConfig
from gpc_ros.planning.prediction import Prediction, Predictor
from gpc_ros.planning.rollout import Limit
from gpc_ros.planning.scoring import Scorer
from gpc_ros.planning.search import Search, SearchResult
from gpc_ros.proposal.flow_model import CostToGo, Proposal
from gpc_ros.proposal.monitor import ProposalMonitor
from gpc_ros.proposal.sampler import ProposalSampler, find_proposal
from gpc_ros.robot.types import SceneState
from gpc_ros.tasks import build_model
from gpc_ros.tasks.judge import GoalJudge
from gpc_ros.tasks.task import Task

__all__ = ["Planner", "PlannerConfig", "PlannerReport"]


@dataclass(frozen=True)
class _Cycle:
    """Outcome of one cycle before its report."""

    plan: Plan | None
    hold_reason: str
    judge: GoalJudge | None = None
    predicted: Prediction | None = None
    result: SearchResult = field(default_factory=SearchResult)


class Planner:
    """Sampling-based MPC over velocity commands of a walker.

    Args:
        task: gives scene, cost and success.
        walker: runs inside every rollout.
        config: parameters.
        optimizer: parameters of the optimizer by dotted name.
        clock: measures times [s]; plans depend on it only with a deadline.
        proposal: replaces the proposal that the configuration names.
        first_id: id of the first plan; ids count up from it.

    Attributes:
        model: MuJoCo model of the rollouts.
        knot_dt: time between knots [s].
        proposal: the learned proposal; None without one.
        no_proposal: why the planner has no proposal; empty with one.

    Raises:
        ModelFileError: the proposal that the configuration names cannot be used.
        ConfigError: ``policy_only`` without a proposal.
    """

    def __init__(
        self,
        task: Task,
        walker: Walker,
        config: PlannerConfig | None = None,
        optimizer: dict[str, object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        proposal: Proposal | None = None,
        first_id: int = 1,
    ) -> None:
        """Build the model and allocate the rollouts."""
        c = config or PlannerConfig()
        self.task, self.walker, self.config = task, walker, c
        self._clock = clock
        self._order = splines.spline_order(c.spline)
        self.knot_dt = splines.knot_interval(c.horizon, c.knots, self._order)
        steps = max(1, round(c.horizon * walker.rate))
        times = np.arange(steps) / walker.rate
        basis = splines.basis(times, c.knots, self.knot_dt, self._order)
        self.model = build_model(task, "planner", walker.gains)
        self._predictor = Predictor(self.model, walker, c.max_prediction)
        search = make_optimizer(c.optimizer, c.knots, optimizer)
        self.proposal, self.no_proposal = proposal, ""
        if proposal is None:
            self.proposal, self.no_proposal = find_proposal(c.proposal, task, walker)
        sampler: ProposalSampler | None = None
        monitor: ProposalMonitor | None = None
        cost_to_go: CostToGo | None = None
        if self.proposal is not None:
            grid = c.knots, self.knot_dt, self._order
            cost_to_go = self.proposal.cost_to_go if c.proposal.cost_to_go else None
            monitor = ProposalMonitor(c.proposal.health, has_value=cost_to_go is not None)
            sampler = ProposalSampler(self.proposal, c.proposal, c.num_rollouts, *grid, monitor)
        elif c.policy_only:
            raise ConfigError(
                f"planner: policy_only: needs a proposal, and the planner has none "
                f"({self.no_proposal})"
            )
        scorer = Scorer(
            self.model, walker, task, basis, c.num_rollouts, c.threads, clock, cost_to_go,
            monitor,
        )  # fmt: skip
        self._search = Search(
            walker, c.num_rollouts, c.knots, c.max_opt_iters, search, scorer, sampler, monitor
        )
        self._next_id = first_id
        self.reset()

    def configure(
        self, config: PlannerConfig, optimizer: dict[str, object] | None, task: Task
    ) -> bool:
        """Change the optimizer's settings and keep the current plan.

        The optimizer starts from its initial state.

        Args:
            config: parameters; only ``optimizer`` and ``max_opt_iters`` may differ.
            optimizer: parameters of the optimizer by dotted name.
            task: the same task, perhaps with other cost weights.

        Returns:
            False if other parameters differ, which take a new planner; nothing has changed then.

        Raises:
            ConfigError: unknown optimizer or parameter, or a bad value; nothing has changed then.
        """
        built = [
            f.name for f in fields(PlannerConfig) if f.name not in ("optimizer", "max_opt_iters")
        ]
        if any(getattr(config, name) != getattr(self.config, name) for name in built):
            return False
        self._search.optimizer = make_optimizer(config.optimizer, config.knots, optimizer)
        self._search.max_opt_iters = config.max_opt_iters
        self.config, self.task, self._search.scorer.task = config, task, task
        return True

    @property
    def nominal(self) -> Array:
        """Knots (K, 3) that the next cycle samples around after a shift in time, a copy."""
        return self._search.nominal.copy()

    @property
    def next_id(self) -> int:
        """Id of the next plan."""
        return self._next_id

    def reset(self) -> None:
        """Return to the initial state and restart the random sequence.

        Plan ids continue, so that a receiver never mistakes a new plan for an old one.
        """
        self._search.reset(self.config.seed)
        self._nominal_start: float | None = None
        self._previous: Plan | None = None
        self._goal: Array | None = None
        self._judge: GoalJudge | None = None
        self._plan_time = 0.0

    def state_dict(self) -> PlannerMemory:
        """Return a copy of the state that the next cycle depends on beside its arguments."""
        random, proposal = self._search.state_dict()
        return PlannerMemory(
            random=random,
            nominal=self.nominal,
            nominal_start=self._nominal_start,
            previous=self._previous,
            goal=None if self._goal is None else self._goal.copy(),
            plan_time=self._plan_time,
            next_id=self._next_id,
            search=self._search.optimizer.state_dict(),
            proposal=proposal,
        )

    def load_state_dict(self, memory: PlannerMemory) -> None:
        """Resume from a state of :meth:`state_dict`; only the dwell time restarts.

        Raises:
            InputError: the state is of another number of knots or another optimizer.
        """
        validate_array(memory.nominal, (self.config.knots, 3), "planner memory: nominal")
        self._search.optimizer.load_state_dict(memory.search)
        self._search.load_state_dict(memory.random, memory.proposal)
        self._search.nominal, self._nominal_start = memory.nominal.copy(), memory.nominal_start
        self._previous, self._plan_time = memory.previous, memory.plan_time
        self._next_id = memory.next_id
        self._goal = None if memory.goal is None else memory.goal.copy()
        self._judge = None if self._goal is None else GoalJudge(self.task, self._goal)

    def follow(self, plan: Plan | None) -> None:
        """Set the plan that the robot follows, if it is not the last one of this planner."""
        self._previous = plan

    def plan(
        self,
        state: SceneState,
        walker_state: Array,
        goal: Array,
        now: float,
        deadline: Limit | None = None,
        proposals: Array | None = None,
    ) -> tuple[Plan | None, PlannerReport]:
        """Run one cycle.

        Args:
            state: of robot and objects; its stamp may lie before ``now``.
            walker_state: of the walker on the robot (S,).
            goal: x [m], y [m], yaw [rad] (3,), checked by the task before.
            now: time on the clock of the stamps [s].
            deadline: for the plan; None in lockstep.
            proposals: external knots (m, K, 3), m < N, that replace the proposal's candidates in
                the first round; rows that are not finite are left out.

        Returns:
            The plan, or None with the reason in the report. If no candidate was completed in time,
            the previous plan continues until it expires.

        Raises:
            InputError: state or walker state are not finite or have a wrong length, or proposals
                are too many or have a wrong shape.
        """
        begin = self._clock()
        given = None if proposals is None else self._search.usable(proposals)
        cycle = self._cycle(state, walker_state, goal, now, deadline, given)
        plan_time, missed = self._clock() - begin, cycle.result.dropped
        if deadline:
            missed |= deadline.left() < 0.0
            plan_time = deadline.spent(plan_time)
            # A slow average: one stall should not move the start of the following plans.
            self._plan_time += 0.1 * (plan_time - self._plan_time)
        return cycle.plan, self._report(cycle, now - state.stamp, plan_time, missed)

    def _report(
        self, cycle: _Cycle, state_age: float, plan_time: float, missed: bool
    ) -> PlannerReport:
        """Return the report of a cycle."""
        result, predicted, judge = cycle.result, cycle.predicted, cycle.judge
        report = PlannerReport(
            hold_reason=cycle.hold_reason,
            num_rollouts=self.config.num_rollouts,
            completed=len(result.costs),
            valid=int(np.isfinite(result.costs).sum()),
            missed=missed,
            proposed=result.proposed,
            proposal=result.proposal,
            plan_time=plan_time,
            rollout_time=result.rollout_time,
            state_age=state_age,
            best_cost=float("nan") if result.cost is None else result.cost,
            nominal_cost=result.nominal_cost,
            mean_cost=result.mean_cost,
            effective_sample_size=result.effective_sample_size,
            sigma=self._search.optimizer.sigma.mean(axis=0),
            terms=result.terms,
            candidates=result.candidates,
            costs=result.costs,
            deadline_drops=result.deadline_drops,
        )
        if judge is not None and judge.progress is not None:
            report = replace(
                report,
                distance=judge.progress.distance,
                yaw_error=judge.progress.yaw_error,
                inside=judge.progress.inside,
                dwell=judge.dwell,
                reached=judge.reached,
            )
        if predicted is not None:
            report = replace(
                report,
                predicted_delay=predicted.delay,
                start_qpos=predicted.qpos,
                start_qvel=predicted.qvel,
                start_walker=predicted.walker_state,
            )
        return report

    def _cycle(
        self,
        state: SceneState,
        walker_state: Array,
        goal: Array,
        now: float,
        deadline: Limit | None,
        given: Array | None,
    ) -> _Cycle:
        missing = [body for body in self.task.bodies if body not in state.objects]
        if missing:
            return _Cycle(None, f"object '{missing[0]}' is not in the state")
        qpos = validate_array(state.qpos(self.task.bodies), (self.model.nq,), "state: qpos")
        qvel = validate_array(state.qvel(self.task.bodies), (self.model.nv,), "state: qvel")
        memory = validate_array(walker_state, (self.walker.state_size,), "walker state")
        judge = self._follow_goal(goal)
        judge.update(state.stamp, qpos)
        start = now + self._plan_time
        self._shift(start)
        predicted = self._predict(state.stamp, start, qpos, qvel, memory)
        if self.config.policy_only:
            self._search.sample_policy(predicted, goal)
            plan = self._publish(state.stamp, start, float("nan"))
            return _Cycle(plan, "", judge, predicted)
        result = self._search.run(predicted, goal, deadline, given)
        chosen, reason = self._choose(state.stamp, start, result)
        return _Cycle(chosen, reason, judge, predicted, result)

    def _follow_goal(self, goal: Array) -> GoalJudge:
        """Return the judge of the goal; a changed goal starts a new search."""
        if self._goal is None or self._judge is None or not np.array_equal(goal, self._goal):
            self._goal = goal.copy()
            self._judge = GoalJudge(self.task, self._goal)
            self._search.reset_distribution()
        return self._judge

    def _shift(self, start: float) -> None:
        """Move the nominal to a new start, so that it describes the same motion."""
        # A cycle without a plan moves the nominal too, so that the last start is that of a cycle.
        if self._nominal_start is not None:
            delay = max(start - self._nominal_start, 0.0)
            nominal = self._search.nominal
            self._search.nominal = splines.shift(nominal, delay, self.knot_dt, self._order)
        self._nominal_start = start

    def _predict(
        self, stamp: float, start: float, qpos: Array, qvel: Array, memory: Array
    ) -> Prediction:
        """Advance the state from its stamp to the start of the plan under the executed plan."""
        delay = min(max(start - stamp, 0.0), self.config.max_prediction)
        command = self._previous.command if self._previous else lambda _: np.zeros(3)
        return self._predictor.advance(qpos, qvel, memory, command, stamp, delay)

    def _choose(self, stamp: float, start: float, result: SearchResult) -> tuple[Plan | None, str]:
        """Return the plan for a search result, or None with the reason."""
        if result.cost is not None:
            return self._publish(stamp, start, result.cost), ""
        if result.reason:
            return None, result.reason
        # No candidate was completed in time: the previous plan continues until it expires.
        if self._previous is None or start >= self._previous.expiry:
            return None, "no candidate was completed before the deadline"
        return self._previous, ""

    def _publish(self, stamp: float, start: float, cost: float) -> Plan:
        plan = Plan(
            id=self._next_id,
            task=self.task.name,
            robot=ROBOT,
            stamp=stamp,
            start=start,
            expiry=start + self.config.plan_timeout,
            knots=self.nominal,
            knot_dt=self.knot_dt,
            order=self._order,
            cost=cost,
        )
        self._next_id += 1
        self._previous = plan
        return plan
