"""Represent a recorded run as NumPy arrays, for the report, the video and user analyses.

Times are in seconds since :attr:`Run.begin`, when the goal was set. Data that the bag lacks is an
empty array.
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
    """Return a function that makes an array without rows."""
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
        age: time since its last measurement (T,) [s].
        deviation: standard deviation of the estimated position (T, 3) [m].
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
        objects: bodies by name; they may begin later than the base.
    """

    base: Body = field(default_factory=Body)
    joints: Array = field(default_factory=_rows(12))
    objects: dict[str, Body] = field(default_factory=dict)

    def qpos(self, bodies: Iterable[str]) -> tuple[Array, Array]:
        """Return the times with data of all bodies (T,), and MuJoCo's qpos (T, 19 + 7 n)."""
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

    ``order`` is the spline order of the last plan.
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
    """Planner status, one row per planning cycle, with the names of gpc_msgs/PlannerStatus.

    Attributes:
        time: (C,) [s].
        values: numeric fields of the message by name, (C,) or (C, n).
        terms: cost terms of the best candidate by name (C,), NaN where unknown.
        missed: whether the cycle missed its deadline (C,).
        hold: reason for a cycle without a plan (C,); empty for cycles with a plan.
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
        """Mask of the cycles with a plan (C,)."""
        return np.array([not reason for reason in self.hold], dtype=np.bool_)

    @property
    def tried(self) -> BoolArray:
        """Mask of the cycles that searched: with a plan, or with a missed deadline (C,)."""
        return self.planned | self.missed

    def __getitem__(self, name: str) -> Array:
        """Return a numeric field of every cycle; NaN where the bag lacks it."""
        return self.values.get(name, np.full(len(self.time), np.nan))


@dataclass
class Modes:
    """Supervisor states: times, names, reasons, and the last counters and timing."""

    time: Array = field(default_factory=_rows())
    name: list[str] = field(default_factory=list)
    reasons: list[list[str]] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    period_p99: float = float("nan")
    latency_p99: float = float("nan")


@dataclass
class Commands:
    """Velocity commands to the walker: time (W,), command (W, 3)."""

    time: Array = field(default_factory=_rows())
    command: Array = field(default_factory=_rows(3))


@dataclass
class Joints:
    """Joint targets or readings: time (J,), position, velocity and effort (J, 12).

    A target position is NaN where the position gain is zero.
    """

    time: Array = field(default_factory=_rows())
    position: Array = field(default_factory=_rows(12))
    velocity: Array = field(default_factory=_rows(12))
    effort: Array = field(default_factory=_rows(12))


@dataclass
class Delay:
    """Age of messages at their receipt: time of receipt (D,) [s] and delay (D,) [s]."""

    time: Array = field(default_factory=_rows())
    delay: Array = field(default_factory=_rows())


@dataclass
class Run:
    """One recorded run.

    Attributes:
        reader: the bag, with its topics and problems.
        info: description of the run (task, seed, versions).
        begin: clock time of time zero [s].
        duration: time from the first to the last message [s].
        state: the estimated motion.
        truth: the true motion, from simulation only.
        goals: time [s] and goal x [m], y [m], yaw [rad] (3,).
        plans: the published plans.
        status: planner status of every cycle.
        modes: states of the supervisor.
        commands: velocity commands to the walker.
        targets: joint targets sent to the robot.
        readings: joint readings.
        mocap: motion capture poses by body, without velocities.
        delays: delay from a measurement to the resulting message, by the message's topic.
        cycles: every planning cycle with its inputs and scored candidates.
        settings: parameters of every node, in order of receipt.
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
        """Unreadable parts of the bag, each in a sentence."""
        return self.reader.problems

    @property
    def motion(self) -> Motion:
        """The true motion if the bag contains it, otherwise the estimated one."""
        return self.truth if len(self.truth.base.time) else self.state

    @property
    def task(self) -> str:
        """Name of the task; empty if the bag lacks it."""
        return self.info.get("task") or self.status.task
