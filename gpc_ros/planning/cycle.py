"""One planning cycle with a record of all that it depended on, from which it can be repeated.

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
    """What a cycle is given.

    Attributes:
        stamp: of the state [s].
        now: when the cycle began [s].
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
        """Return the state that was planned from."""
        return SceneState.from_arrays(self.stamp, self.qpos, self.qvel, bodies)


@dataclass(frozen=True)
class Cuts:
    """What the clock did to a cycle.

    Attributes:
        plan_time: that the cycle took [s].
        missed: whether the deadline cost candidates or was passed.
        cuts: each as round, control interval and how many candidates went on.
    """

    plan_time: float
    missed: bool = False
    cuts: tuple[tuple[int, int, int], ...] = ()


class ReplayDeadline:
    """A limit that does to a cycle what the clock did then, and looks at none itself."""

    def __init__(self, cuts: Cuts) -> None:
        """Begin before the first round."""
        self._cuts, self._round = cuts, -1

    def left(self) -> float:
        """Return a time of the right sign [s]."""
        return -1.0 if self._cuts.missed else 1.0

    def spent(self, measured: float) -> float:
        """Return the recorded time [s]: what the next plans start from depends on it."""
        return self._cuts.plan_time

    def pace(self, steps: int) -> RecordedPace:
        """Return what cuts the next round as it was cut."""
        self._round += 1
        return RecordedPace({t: kept for r, t, kept in self._cuts.cuts if r == self._round})


@dataclass(frozen=True)
class RecordedPace:
    """Lets as many candidates go on as went on then: by control interval."""

    kept: dict[int, int]

    def n_within_budget(self, n: int, done: int) -> int:
        """Return how many of n candidates go on after a number of intervals."""
        return min(n, self.kept.get(done, n))


@dataclass(frozen=True)
class CycleRecord:
    """A cycle that was.

    Attributes:
        cycle: its number since the planner started.
        settings: serial number of the parameters in force.
        inputs: what it was given.
        cuts: what its deadline did; None if it had none.
        plan: what came out, numbered by the planner; None with a reason.
        id_offset: what the node adds to the planner's numbers.
        hold_reason: why there is no plan.
        completed: candidates of the last round simulated to the end.
        start_qpos: state that the rollouts began in (nq,).
        start_qvel: its velocities (nv,).
        candidates: scored candidates that were kept, best first (M, K, 3).
        costs: theirs (M,), infinite where the rollout diverged.
        indices: their places among all candidates (M,).
        proposed: places of those that came from the learned proposal.
    """

    cycle: int
    settings: int
    inputs: CycleInputs
    cuts: Cuts | None
    plan: Plan | None
    id_offset: int
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
    """Return the inputs of the cycle that comes next; call it before the cycle.

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
    id_offset: int = 0,
) -> CycleRecord:
    """Return the record of a cycle.

    Args:
        inputs: what it was given.
        plan: what came out.
        report: its figures.
        limited: whether there was a deadline.
        keep: how many scored candidates are kept: the best, the rest evenly spread by cost.
        cycle: its number.
        settings: serial number of the parameters in force.
        id_offset: what the node adds to the planner's numbers.
    """
    chosen = thinned(report.costs, keep)
    return CycleRecord(
        cycle=cycle,
        settings=settings,
        inputs=inputs,
        cuts=Cuts(report.plan_time, report.missed, tuple(report.cuts)) if limited else None,
        plan=plan,
        id_offset=id_offset,
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
    """Return which of n candidates to keep, best first.

    Half of them are the best, the others lie evenly among the rest by rank, so that both the elites
    and the spread can be seen.

    Args:
        costs: (n,).
        keep: how many at most.
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
    """Run a recorded cycle again with a planner as it is.

    Args:
        planner: its memory decides whether the same comes out.
        record: what was.
        limit: what ends the cycle; None does what the record's deadline did.

    Raises:
        InputError: the state has a wrong length for this planner's task.
    """
    i = record.inputs
    state = i.state(planner.task.bodies)
    if limit is None and record.cuts is not None:
        limit = ReplayDeadline(record.cuts)
    return planner.plan(state, i.walker_state, i.goal, i.now, limit)


def chained(planner: Planner, record: CycleRecord) -> bool:
    """Return whether a planner remembers exactly what the recorded one did before the cycle."""
    return planner.state_dict().to_json() == record.inputs.memory


def load_state_dict(planner: Planner, record: CycleRecord) -> None:
    """Give a planner the memory that the recorded one had before the cycle.

    Raises:
        InputError: the memory cannot be read or is of another planner.
    """
    planner.load_state_dict(PlannerMemory.from_json(record.inputs.memory))
