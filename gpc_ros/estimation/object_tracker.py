"""Pose and velocity of an object that motion capture sees: a constant-velocity Kalman filter.

Each axis of position and rotation is filtered alike, so that one 2 x 2 covariance serves three.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array
from gpc_ros.config import param
from gpc_ros.estimation.nominal import (
    Quaternion,
    Vector,
    quaternion,
    rotation_between,
    turned,
    vector,
)
from gpc_ros.robot.types import ObjectState

# An object that is unseen for longer than this is taken to rest where it was [s].
_CARRY = 0.1


@dataclass(frozen=True)
class TrackerConfig:
    """Noise and gates of the object tracker."""

    position_noise: float = param(
        0.001, "Motion-capture position noise", unit="m", low=1e-5, high=0.5
    )
    rotation_noise: float = param(
        0.01, "Motion-capture rotation noise", unit="rad", low=1e-4, high=0.5
    )
    acceleration: float = param(
        0.6,
        "Noise density of the accelerations that the object shows",
        unit="m/s^2/sqrt(Hz)",
        low=0.001,
        high=100.0,
    )
    rotation_acceleration: float = param(
        1.5,
        "Noise density of its angular accelerations",
        unit="rad/s^2/sqrt(Hz)",
        low=0.001,
        high=500.0,
    )
    jump: float = param(
        0.15, "A pose this far from the expected one is gated", unit="m", low=0.01, high=10
    )
    jump_rotation: float = param(
        0.6, "An attitude this far from the expected one is gated", unit="rad", low=0.01, high=3.2
    )
    jump_speed: float = param(
        0.6, "Speed that an unseen object may have; widens the gates", unit="m/s", low=0, high=10
    )
    agreement: float = param(
        0.5, "Gated poses that agree for this long are believed", unit="s", low=0.0, high=10.0
    )


class _Axes:
    """Variances of value and rate of three like axes, p and v, and their covariance c."""

    def __init__(self, noise: float, acceleration: float) -> None:
        self._noise, self._density = noise**2, acceleration**2
        self.rate: Vector = (0.0, 0.0, 0.0)
        self.p, self.c, self.v = noise**2, 0.0, 1.0

    def predict(self, dt: float) -> None:
        q = self._density * dt
        self.p += dt * (2.0 * self.c + dt * self.v) + q * dt * dt / 3.0
        self.c += dt * self.v + q * dt / 2.0
        self.v += q

    def correct(self, residual: Vector) -> Vector:
        """Return the change of the value for a residual, and change the rate."""
        total = self.p + self._noise
        gain, rate_gain = self.p / total, self.c / total
        (x, y, z), (rx, ry, rz) = residual, self.rate
        self.rate = (rx + rate_gain * x, ry + rate_gain * y, rz + rate_gain * z)
        self.v -= rate_gain * self.c
        self.c -= gain * self.c
        self.p -= gain * self.p
        return gain * x, gain * y, gain * z


class ObjectTracker:
    """Tracks one body.

    Attributes:
        gated: poses that were not believed since the start.
    """

    def __init__(self, config: TrackerConfig) -> None:
        """Start without a pose."""
        self._config = config
        self._stamp = -math.inf
        self._position: Vector = (0.0, 0.0, 0.0)
        self._orientation: Quaternion = (1.0, 0.0, 0.0, 0.0)
        self._linear = _Axes(config.position_noise, config.acceleration)
        self._angular = _Axes(config.rotation_noise, config.rotation_acceleration)
        self._suspect: tuple[float, Vector, Quaternion] | None = None
        self.gated = 0

    def update(self, stamp: float, position: Array, orientation: Array) -> None:
        """Take in a pose: position (3,) [m], attitude (4,) wxyz, at its capture stamp [s]."""
        where, attitude = vector(position), quaternion(orientation)
        if self._stamp == -math.inf:
            self._start(stamp, where, attitude)
            return
        dt = stamp - self._stamp
        if dt <= 0.0:
            return
        expected, expected_attitude = self._carried(dt)
        moved = _minus(where, expected)
        turn = rotation_between(expected_attitude, attitude)
        if not self._believable(dt, moved, turn):
            self.gated += 1
            if self._agrees(stamp, where, attitude):
                self._start(stamp, where, attitude)
            return
        self._suspect = None
        self._linear.predict(dt)
        self._angular.predict(dt)
        self._position = _plus(expected, self._linear.correct(moved))
        self._orientation = turned(expected_attitude, *self._angular.correct(turn))
        self._stamp = stamp

    def _carried(self, dt: float) -> tuple[Vector, Quaternion]:
        """Return the pose dt [s] after the last one; the motion is believed for a moment only."""
        dt = min(dt, _CARRY)
        (vx, vy, vz), (wx, wy, wz) = self._linear.rate, self._angular.rate
        return (
            _plus(self._position, (vx * dt, vy * dt, vz * dt)),
            turned(self._orientation, wx * dt, wy * dt, wz * dt),
        )

    def _believable(self, dt: float, moved: Vector, turn: Vector) -> bool:
        c = self._config
        # What the object could have done while unseen widens the gates.
        return (
            math.hypot(*moved) <= c.jump + c.jump_speed * dt
            and math.hypot(*turn) <= c.jump_rotation + 2.0 * c.jump_speed * dt
        )

    def _agrees(self, stamp: float, position: Vector, orientation: Quaternion) -> bool:
        """Return whether gated poses have agreed with each other for long enough."""
        c = self._config
        if (
            self._suspect is None
            or math.dist(position, self._suspect[1]) > c.jump
            or math.hypot(*rotation_between(self._suspect[2], orientation)) > c.jump_rotation
        ):
            self._suspect = (stamp, position, orientation)
        return stamp - self._suspect[0] >= c.agreement

    def _start(self, stamp: float, position: Vector, orientation: Quaternion) -> None:
        c = self._config
        self._stamp, self._suspect = stamp, None
        self._position, self._orientation = position, orientation
        self._linear = _Axes(c.position_noise, c.acceleration)
        self._angular = _Axes(c.rotation_noise, c.rotation_acceleration)

    def state(self, now: float) -> ObjectState | None:
        """Return the state at a time [s], or None before the first pose.

        The pose is carried forward with its velocity for a tenth of a second; an object that is
        unseen for longer is taken to rest where it was.
        """
        if self._stamp == -math.inf:
            return None
        age = max(now - self._stamp, 0.0)
        position, orientation = self._carried(age)
        moving = 1.0 if age <= _CARRY else 0.0
        linear, angular = self._linear, self._angular
        p = linear.p + age * (2.0 * linear.c + age * linear.v)
        r = angular.p + age * (2.0 * angular.c + age * angular.v)
        return ObjectState(
            np.array(position),
            np.array(orientation),
            moving * np.array(linear.rate),
            moving * np.array(angular.rate),
            age,
            np.array([p, p, p, r, r, r]),
        )


def _plus(a: Vector, b: Vector) -> Vector:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _minus(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]
