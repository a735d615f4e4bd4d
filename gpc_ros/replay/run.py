"""A run as arrays: what the report, the video and an analysis of one's own need of a bag.

Times are in seconds since :attr:`Run.begin`, when the goal was set. Whatever the bag lacks is an
empty array, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.common.geometry import yaw_from_quat
from gpc_ros.planning.cycle import CycleRecord
from gpc_ros.replay.recorded_parameters import Settings


def _rows(*shape: int) -> Callable[[], Array]:
    """Return the maker of an array without rows."""
    return lambda: np.zeros((0, *shape))


@dataclass
class Body:
    """The motion of one free body.

    Attributes:
        time: (T,) [s].
        position: (T, 3), map frame [m].
        orientation: (T, 4) wxyz, body to map.
        linear: velocity (T, 3), map frame [m/s].
        angular: velocity (T, 3), body frame [rad/s].
        age: since it was last seen (T,) [s].
        deviation: of the position as the estimator believes (T, 3) [m].
    """

    time: Array = field(default_factory=_rows())
    position: Array = field(default_factory=_rows(3))
    orientation: Array = field(default_factory=_rows(4))
    linear: Array = field(default_factory=_rows(3))
    angular: Array = field(default_factory=_rows(3))
    age: Array = field(default_factory=_rows())
    deviation: Array = field(default_factory=_rows(3))

    @property
    def planar(self) -> Array:
        """Poses x [m], y [m], yaw [rad], (T, 3)."""
        return np.column_stack([self.position[:, :2], yaw_from_quat(self.orientation)])


@dataclass
class Motion:
    """The motion of the whole scene: base and objects at the same times.

    Attributes:
        base: the robot's base.
        joints: angles (T, 12) [rad].
        objects: by name; may begin later than the base.
    """

    base: Body = field(default_factory=Body)
    joints: Array = field(default_factory=_rows(12))
    objects: dict[str, Body] = field(default_factory=dict)

    def qpos(self, bodies: Iterable[str]) -> tuple[Array, Array]:
        """Return times (T,) and MuJoCo's qpos (T, 19 + 7 n) where all these objects are known."""
        parts = [self.base.position, self.base.orientation, self.joints]
        time = self.base.time
        for name in bodies:
            body = self.objects.get(name, Body())
            keep = np.isin(time, body.time)
            time, parts = time[keep], [part[keep] for part in parts]
            same = np.isin(body.time, time)
            parts += [body.position[same], body.orientation[same]]
        return time, np.concatenate(parts, axis=1)


@dataclass
class Plans:
    """The plans: id, time of receipt, first knot, expiry, knots (P, K, 3) and predicted cost.

    The spline order is that of the last one.
    """

    id: Array = field(default_factory=_rows())
    time: Array = field(default_factory=_rows())
    start: Array = field(default_factory=_rows())
    expiry: Array = field(default_factory=_rows())
    knots: list[Array] = field(default_factory=list)
    knot_dt: Array = field(default_factory=_rows())
    order: int = 1
    cost: Array = field(default_factory=_rows())


@dataclass
class Status:
    """One row a planning cycle; the names are those of gpc_msgs/PlannerStatus.

    Attributes:
        time: (C,) [s].
        values: every number of the message by its name (C,) or (C, n).
        terms: cost terms of the best candidate by name (C,), NaN where unknown.
        missed: whether the cycle missed its deadline (C,).
        hold: why there was no plan, (C,) texts, empty where there was one.
        task: name of the task.
        optimizer: name of the optimizer.
    """

    time: Array = field(default_factory=_rows())
    values: dict[str, Array] = field(default_factory=dict)
    terms: dict[str, Array] = field(default_factory=dict)
    missed: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    hold: list[str] = field(default_factory=list)
    task: str = ""
    optimizer: str = ""

    @property
    def planned(self) -> BoolArray:
        """Which cycles gave a plan (C,)."""
        return np.array([not reason for reason in self.hold], dtype=np.bool_)

    @property
    def tried(self) -> BoolArray:
        """Which cycles searched for a plan (C,): those that gave one or missed the deadline."""
        return self.planned | self.missed

    def __getitem__(self, name: str) -> Array:
        """Return a number of every cycle; NaN where the bag lacks it."""
        return self.values.get(name, np.full(len(self.time), np.nan))


@dataclass
class Modes:
    """What the supervisor decided: time, name of the state, reasons, and its last figures."""

    time: Array = field(default_factory=_rows())
    name: list[str] = field(default_factory=list)
    reasons: list[list[str]] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    period_p99: float = float("nan")
    latency_p99: float = float("nan")


@dataclass
class Commands:
    """Velocity commands that the walker followed: time (W,), command (W, 3)."""

    time: Array = field(default_factory=_rows())
    command: Array = field(default_factory=_rows(3))


@dataclass
class Joints:
    """Joint targets or readings: time (J,), position, velocity and effort (J, 12).

    A target position is NaN where the command held no position (kp zero).
    """

    time: Array = field(default_factory=_rows())
    position: Array = field(default_factory=_rows(12))
    velocity: Array = field(default_factory=_rows(12))
    effort: Array = field(default_factory=_rows(12))


@dataclass
class Delay:
    """How old something was when it was heard: time of receipt (D,) [s] and delay (D,) [s]."""

    time: Array = field(default_factory=_rows())
    delay: Array = field(default_factory=_rows())


@dataclass
class Run:
    """Everything that a report tells about one bag.

    Attributes:
        reader: the bag, with its account of topics and problems.
        info: what the run was (task, seed, versions).
        begin: clock time that all times count from [s].
        duration: from the first to the last message [s].
        state: what the estimator said.
        truth: what really happened, where the bag knows (simulation).
        goals: time [s] and goal x, y, yaw (3,).
        plans: what was planned.
        status: every planning cycle.
        modes: the supervisor.
        commands: velocity commands that were followed.
        targets: joint targets that were sent.
        readings: joint readings.
        mocap: what motion capture saw, by body, without velocities.
        delays: from a measurement to the message made from it, by the message's topic.
        cycles: every planning cycle with its inputs and scored candidates.
        settings: parameters of every node, in the order in which they came.
    """

    reader: BagReader
    info: dict[str, str]
    begin: float = 0.0
    duration: float = 0.0
    state: Motion = field(default_factory=Motion)
    truth: Motion = field(default_factory=Motion)
    goals: list[tuple[float, Array]] = field(default_factory=list)
    plans: Plans = field(default_factory=Plans)
    status: Status = field(default_factory=Status)
    modes: Modes = field(default_factory=Modes)
    commands: Commands = field(default_factory=Commands)
    targets: Joints = field(default_factory=Joints)
    readings: Joints = field(default_factory=Joints)
    mocap: dict[str, Body] = field(default_factory=dict)
    delays: dict[str, Delay] = field(default_factory=dict)
    cycles: list[CycleRecord] = field(default_factory=list)
    settings: list[Settings] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """What could not be read of the bag."""
        return self.reader.problems

    @property
    def motion(self) -> Motion:
        """The true motion where it is known, else the estimated one."""
        return self.truth if len(self.truth.base.time) else self.state

    @property
    def task(self) -> str:
        """Name of the task; empty if the bag does not tell."""
        return self.info.get("task") or self.status.task
