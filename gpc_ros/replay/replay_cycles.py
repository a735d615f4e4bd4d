"""Replay one recorded cycle with the recorded settings, and with others for comparison."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.splines import basis
from gpc_ros.planning import cycle as cycles
from gpc_ros.planning.cycle import CycleRecord, DeadlineDrops, ReplayDeadline
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.plan import Plan
from gpc_ros.planning.planner import Planner
from gpc_ros.planning.rollout import Deadline, Limit, RolloutPool
from gpc_ros.settings.node_settings import PlannerSettings
from gpc_ros.settings.planner_setup import make_planner


@dataclass(frozen=True)
class Outcome:
    """The result of one planner in one cycle.

    Attributes:
        plan: the plan; None with a reason.
        hold_reason: reason for a cycle without a plan; empty otherwise.
        cost: predicted cost of the best candidate.
        judged: cost of the plan under the recorded settings (horizon, weights, model), which makes
            plans of different settings comparable; NaN without a plan.
        plan_time: measured during the replay [s].
        completed: number of completed candidates in the last round.
        effective: effective sample size.
    """

    plan: Plan | None
    hold_reason: str
    cost: float
    judged: float
    plan_time: float
    completed: int
    effective: float


@dataclass(frozen=True)
class Replayed:
    """One recorded cycle and its replay.

    Attributes:
        record: the recorded cycle.
        again: result of the recorded settings.
        exact: whether its plan equals the recorded plan bit for bit.
        chained: whether the planner's memory came from the previous replayed cycle; for the first
            cycle and after a gap it comes from the record.
        deviation: largest difference of a knot [m/s, rad/s]; NaN if only one plan exists.
        other: result of the other settings; None without any.
        difference: root mean square over the shorter horizon of other minus recorded command, vx,
            vy [m/s] and yaw rate [rad/s] (3,); NaN without two plans.
    """

    record: CycleRecord
    again: Outcome
    exact: bool
    chained: bool
    deviation: float
    other: Outcome | None = None
    difference: Array = field(default_factory=lambda: np.full(3, np.nan))


def same(a: Plan | None, b: Plan | None) -> bool:
    """Return whether two plans are equal bit for bit."""
    if a is None or b is None:
        return a is b
    pairs = [(getattr(a, name), getattr(b, name)) for name in vars(a) if name != "knots"]
    # NaN costs count as equal here.
    equal = all(x == y or (x != x and y != y) for x, y in pairs)
    return equal and a.knots.tobytes() == b.knots.tobytes()


class Exact:
    """The planner of the recorded settings."""

    def __init__(self, settings: PlannerSettings) -> None:
        """Build it."""
        self.planner = make_planner(settings)
        self._judge: RolloutPool | None = None
        self.report = PlannerReport()

    def run(self, record: CycleRecord) -> Replayed:
        """Replay a cycle.

        Raises:
            InputError: its memory or state does not fit this planner.
        """
        chained = cycles.chained(self.planner, record)
        if not chained:
            cycles.load_state_dict(self.planner, record)
        begin = time.perf_counter()
        plan, self.report = cycles.repeat(self.planner, record)
        spent = time.perf_counter() - begin
        deviation = (
            float(np.abs(plan.knots - record.plan.knots).max())
            if plan is not None and record.plan is not None
            else float("nan")
        )
        return Replayed(
            record, _outcome(plan, self.report, spent), same(plan, record.plan), chained, deviation
        )

    def judge(self, plan: Plan | None, goal: Array) -> float:
        """Return the cost of a plan under the recorded settings, from the last start state."""
        p, report = self.planner, self.report
        if plan is None or not len(report.start_qpos):
            return float("nan")
        steps = max(1, round(p.config.horizon * p.walker.rate))
        if self._judge is None:
            self._judge = RolloutPool(p.model, p.walker, 1, steps, 1)
        since = np.arange(steps) / p.walker.rate
        commands = np.clip(_followed(plan, since), p.walker.command_low, p.walker.command_high)
        rollout = self._judge.run(
            report.start_qpos, report.start_qvel, report.start_walker, commands[None]
        )
        if not rollout.valid[0]:
            return float("inf")
        terms = p.task.cost(rollout.qpos, rollout.qvel, commands[None], goal)
        return float(sum(values[0] for values in terms.values()))


class Other:
    """The planner of the other settings; it keeps its search state and gets recorded states."""

    def __init__(self, settings: PlannerSettings, limit: str) -> None:
        """Build the planner; for the limit see :meth:`gpc_ros.replay.cycle_replay.Replay.run`."""
        self._settings, self._limit = settings, limit
        self.planner = make_planner(settings)
        self._before: CycleRecord | None = None

    def run(self, result: Replayed, exact: Exact) -> Replayed:
        """Plan a cycle and compare."""
        record = result.record
        if self._before is not None:
            # The robot followed the recorded plan, so predictions assume it.
            self.planner.follow(self._before.plan)
        self._before = record
        begin = time.perf_counter()
        plan, report = cycles.repeat(self.planner, record, self._limited(record))
        spent = time.perf_counter() - begin
        goal = record.inputs.goal
        again = _judged(result.again, exact.judge(record.plan, goal))
        other = _judged(_outcome(plan, report, spent), exact.judge(plan, goal))
        return Replayed(
            record, again, result.exact, result.chained, result.deviation, other,
            _difference(plan, record.plan, self.planner),
        )  # fmt: skip

    def _limited(self, record: CycleRecord) -> Limit | None:
        if self._limit == "live":
            s = self._settings
            return Deadline(time.monotonic() + s.deadline_fraction / s.rate)
        # The recorded plan time is used, so that both plans start at the same time.
        drops = record.drops
        return None if drops is None else ReplayDeadline(DeadlineDrops(drops.plan_time))


def _outcome(plan: Plan | None, report: PlannerReport, spent: float) -> Outcome:
    return Outcome(
        plan, report.hold_reason, report.best_cost, float("nan"), spent, report.completed,
        report.effective_sample_size,
    )  # fmt: skip


def _judged(outcome: Outcome, cost: float) -> Outcome:
    return replace(outcome, judged=cost)


def _followed(plan: Plan, since: Array) -> Array:
    """Return the commands (T, 3) of a plan at times since its start [s], ignoring its expiry."""
    return basis(since, len(plan.knots), plan.knot_dt, plan.order) @ plan.knots


def _difference(plan: Plan | None, recorded: Plan | None, planner: Planner) -> Array:
    if plan is None or recorded is None:
        return np.full(3, np.nan)
    end = min(len(p.knots) * p.knot_dt for p in (plan, recorded))
    since = np.arange(max(1, round(end * planner.walker.rate))) / planner.walker.rate
    off = _followed(plan, since) - _followed(recorded, since)
    result: Array = np.sqrt(np.mean(off**2, axis=0))
    return result
