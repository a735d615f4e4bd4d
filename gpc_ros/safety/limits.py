"""Limits: what is sent is clamped, what is measured is watched, and a joint is always named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.robot.joints import (
    JOINT_NAMES,
    LOWER,
    SOFT_MARGIN,
    TORQUE_LIMIT,
    UPPER,
    VELOCITY_LIMIT,
)
from gpc_ros.robot.types import JointCommand, RobotReading

# A saturated motor reports exactly its limit; only more than that is an overload.
_TORQUE_SLACK = 1.05


@dataclass(frozen=True)
class LimitsConfig:
    """Margins and times of the joint limits."""

    margin: float = param(
        SOFT_MARGIN, "Distance of the soft position limits from the hard ones",
        unit="rad", low=0, high=0.5,
    )  # fmt: skip
    outside: float = param(
        0.3, "A target this far outside its soft limit counts as a fault", unit="rad", low=0, high=3
    )
    outside_cycles: int = param(3, "Cycles in a row that it takes", low=1, high=1000)
    step: float = param(
        0.4, "Largest change of a target from one cycle to the next", unit="rad", low=0.001, high=3
    )
    # Fourteen of the 20 ms that the fault table allows.
    overload_cycles: int = param(
        7, "Cycles in a row over the torque or velocity limit that are a fault", low=1, high=1000
    )
    # A leg that slips or is caught is driven faster than its motor turns by itself: 20.7 rad/s were
    # seen at a calf of 15.7 rad/s that stumbled over the box, and nothing was wrong with it.
    overspeed: float = param(
        1.5, "Measured joint velocity that is a fault, in rated velocities", low=1.0, high=3.0
    )
    temperature: float = param(95.0, "Hottest motor", unit="deg C", low=20.0, high=150.0)
    # Ten of the 20 ms that the fault table allows.
    temperature_cycles: int = param(
        5, "Cycles in a row over that temperature that are a fault", low=1, high=1000
    )
    temperature_warn: float = param(
        80.0, "Motor temperature from which it walks slower", unit="deg C", low=20.0, high=150.0
    )
    hot_speed: float = param(
        0.5, "Share of the walking command that is left near or over a limit", low=0.0, high=1.0
    )


class JointLimiter:
    """Clamps joint commands and watches readings.

    Attributes:
        clamped: targets moved to a soft limit since the start.
        stepped: targets whose change was limited since the start.
        last_clamped: the joint and its target, in plain words; empty if none was clamped yet.
    """

    def __init__(self, config: LimitsConfig | None = None) -> None:
        """Start without a previous target."""
        self.config = config or LimitsConfig()
        self._low, self._high = LOWER + self.config.margin, UPPER - self.config.margin
        self._last: Array | None = None
        # The last command and what was sent for it, if nothing had to be limited.
        self._passed: tuple[JointCommand | None, JointCommand | None] = (None, None)
        self._outside = np.zeros(12, dtype=np.intp)
        self._overload = np.zeros(12, dtype=np.intp)
        self._overloaded = False
        self._hot = 0  # cycles in a row with a motor that is too hot
        # Velocity and torque as shares of their limits.
        self._load = np.zeros((2, 12))
        self._fastest = self.config.overspeed * VELOCITY_LIMIT
        self._full = 1.0 / np.stack([self._fastest, _TORQUE_SLACK * TORQUE_LIMIT])
        self.clamped = 0
        self.stepped = 0
        self.last_clamped = ""

    def forget(self) -> None:
        """Take the next target as it comes, as after damping."""
        self._last, self._passed = None, (None, None)
        self._outside[:] = 0

    def limit(self, command: JointCommand) -> tuple[JointCommand, tuple[str, ...]]:
        """Return a command within position, velocity, torque and step limits, and what is a fault.

        A target that passed and is held (the same object again) is not looked at again.
        """
        before, sent = self._passed
        if command is before and sent is not None:
            return sent, ()
        target = command.position
        # Entry by entry, because a sum of large numbers can overflow.
        finite = all(np.isfinite(part).all() for part in vars(command).values())
        if not finite:
            return JointCommand.damping(3.0), ("the joint targets are not finite",)
        if command.kp.min() < 0.0 or command.kd.min() < 0.0:
            return JointCommand.damping(3.0), ("a joint gain is negative",)
        limited = np.minimum(np.maximum(target, self._low), self._high)
        faults: tuple[str, ...] = ()
        if (limited != target).any():
            faults = self._clamp(target, limited)
        else:
            self._outside[:] = 0
        if self._last is not None:
            limited = self._limit_step(limited, self._last)
        self._last = limited
        sent = JointCommand(
            limited,
            np.minimum(np.maximum(command.velocity, -VELOCITY_LIMIT), VELOCITY_LIMIT),
            np.minimum(np.maximum(command.effort, -TORQUE_LIMIT), TORQUE_LIMIT),
            command.kp,
            command.kd,
        )
        self._passed = (command, sent) if (limited == target).all() else (None, None)
        return sent, faults

    def _clamp(self, target: Array, limited: Array) -> tuple[str, ...]:
        """Count what is clamped, and return what has been far outside for too long."""
        beyond = np.abs(target - limited)
        self.clamped += int((beyond > 0.0).sum())
        self.last_clamped = self._name_target(int(beyond.argmax()), target)
        self._outside = (self._outside + 1) * (beyond > self.config.outside)
        if self._outside.max() < self.config.outside_cycles:
            return ()
        joint = int(self._outside.argmax())
        return (
            f"{self._name_target(joint, target)}, by more than {self.config.outside} rad for "
            f"{self.config.outside_cycles} cycles",
        )

    def _name_target(self, joint: int, target: Array) -> str:
        return (
            f"{JOINT_NAMES[joint]}: target {target[joint]:.2f} rad is outside "
            f"[{self._low[joint]:.2f}, {self._high[joint]:.2f}] rad"
        )

    def _limit_step(self, wanted: Array, last: Array) -> Array:
        """Return targets (12,) that are at most one step away from the last ones."""
        change = wanted - last
        too_far = np.abs(change) > self.config.step
        if not too_far.any():
            return wanted
        self.stepped += int(too_far.sum())
        return last + np.clip(change, -self.config.step, self.config.step)

    def watch(self, reading: RobotReading) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return which limits a reading breaks and which it is near, in plain words."""
        load = self._load
        load[0], load[1] = reading.velocity, reading.effort
        np.abs(load, load)
        np.multiply(load, self._full, load)
        if load.max() > 1.0:
            self._overloaded = True
            over = load.max(axis=0) > 1.0
            self._overload = (self._overload + 1) * over
            if self._overload.max() >= self.config.overload_cycles:
                return (self._name_overload(reading),), ()
            return (), (self._name_overload(reading),)
        elif self._overloaded:
            self._overloaded = False
            self._overload[:] = 0
        hottest = reading.temperature.max()
        if hottest > self.config.temperature:
            self._hot += 1
            sentence = self._name_hottest(reading, self.config.temperature)
            broken = self._hot >= self.config.temperature_cycles
            return ((sentence,), ()) if broken else ((), (sentence,))
        self._hot = 0
        if hottest > self.config.temperature_warn:
            return (), (self._name_hottest(reading, self.config.temperature_warn),)
        return (), ()

    def _name_hottest(self, reading: RobotReading, limit: float) -> str:
        joint = int(reading.temperature.argmax())
        return (
            f"{JOINT_NAMES[joint]}: motor at {reading.temperature[joint]:.0f} deg C "
            f"(limit {limit:.0f} deg C)"
        )

    def _name_overload(self, reading: RobotReading) -> str:
        joint = int(self._overload.argmax())
        if self._load[0, joint] > 1.0:
            value, limit, unit = reading.velocity[joint], self._fastest[joint], "rad/s"
        else:
            value, limit, unit = reading.effort[joint], TORQUE_LIMIT[joint], "N m"
        return f"{JOINT_NAMES[joint]}: {value:.1f} {unit} is over the limit of {limit:.4g} {unit}"


class VelocityLimiter:
    """Keeps walking commands within what the walker is made for.

    Attributes:
        limited: commands that were changed since the start.
    """

    def __init__(self, low: Array, high: Array) -> None:
        """Take the smallest and the largest command (3,): vx, vy [m/s], yaw rate [rad/s]."""
        self._low, self._high = low, high
        self.limited = 0

    def limit(self, command: Array, share: float = 1.0) -> Array:
        """Return a command (3,) within the limits, times ``share``; zero if it is not finite."""
        if command.shape != (3,) or not np.isfinite(command).all():
            self.limited += 1
            return np.zeros(3)
        inside = np.minimum(np.maximum(command, self._low), self._high)
        if share < 1.0:
            inside *= share
        if (inside != command).any():
            self.limited += 1
        return inside
