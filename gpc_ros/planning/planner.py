"""The planner: one cycle from a state to a plan, with or without a deadline.

    shift the nominal in time -> predict the state to the plan's start -> sample -> roll out ->
    score -> update

The same object runs in lockstep and live; only the deadline differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields

import numpy as np

from gpc_ros.common import splines
from gpc_ros.common.arrays import Array, validate_array
from gpc_ros.common.errors import ConfigError
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.memory import PlannerMemory
from gpc_ros.planning.optimizers.registry import make_optimizer
from gpc_ros.planning.plan import ROBOT, Plan
from gpc_ros.planning.planner_config import PlannerConfig
from gpc_ros.planning.prediction import Prediction, Predictor
from gpc_ros.planning.rollout import Limit
from gpc_ros.planning.scoring import Scorer
from gpc_ros.planning.search import Search
from gpc_ros.proposal.flow_model import CostToGo, Proposal
from gpc_ros.proposal.sampler import ProposalSampler, find_proposal
from gpc_ros.robot.types import SceneState
from gpc_ros.tasks import build_model
from gpc_ros.tasks.judge import GoalJudge
from gpc_ros.tasks.task import Task

__all__ = ["Planner", "PlannerConfig", "PlannerReport"]


class Planner:
    """Sampling-based MPC over velocity commands of a walker.

    Args:
        task: what to do.
        walker: runs inside every rollout.
        config: parameters.
        optimizer: parameters of the optimizer by dotted name.
        clock: for measuring; never decides anything unless a deadline is given.
        proposal: gives part of the candidates; without it the one that the configuration names.

    Attributes:
        model: what is simulated.
        knot_dt: time between knots [s].
        proposal: what is drawn from, if anything.
        no_proposal: why there is none.

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
        cost_to_go: CostToGo | None = None
        if self.proposal is not None:
            grid = c.knots, self.knot_dt, self._order
            sampler = ProposalSampler(self.proposal, c.proposal, c.num_rollouts, *grid)
            cost_to_go = self.proposal.cost_to_go if c.proposal.cost_to_go else None
        elif c.policy_only:
            raise ConfigError(
                f"planner: policy_only: needs a proposal, and the planner has none "
                f"({self.no_proposal})"
            )
        scorer = Scorer(
            self.model, walker, task, basis, c.num_rollouts, c.threads, clock, cost_to_go,
            c.proposal.health,
        )  # fmt: skip
        self._search = Search(
            walker, c.num_rollouts, c.knots, c.max_opt_iters, search, scorer, sampler
        )
        self._next_id = 1
        self.reset()

    def configure(
        self, config: PlannerConfig, optimizer: dict[str, object] | None, task: Task
    ) -> bool:
        """Go on from the plan found so far with another search; it begins with a fresh optimizer.

        Args:
            config: parameters; only optimizer and sampling rounds may differ from those before.
            optimizer: parameters of the optimizer by dotted name.
            task: the same task, perhaps with other cost weights.

        Returns:
            False if other parameters differ, for which a new planner must be built; nothing has
            changed then.

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

    def reset(self) -> None:
        """Forget the previous plan and the search; restart the random sequence.

        Plan ids go on counting, so that a receiver never takes a new plan for an old one.
        """
        self._search.reset(self.config.seed)
        self._nominal_start: float | None = None
        self._previous: Plan | None = None
        self._goal: Array | None = None
        self._judge: GoalJudge | None = None
        self._plan_time = 0.0

    def state_dict(self) -> PlannerMemory:
        """Return all that the next cycle depends on beside its arguments, a copy."""
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
        """Continue from a memory; only the dwell time in the goal begins anew.

        Raises:
            InputError: it is of a planner with another number of knots or another optimizer.
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
        """Say which plan the robot follows, where that is not the last one made here."""
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
            now: time of the clock that stamps are on [s].
            deadline: when the plan must be there; None in lockstep.
            proposals: knots (m, K, 3) from outside that replace m < N of the drawn candidates in
                the first round, in place of the proposal's; those that are not finite are left
                out.

        Returns:
            The plan, or None with the reason in the report. Without any candidate in time the
            previous plan goes on, if it has not expired.

        Raises:
            InputError: state or walker state are not finite or have a wrong length, or there are
                too many proposals or of a wrong shape.
        """
        begin = self._clock()
        report = PlannerReport(num_rollouts=self.config.num_rollouts, state_age=now - state.stamp)
        given = None if proposals is None else self._search.usable(proposals)
        plan = self._cycle(state, walker_state, goal, now, deadline, report, given)
        report.plan_time = self._clock() - begin
        if deadline:
            report.missed |= deadline.left() < 0.0
            report.plan_time = deadline.spent(report.plan_time)
            # A slow average: one stall should not move the start of the following plans.
            self._plan_time += 0.1 * (report.plan_time - self._plan_time)
        report.sigma = self._search.optimizer.sigma.mean(axis=0)
        return plan, report

    def _cycle(
        self,
        state: SceneState,
        walker_state: Array,
        goal: Array,
        now: float,
        deadline: Limit | None,
        report: PlannerReport,
        given: Array | None,
    ) -> Plan | None:
        missing = [body for body in self.task.bodies if body not in state.objects]
        if missing:
            report.hold_reason = f"object '{missing[0]}' is not in the state"
            return None
        qpos = validate_array(state.qpos(self.task.bodies), (self.model.nq,), "state: qpos")
        qvel = validate_array(state.qvel(self.task.bodies), (self.model.nv,), "state: qvel")
        memory = validate_array(walker_state, (self.walker.state_size,), "walker state")
        self._follow_goal(goal)
        self._note_progress(state.stamp, qpos, report)
        start = now + self._plan_time
        self._shift(start)
        predicted = self._predict(state.stamp, start, qpos, qvel, memory, report)
        return self._find(state.stamp, start, predicted, deadline, report, given)

    def _follow_goal(self, goal: Array) -> None:
        """Begin a new search when the goal changes."""
        if self._goal is None or not np.array_equal(goal, self._goal):
            self._goal = goal.copy()
            self._judge = GoalJudge(self.task, self._goal)
            self._search.forget()

    def _note_progress(self, stamp: float, qpos: Array, report: PlannerReport) -> None:
        assert self._judge is not None
        progress = self._judge.update(stamp, qpos)
        report.distance, report.yaw_error = progress.distance, progress.yaw_error
        report.inside, report.dwell = progress.inside, self._judge.dwell
        report.reached = self._judge.reached

    def _shift(self, start: float) -> None:
        """Move the nominal to a new start, so that it describes the same motion."""
        # Also a cycle without a plan has moved it, so that its own start counts, not a plan's.
        if self._nominal_start is not None:
            delay = max(start - self._nominal_start, 0.0)
            nominal = self._search.nominal
            self._search.nominal = splines.shift(nominal, delay, self.knot_dt, self._order)
        self._nominal_start = start

    def _predict(
        self,
        stamp: float,
        start: float,
        qpos: Array,
        qvel: Array,
        memory: Array,
        report: PlannerReport,
    ) -> Prediction:
        """Advance the state from its stamp to the start of the plan with what is being executed."""
        delay = min(max(start - stamp, 0.0), self.config.max_prediction)
        command = self._previous.command if self._previous else lambda _: np.zeros(3)
        predicted = self._predictor.advance(qpos, qvel, memory, command, stamp, delay)
        report.predicted_delay = predicted.delay
        return predicted

    def _find(
        self,
        stamp: float,
        start: float,
        predicted: Prediction,
        deadline: Limit | None,
        report: PlannerReport,
        given: Array | None,
    ) -> Plan | None:
        """Search, and publish what was found."""
        report.start_qpos, report.start_qvel = predicted.qpos, predicted.qvel
        report.start_walker = predicted.walker_state
        assert self._goal is not None
        if self.config.policy_only:
            self._search.trust(predicted, self._goal)
            return self._publish(stamp, start, float("nan"))
        cost = self._search.run(predicted, self._goal, deadline, report, given)
        if report.hold_reason:
            return None
        if np.isnan(cost):
            return self._carry_on(start, report)
        return self._publish(stamp, start, cost)

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
            expiry=start + self.config.plan_timeout,
            knots=self.nominal,
            knot_dt=self.knot_dt,
            order=self._order,
            cost=cost,
        )
        self._next_id += 1
        self._previous = plan
        return plan
