"""Inject faults into the readings of the simulated robot and of motion capture, while it runs.

Faults change readings and poses, not the physics (except for the push). Tests, ``bench/faults.py``
and people use them to put every row of the fault table to the running graph.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from gpc_ros.common.config import param
from gpc_ros.common.geometry import quat_exp, quat_multiply
from gpc_ros.robot.joints import JOINT_NAMES
from gpc_ros.robot.model import BASE_BODY
from gpc_ros.robot.types import RobotReading
from gpc_ros.simulation.mocap_sensor import PoseSample

# How poses of a body can be wrong.
POSE_FAULTS = (
    "none", "hidden", "outliers", "jump", "not_finite", "upside_down", "y_up", "quaternion_order",
    "swapped", "stale", "future", "repeated", "backwards",
)  # fmt: skip
# One pose in so many is an outlier.
_OUTLIER_EVERY = 6
# Turns the axes of a system whose y axis is up into ours, the wrong way round: a quarter about x.
_Y_UP = np.array([np.sqrt(0.5), -np.sqrt(0.5), 0.0, 0.0])
_OVER = np.array([0.0, 1.0, 0.0, 0.0])


def _live(default: object, doc: str, unit: str = "", low: float = 0, high: float = 1) -> float:
    """Declare a number that can change while the simulation runs."""
    value: float = param(default, doc, unit=unit, low=low, high=high, live=True)
    return value


@dataclass(frozen=True)
class FaultConfig:
    """Faults in force; none by default, and every one can change while it runs."""

    silent: bool = param(False, "The robot reports nothing", live=True)
    not_finite: bool = param(False, "The robot reports joint angles that are NaN", live=True)
    joint: str = param(
        "FL_calf_joint", "Joint of the following four", choices=JOINT_NAMES, live=True
    )
    angle: float = _live(0.0, "Added to its reported angle", "rad", -3.0, 3.0)
    velocity: float = _live(0.0, "Added to its reported velocity", "rad/s", -100.0, 100.0)
    effort: float = _live(0.0, "Added to its reported torque", "N m", -200.0, 200.0)
    heat: float = _live(0.0, "Added to its reported temperature", "deg C", 0.0, 200.0)
    roll: float = _live(0.0, "Added to the reported roll of the base", "rad", -3.2, 3.2)
    used: float = _live(0.0, "Taken off the reported state of charge")
    ahead: float = _live(0.0, "Added to the stamps of the readings", "s", -10.0, 10.0)
    push: float = _live(0.0, "Moment that rolls the robot, in physics", "N m", -200.0, 200.0)
    base: str = param("none", "Fault of the poses of the robot", choices=POSE_FAULTS, live=True)
    objects: str = param(
        "none", "Fault of the poses of the objects", choices=POSE_FAULTS, live=True
    )
    distance: float = _live(0.5, "How far outliers and jumps lie off", "m", 0.0, 100.0)
    shift: float = _live(0.5, "How far stale and future stamps lie off", "s", 0.0, 10.0)


class Faults:
    """Applies the configured faults to readings and poses.

    Attributes:
        config: faults in force; replace it at any time.
    """

    def __init__(self, config: FaultConfig | None = None) -> None:
        """Start with a configuration."""
        self.config = config or FaultConfig()
        self._count = 0
        self._last: dict[str, PoseSample] = {}

    def reading(self, reading: RobotReading) -> RobotReading | None:
        """Return a reading as it is reported, or None if the robot is silent; it may be changed."""
        c = self.config
        if c == _NO_FAULT:
            return reading
        if c.silent:
            return None
        joint = JOINT_NAMES.index(c.joint)
        reading.position[joint] += c.angle
        reading.velocity[joint] += c.velocity
        reading.effort[joint] += c.effort
        reading.temperature[joint] += c.heat
        reading.battery = max(reading.battery - c.used, 0.0)
        reading.stamp += c.ahead
        if c.roll:
            turn = quat_exp(np.array([c.roll, 0.0, 0.0]))
            reading.orientation = quat_multiply(reading.orientation, turn)
        if c.not_finite:
            reading.position[:] = np.nan
        return reading

    def poses(self, samples: list[PoseSample]) -> list[PoseSample]:
        """Return motion capture's poses as they are reported."""
        if self.config.base == self.config.objects == "none":
            return samples
        reported = []
        for sample in samples:
            self._count += 1
            is_base = sample.body == BASE_BODY
            kind = self.config.base if is_base else self.config.objects
            reported += self._pose(kind, sample)
            self._last[sample.body] = sample
        return reported

    def _pose(self, kind: str, sample: PoseSample) -> list[PoseSample]:
        """Return the poses that are reported instead of one pose."""
        c, q = self.config, sample.quaternion
        aside = sample.position + np.array([c.distance, 0.0, 0.0])
        if kind == "hidden":
            return []
        if kind == "outliers":
            wrong = self._count // 2 % _OUTLIER_EVERY == 0
            return [dataclasses.replace(sample, position=aside) if wrong else sample]
        if kind == "jump":
            return [dataclasses.replace(sample, position=aside)]
        if kind == "not_finite":
            return [dataclasses.replace(sample, position=np.full(3, np.nan))]
        if kind == "upside_down":
            return [dataclasses.replace(sample, quaternion=quat_multiply(q, _OVER))]
        if kind == "y_up":
            x, y, z = sample.position
            turned = quat_multiply(_Y_UP, q)
            return [dataclasses.replace(sample, position=np.array([x, z, -y]), quaternion=turned)]
        if kind == "quaternion_order":
            return [dataclasses.replace(sample, quaternion=np.roll(q, 1))]
        if kind == "swapped":
            other = self._other(sample.body)
            if other is None:
                return []
            return [dataclasses.replace(other, body=sample.body, stamp=sample.stamp)]
        return self._stamped(kind, sample)

    def _stamped(self, kind: str, sample: PoseSample) -> list[PoseSample]:
        """Return a pose with a faulty stamp."""
        shift, last = self.config.shift, self._last.get(sample.body, sample)
        if kind == "stale":
            return [dataclasses.replace(sample, stamp=sample.stamp - shift)]
        if kind == "future":
            return [dataclasses.replace(sample, stamp=sample.stamp + shift)]
        if kind == "repeated":
            return [sample, sample]
        if kind == "backwards":
            return [sample, last]
        return [sample]

    def _other(self, body: str) -> PoseSample | None:
        """Return the last pose of another body, which is taken for this one."""
        for name, sample in self._last.items():
            if name != body and BASE_BODY in (name, body):
                return sample
        return None


_NO_FAULT = FaultConfig()
