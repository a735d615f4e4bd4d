"""The data that the viewer shows of one moment, from topics or from a bag."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array, BoolArray, validate_array
from gpc_ros.common.errors import InputError
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.types import SceneState


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of a planning cycle.

    Attributes:
        knots: (n, K, 3) vx [m/s], vy [m/s], yaw rate [rad/s].
        costs: (n,), infinite where the rollout diverged.
        proposed: mask of the candidates from a learned proposal (n,).
    """

    knots: Array
    costs: Array
    proposed: BoolArray

    @property
    def elites(self) -> BoolArray:
        """Mask of the best quarter, of at least one candidate (n,)."""
        number = max(1, len(self.costs) // 4)
        best = np.zeros(len(self.costs), dtype=np.bool_)
        best[np.argsort(self.costs, kind="stable")[:number]] = True
        return best & np.isfinite(self.costs)


@dataclass(frozen=True)
class Cycle:
    """Metrics of a planning cycle; the names are those of gpc_msgs/PlannerStatus."""

    cycles: int = 0
    misses: int = 0
    hold_reason: str = ""
    plan_time: float = float("nan")
    deadline: float = float("nan")
    state_age: float = float("nan")
    base_age: float = float("nan")
    object_age: float = float("nan")
    best_cost: float = float("nan")
    goal_distance: float = float("nan")
    goal_yaw_error: float = float("nan")
    terms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Pose:
    """Motion capture pose: position (3,) [m], orientation (4,) wxyz, map frame."""

    position: Array
    orientation: Array


@dataclass(eq=False)
class Snapshot:
    """The shown data of one moment; unknown fields are None or empty.

    Attributes:
        state: of robot and objects.
        start: state that the plan is rolled out from; ``state`` if not given.
        walker_state: the walker's memory at that time (S,).
        goal: x [m], y [m], yaw [rad] (3,).
        mocap: newest motion capture pose by body.
        plan: the current plan.
        candidates: the candidates of its planning cycle.
        mode: state of the supervisor.
        reasons: reasons for the mode.
        cycle: metrics of the last planning cycle.
    """

    state: SceneState | None = None
    start: SceneState | None = None
    walker_state: Array | None = None
    goal: Array | None = None
    mocap: dict[str, Pose] = field(default_factory=dict)
    plan: Plan | None = None
    candidates: Candidates | None = None
    mode: str = ""
    reasons: tuple[str, ...] = ()
    cycle: Cycle | None = None


def plan_from_msg(message: Any) -> Plan:
    """Return the plan of a message from ROS or a bag.

    Raises:
        InputError: a value is not finite or a size is wrong.
    """
    return Plan(
        id=int(message.id),
        task=message.task,
        robot=message.robot,
        stamp=_seconds(message.header.stamp),
        start=_seconds(message.start),
        expiry=_seconds(message.expiry),
        knots=_triples(message.knots, f"plan {message.id}: knots"),
        knot_dt=float(message.knot_dt),
        order=int(message.order),
        cost=float(message.cost),
    )


def candidates_from_msg(message: Any, knots: int) -> Candidates:
    """Return the candidates of a message from ROS or a bag.

    The field ``proposed`` contains the indices of the proposal's candidates, or ``from_proposal``
    a flag for each; without both fields no candidate is marked.

    Args:
        message: gpc_msgs/PlannerCycle, or another with ``candidates`` and ``costs``.
        knots: knots K of each candidate.

    Raises:
        InputError: lengths do not agree.
    """
    costs = np.asarray(message.costs, dtype=np.float64)
    flat = np.asarray(message.candidates, dtype=np.float64)
    count = len(costs)
    if flat.size != count * knots * 3:
        raise InputError(f"candidates: {flat.size} values are not {count} x {knots} x 3")
    proposed = np.zeros(count, dtype=np.bool_)
    flags, places = getattr(message, "from_proposal", None), getattr(message, "proposed", None)
    if flags is not None and len(flags) == count:
        proposed = np.asarray(flags, dtype=np.bool_)
    elif places is not None:
        proposed = np.isin(np.asarray(getattr(message, "indices", range(count))), places)
    return Candidates(flat.reshape(count, knots, 3), costs, proposed)


def start_from_msg(message: Any, bodies: tuple[str, ...]) -> SceneState | None:
    """Return the initial state of a cycle's rollouts; None if the message lacks it.

    Args:
        message: gpc_msgs/PlannerCycle.
        bodies: names of the task's objects.
    """
    qpos = np.asarray(getattr(message, "start_qpos", ()), dtype=np.float64)
    qvel = np.asarray(getattr(message, "start_qvel", ()), dtype=np.float64)
    if len(qpos) != 19 + 7 * len(bodies) or len(qvel) != 18 + 6 * len(bodies):
        return None
    return SceneState.from_arrays(0.0, qpos, qvel, bodies)


def cycle_from_msg(message: Any) -> Cycle:
    """Return the metrics of a planner status from ROS or a bag."""
    return Cycle(
        cycles=int(message.cycles),
        misses=int(message.misses),
        hold_reason=message.hold_reason,
        plan_time=float(message.plan_time),
        deadline=float(message.deadline),
        state_age=float(message.state_age),
        base_age=float(message.base_age),
        object_age=float(message.object_age),
        best_cost=float(message.best_cost),
        goal_distance=float(message.goal_distance),
        goal_yaw_error=float(message.goal_yaw_error),
        terms=dict(zip(message.term_names, map(float, message.term_values), strict=False)),
    )


def _seconds(stamp: Any) -> float:
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


def _triples(values: Any, what: str) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0 or array.size % 3:
        raise InputError(f"{what}: {array.size} values are not triples")
    return validate_array(array.reshape(-1, 3), (-1, 3), what)
