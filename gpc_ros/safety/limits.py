"""Limit joint commands and watch readings; every sentence names the joint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.errors import ConfigError
from gpc_ros.robot import ceilings
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
    """Margins and times of the joint limits; none can be set beyond ``robot/ceilings.py``."""

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {
        "margin": "soft_margin",
        "outside": "max_violation",
        "outside_cycles": "violation_cycles",
        "step": "max_step",
        "hot_speed": "derate_factor",
    }

    soft_margin: float = param(
        SOFT_MARGIN, "Distance of the soft position limits from the hard ones",
        unit="rad", low=0, high=0.5,
    )  # fmt: skip
    max_violation: float = param(
        0.3,
        "Distance of a target outside its soft limit that is a fault",
        unit="rad",
        low=0,
        high=3,
    )
    violation_cycles: int = param(
        3, "Cycles in a row with such a target that are a fault", low=1, high=1000
    )
    max_step: float = param(
        0.4, "Largest change of a target from one cycle to the next",
        unit="rad", low=0.001, high=float(ceilings.STEP.min()),
    )  # fmt: skip
    max_kp: float = param(
        200.0, "Largest stiffness of a joint; more is a fault",
        unit="N m/rad", low=0.0, high=float(ceilings.KP.max()),
    )  # fmt: skip
    max_kd: float = param(
        10.0, "Largest damping of a joint; more is a fault",
        unit="N m s/rad", low=0.0, high=float(ceilings.KD.max()),
    )  # fmt: skip
    effort_fraction: float = param(
        1.0, "Largest feed-forward torque, as a fraction of the rated one", low=0.0, high=1.0
    )
    velocity_fraction: float = param(
        1.0, "Largest velocity target, as a fraction of the rated one", low=0.0, high=1.0
    )
    command_fraction: float = param(
        1.0, "Largest walking command, as a fraction of the absolute ceiling", low=0.0, high=1.0
    )
    # Fourteen of the 20 ms that the fault table allows.
    overload_cycles: int = param(
        7, "Cycles in a row over the torque or velocity limit that are a fault", low=1, high=1000
    )
    # A leg that slips or is caught is driven faster than its motor turns by itself: a calf rated at
    # 15.7 rad/s reached 20.7 rad/s when it stumbled over the box, without any defect.
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
    derate_factor: float = param(
        0.5, "Factor on the walking command while a motor is near a limit", low=0.0, high=1.0
    )

    @property
    def kp(self) -> Array:
        """Largest stiffness of each joint (12,) [N m/rad]."""
        return np.minimum(ceilings.KP, self.max_kp)

    @property
    def kd(self) -> Array:
        """Largest damping of each joint (12,) [N m s/rad]."""
        return np.minimum(ceilings.KD, self.max_kd)

    def check_gains(self, name: str, kp: Array, kd: Array) -> None:
        """Refuse a walker that is stiffer than the limits allow.

        Args:
            name: of the walker.
            kp: stiffness (12,) [N m/rad].
            kd: damping (12,) [N m s/rad].

        Raises:
            ConfigError: a gain is not finite, negative or above its limit.
        """
        for gain, values, limit, unit in (
            ("kp", kp, self.kp, "N m/rad"),
            ("kd", kd, self.kd, "N m s/rad"),
        ):
            bad = ~((values >= 0.0) & (values <= limit))
            if bad.any():
                joint = int(bad.argmax())
                raise ConfigError(
                    f"walker {name}: {gain} of {JOINT_NAMES[joint]} is {values[joint]:g} {unit}, "
                    f"outside [0, {limit[joint]:g}] {unit} (limits.max_{gain})"
                )


class JointLimiter:
    """Limits joint commands and monitors readings.

    Attributes:
        clamped: targets moved to a soft limit since the start.
        stepped: targets whose change was limited since the start.
        last_clamped: the joint and its target, in plain words; empty if none was clamped yet.
    """

    def __init__(self, config: LimitsConfig | None = None) -> None:
        """Start without a previous target."""
        self.config = config or LimitsConfig()
        c = self.config
        margin = max(c.soft_margin, 0.0)
        self._low, self._high = LOWER + margin, UPPER - margin
        self._kp, self._kd = c.kp, c.kd
        self._effort = min(c.effort_fraction, 1.0) * ceilings.EFFORT
        self._velocity = min(c.velocity_fraction, 1.0) * ceilings.VELOCITY
        self._step = np.minimum(c.max_step, ceilings.STEP)
        self._last: Array | None = None
        # The last command and the one sent for it, if nothing had to be limited.
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

    def reset(self) -> None:
        """Drop the previous target, so that the next one is not limited in its step."""
        self._last, self._passed = None, (None, None)
        self._outside[:] = 0

    def limit(self, command: JointCommand) -> tuple[JointCommand, tuple[str, ...]]:
        """Return a command within every limit, and the limits whose violation is a fault.

        Positions, velocities and torques are clamped. A command with a value that is not finite or
        with a gain out of range is a fault and replaced by damping. A command that passed is not
        checked again while the same object is held.
        """
        before, sent = self._passed
        if command is before and sent is not None:
            return sent, ()
        target = command.position
        bad = self._unusable(command)
        if bad:
            return JointCommand.damping(3.0), (bad,)
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
            np.minimum(np.maximum(command.velocity, -self._velocity), self._velocity),
            np.minimum(np.maximum(command.effort, -self._effort), self._effort),
            command.kp,
            command.kd,
        )
        self._passed = (command, sent) if (limited == target).all() else (None, None)
        return sent, faults

    def _unusable(self, command: JointCommand) -> str:
        """Return why a command is replaced by damping; empty if it is not."""
        # Entry by entry, because a sum of large numbers can overflow.
        for name, part in vars(command).items():
            if np.shape(part) != (12,):
                return f"the joint targets have a wrong length: {name} {np.shape(part)}"
            if not np.isfinite(part).all():
                return "the joint targets are not finite"
        for name, gain, limit in (("kp", command.kp, self._kp), ("kd", command.kd, self._kd)):
            if gain.min() < 0.0:
                return "a joint gain is negative"
            if (gain > limit).any():
                joint = int((gain > limit).argmax())
                return (
                    f"{JOINT_NAMES[joint]}: {name} of {gain[joint]:g} is above its limit of "
                    f"{limit[joint]:g}"
                )
        return ""

    def _clamp(self, target: Array, limited: Array) -> tuple[str, ...]:
        """Count clamped targets, and return a sentence if one was far outside for too long."""
        beyond = np.abs(target - limited)
        self.clamped += int((beyond > 0.0).sum())
        self.last_clamped = self._name_target(int(beyond.argmax()), target)
        self._outside = (self._outside + 1) * (beyond > self.config.max_violation)
        if self._outside.max() < self.config.violation_cycles:
            return ()
        joint = int(self._outside.argmax())
        return (
            f"{self._name_target(joint, target)}, by more than {self.config.max_violation} rad for "
            f"{self.config.violation_cycles} cycles",
        )

    def _name_target(self, joint: int, target: Array) -> str:
        return (
            f"{JOINT_NAMES[joint]}: target {target[joint]:.2f} rad is outside "
            f"[{self._low[joint]:.2f}, {self._high[joint]:.2f}] rad"
        )

    def _limit_step(self, wanted: Array, last: Array) -> Array:
        """Return targets (12,) that are at most one step away from the last ones."""
        change = wanted - last
        too_far = np.abs(change) > self._step
        if not too_far.any():
            return wanted
        self.stepped += int(too_far.sum())
        return last + np.clip(change, -self._step, self._step)

    def watch(self, reading: RobotReading) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the limits that a reading violates and those that it is near, in plain words."""
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
    """Keeps walking commands within the range of the walker and below the absolute ceiling.

    Attributes:
        limited: commands that were changed since the start.
    """

    def __init__(self, low: Array, high: Array, fraction: float = 1.0) -> None:
        """Set the range.

        Args:
            low: smallest command (3,): vx, vy [m/s], yaw rate [rad/s].
            high: largest command (3,), same units.
            fraction: of the absolute ceiling that is allowed.
        """
        ceiling = min(fraction, 1.0) * ceilings.COMMAND
        self._low, self._high = np.maximum(low, -ceiling), np.minimum(high, ceiling)
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
