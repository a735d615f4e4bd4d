"""Limits of joints: what is sent is clamped, what is measured is watched, joints are named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array, BoolArray
from gpc_ros.config import param
from gpc_ros.robot.joints import JOINT_NAMES, LOWER, TORQUE_LIMIT, UPPER, VELOCITY_LIMIT
from gpc_ros.robot.types import JointCommand, RobotReading


@dataclass(frozen=True)
class LimitsConfig:
    """Margins and times of the joint limits."""

    margin: float = param(
        0.02, "Distance of the soft position limits from the hard ones", unit="rad", low=0, high=0.5
    )
    outside: float = param(
        0.3, "A target this far outside its soft limit counts as a fault", unit="rad", low=0, high=3
    )
    outside_cycles: int = param(3, "Cycles in a row that it takes", low=1, high=1000)
    step: float = param(
        0.4, "Largest change of a target from one cycle to the next", unit="rad", low=0.001, high=3
    )
    overload_cycles: int = param(
        10, "Cycles in a row over the torque or velocity limit that are a fault", low=1, high=1000
    )
    temperature: float = param(95.0, "Hottest motor", unit="deg C", low=20.0, high=150.0)


class JointLimiter:
    """Clamps commands and watches readings.

    Attributes:
        clamped: targets moved to a soft limit since the start.
        stepped: targets whose change was limited since the start.
    """

    def __init__(self, config: LimitsConfig | None = None) -> None:
        """Start without a previous target."""
        self.config = config or LimitsConfig()
        self._low, self._high = LOWER + self.config.margin, UPPER - self.config.margin
        self._last: Array | None = None
        self._outside = np.zeros(12, dtype=np.intp)
        self._overload = np.zeros(12, dtype=np.intp)
        self.clamped = 0
        self.stepped = 0

    def forget(self) -> None:
        """Take the next target as it comes, as after damping."""
        self._last = None
        self._outside[:] = 0

    def limit(self, command: JointCommand) -> tuple[JointCommand, tuple[str, ...]]:
        """Return a command within position and step limits, and what is a fault.

        The position is only limited where the joint is controlled at all (kp > 0).
        """
        target = command.position
        if not np.isfinite(target @ target + command.velocity @ command.velocity):
            return JointCommand.damping(3.0), ("the walker's joint targets are not finite",)
        beyond = np.maximum(target - self._high, self._low - target)
        far = beyond > self.config.outside
        self._outside = (self._outside + 1) * far
        limited = np.minimum(np.maximum(target, self._low), self._high)
        if beyond.max() > 0.0:
            self.clamped += int((beyond > 0.0).sum())
        if self._last is not None:
            change = limited - self._last
            if np.abs(change).max() > self.config.step:
                self.stepped += int((np.abs(change) > self.config.step).sum())
                limited = self._last + np.clip(change, -self.config.step, self.config.step)
        self._last = limited
        faults: tuple[str, ...] = ()
        if self._outside.max() >= self.config.outside_cycles:
            joint = int(self._outside.argmax())
            faults = (
                f"{JOINT_NAMES[joint]}: target {target[joint]:.2f} rad is more than "
                f"{self.config.outside} rad outside [{self._low[joint]:.2f}, "
                f"{self._high[joint]:.2f}] rad",
            )
        return (
            JointCommand(limited, command.velocity, command.effort, command.kp, command.kd),
            faults,
        )

    def watch(self, reading: RobotReading) -> tuple[str, ...]:
        """Return which limits a reading breaks, in plain words."""
        speed = np.abs(reading.velocity) > VELOCITY_LIMIT
        # A saturated motor reports exactly its limit; only more than that is a fault.
        torque = np.abs(reading.effort) > 1.05 * TORQUE_LIMIT
        self._overload = (self._overload + 1) * (speed | torque)
        if self._overload.max() >= self.config.overload_cycles:
            return self._name_overload(reading, speed)
        if reading.temperature.max() > self.config.temperature:
            joint = int(reading.temperature.argmax())
            return (
                f"{JOINT_NAMES[joint]}: motor at {reading.temperature[joint]:.0f} deg C "
                f"(limit {self.config.temperature:.0f} deg C)",
            )
        return ()

    def _name_overload(self, reading: RobotReading, speed: BoolArray) -> tuple[str, ...]:
        joint = int(self._overload.argmax())
        if speed[joint]:
            value, limit, unit = reading.velocity[joint], VELOCITY_LIMIT[joint], "rad/s"
        else:
            value, limit, unit = reading.effort[joint], TORQUE_LIMIT[joint], "N m"
        return (f"{JOINT_NAMES[joint]}: {value:.1f} {unit} is over the limit of {limit} {unit}",)
