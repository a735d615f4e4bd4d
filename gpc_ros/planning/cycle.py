"""One planning cycle with the record of all its inputs, from which it can be repeated.

The record travels as gpc_msgs/PlannerCycle; see gpc_ros/replay/cycle_records.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.memory import PlannerMemory
from gpc_ros.planning.plan import Plan
from gpc_ros.planning.planner import Planner
from gpc_ros.planning.rollout import Limit
from gpc_ros.robot.types import SceneState


@dataclass(frozen=True)
class CycleInputs:
    """Inputs of a planning cycle.

    Attributes:
        stamp: of the state [s].
        now: start of the cycle [s].
        qpos: state (nq,).
        qvel: its velocities (nv,).
        walker_state: of the walker on the robot (S,).
        goal: x [m], y [m], yaw [rad] (3,).
        memory: of the planner before the cycle, as JSON.
    """

    stamp: float
    now: float
    qpos: Array
    qvel: Array
    walker_state: Array
    goal: Array
    memory: str

    def state(self, bodies: tuple[str, ...]) -> SceneState:
        """Return the state at the start of planning."""
        return SceneState.from_arrays(self.stamp, self.qpos, self.qvel, bodies)


@dataclass(frozen=True)
class DeadlineDrops:
    """Effect of the deadline on a cycle.

    Attributes:
        plan_time: of the cycle [s].
        missed: whether the deadline dropped candidates or was exceeded.
        drops: each as round, control interval and remaining number of candidates.
    """

    plan_time: float
    missed: bool = False
    drops: tuple[tuple[int, int, int], ...] = ()


class ReplayDeadline:
    """A limit that drops the recorded candidates and reads no clock."""

    def __init__(self, drops: DeadlineDrops) -> None:
        """Start before the first round."""
        self._drops, self._round = drops, -1

    def left(self) -> float:
        """Return a remaining time with the recorded sign [s]."""
        return -1.0 if self._drops.missed else 1.0

    def spent(self, measured: float) -> float:
        """Return the recorded plan time [s], which the start of the next plans depends on."""
        return self._drops.plan_time

    def pace(self, steps: int) -> RecordedPace:
        """Return the recorded pace of the next round."""
        self._round += 1
        return RecordedPace({t: kept for r, t, kept in self._drops.drops if r == self._round})


@dataclass(frozen=True)
class RecordedPace:
    """The recorded number of remaining candidates by control interval."""

    kept: dict[int, int]

    def n_within_budget(self, n: int, done: int) -> int:
        """Return how many of n candidates continue after a number of intervals."""
        return min(n, self.kept.get(done, n))


@dataclass(frozen=True)
class CycleRecord:
    """A recorded cycle.

    Attributes:
        cycle: number since the planner started.
        settings: serial number of the parameters in force.
        inputs: of the cycle.
        drops: effect of the deadline; None without a deadline.
        plan: the resulting plan; None with a reason.
        hold_reason: reason for publishing no plan.
        completed: candidates of the last round simulated to the end.
        start_qpos: state at the start of the rollouts (nq,).
        start_qvel: its velocities (nv,).
        candidates: recorded candidates, best first (M, K, 3).
        costs: of these candidates (M,), infinite where the rollout diverged.
        indices: of the recorded candidates among all (M,).
        proposed: indices of the recorded candidates from the learned proposal.
    """

    cycle: int
    settings: int
    inputs: CycleInputs
    drops: DeadlineDrops | None
    plan: Plan | None
    hold_reason: str
    completed: int
    start_qpos: Array
    start_qvel: Array
    candidates: Array
    costs: Array
    indices: list[int]
    proposed: list[int]


def make_cycle_inputs(
    planner: Planner, state: SceneState, walker_state: Array, goal: Array, now: float
) -> CycleInputs:
    """Return the inputs of the next cycle; call it before the cycle.

    Raises:
        KeyError: the state lacks an object of the task.
    """
    bodies = planner.task.bodies
    memory = planner.state_dict().to_json()
    return CycleInputs(
        state.stamp, now, state.qpos(bodies), state.qvel(bodies), walker_state.copy(),
        goal.copy(), memory,
    )  # fmt: skip


def make_cycle_record(
    inputs: CycleInputs,
    plan: Plan | None,
    report: PlannerReport,
    *,
    limited: bool,
    keep: int = 16,
    cycle: int = 0,
    settings: int = 0,
) -> CycleRecord:
    """Return the record of a cycle.

    Args:
        inputs: of the cycle.
        plan: the resulting plan.
        report: of the cycle.
        limited: whether the cycle had a deadline.
        keep: number of recorded candidates: the best half, the rest evenly spread by cost.
        cycle: number since the planner started.
        settings: serial number of the parameters in force.
    """
    chosen = thinned(report.costs, keep)
    return CycleRecord(
        cycle=cycle,
        settings=settings,
        inputs=inputs,
        drops=DeadlineDrops(report.plan_time, report.missed, report.deadline_drops)
        if limited
        else None,
        plan=plan,
        hold_reason=report.hold_reason,
        completed=report.completed,
        start_qpos=report.start_qpos,
        start_qvel=report.start_qvel,
        candidates=report.candidates[chosen],
        costs=report.costs[chosen],
        indices=chosen,
        proposed=[i for i in chosen if i in report.proposed],
    )


def thinned(costs: Array, keep: int) -> list[int]:
    """Return the indices of the candidates to record, best first.

    Half of them are the best, the others are evenly spread over the rest by rank, so that the
    record shows both the elites and the spread.

    Args:
        costs: (n,).
        keep: largest number of indices.
    """
    order = np.argsort(costs, kind="stable")
    n = len(order)
    if n <= keep:
        return [int(i) for i in order]
    best = (keep + 1) // 2
    rest = np.linspace(n - 1, best, keep - best).round().astype(int)[::-1]
    return [int(order[rank]) for rank in [*range(best), *rest]]


def repeat(
    planner: Planner, record: CycleRecord, limit: Limit | None = None
) -> tuple[Plan | None, PlannerReport]:
    """Run a recorded cycle again with the current memory of a planner.

    Args:
        planner: gives the recorded plan if its memory is the recorded one.
        record: of the cycle.
        limit: limit of the cycle; None repeats the recorded deadline.

    Raises:
        InputError: the state has a wrong length for the task of this planner.
    """
    i = record.inputs
    state = i.state(planner.task.bodies)
    if limit is None and record.drops is not None:
        limit = ReplayDeadline(record.drops)
    return planner.plan(state, i.walker_state, i.goal, i.now, limit)


def chained(planner: Planner, record: CycleRecord) -> bool:
    """Return whether the memory of a planner equals the recorded one before the cycle."""
    return planner.state_dict().to_json() == record.inputs.memory


def load_state_dict(planner: Planner, record: CycleRecord) -> None:
    """Load the recorded memory before a cycle into a planner.

    Raises:
        InputError: the memory is malformed or of another planner.
    """
    planner.load_state_dict(PlannerMemory.from_json(record.inputs.memory))
