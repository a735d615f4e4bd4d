"""A Kalman filter for pose and velocity of a tracked object.

The velocity is an Ornstein-Uhlenbeck process: random pushes, damped by friction with time constant
T. An unseen object comes to rest, and its covariance stays consistent. After dt,

    v' = e v,   p' = p + s v,   e = exp(-dt / T),   s = T (1 - e)

All axes of position, and of rotation, share one 2 x 2 covariance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.estimation.flip_monitor import FlipMonitor, Flips
from gpc_ros.estimation.nominal_state import (
    Quaternion,
    Vector,
    conjugate,
    minus,
    multiply,
    plus,
    quaternion,
    rotation_between,
    turned,
    vector,
)
from gpc_ros.robot.types import ObjectState


@dataclass(frozen=True)
class TrackerConfig:
    """Noise and gates of the object tracker."""

    FORMER_NAMES: ClassVar = {
        "jump": "gate_position",
        "jump_rotation": "gate_rotation",
        "jump_speed": "gate_speed",
        "agreement": "confirm_time",
    }

    position_noise: float = param(
        0.0006, "Motion-capture position noise", unit="m", low=1e-5, high=0.5
    )
    rotation_noise: float = param(
        0.0055, "Motion-capture rotation noise", unit="rad", low=1e-4, high=0.5
    )
    acceleration: float = param(
        0.6,
        "Noise density of the acceleration of the object",
        unit="m/s^2/sqrt(Hz)",
        low=0.001,
        high=100.0,
    )
    rotation_acceleration: float = param(
        2.0,
        "Noise density of the angular acceleration of the object",
        unit="rad/s^2/sqrt(Hz)",
        low=0.001,
        high=500.0,
    )
    braking: float = param(
        0.5, "Time constant of the velocity of an unpushed object", unit="s", low=0.02, high=60
    )
    rotation_braking: float = param(
        0.2,
        "Time constant of the angular velocity of an unpushed object",
        unit="s",
        low=0.02,
        high=60.0,
    )
    gate_position: float = param(
        0.15, "Position gate around the predicted pose", unit="m", low=0.01, high=10
    )
    gate_rotation: float = param(
        0.6, "Rotation gate around the predicted pose", unit="rad", low=0.01, high=3.2
    )
    gate_speed: float = param(
        0.6, "Maximum speed of an unseen object; widens the gates", unit="m/s", low=0, high=10
    )
    confirm_time: float = param(
        0.5, "Gated poses are accepted after agreeing for this time", unit="s", low=0.0, high=10.0
    )


class _Axes:
    """Shared variances p, v and covariance c of value and rate of three axes."""

    def __init__(self, noise: float, acceleration: float, braking: float) -> None:
        self._noise, self._density, self._braking = noise**2, acceleration**2, braking
        self.rate: Vector = (0.0, 0.0, 0.0)
        self.p, self.c, self.v = noise**2, 0.0, 1.0

    def carry(self, dt: float) -> tuple[Vector, Vector]:
        """Return the change of the value and the rate after dt [s]."""
        left = math.exp(-dt / self._braking)
        way = self._braking * (1.0 - left)
        x, y, z = self.rate
        return (x * way, y * way, z * way), (x * left, y * left, z * left)

    def after(self, dt: float) -> tuple[float, float, float]:
        """Return p, c and v after dt [s]."""
        q, t = self._density, self._braking
        left = math.exp(-dt / t)
        way, square = t * (1.0 - left), 0.5 * t * (1.0 - left * left)
        p = self.p + way * (2.0 * self.c + way * self.v) + q * t * t * (dt - 2.0 * way + square)
        c = left * (self.c + way * self.v) + 0.5 * q * way * way
        return p, c, left * left * self.v + q * square

    def predict(self, dt: float) -> None:
        self.p, self.c, self.v = self.after(dt)
        self.rate = self.carry(dt)[1]

    def correct(self, residual: Vector) -> Vector:
        """Return the correction of the value for a residual and correct the rate."""
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
        gated: number of gated poses since the start.
    """

    def __init__(self, config: TrackerConfig) -> None:
        """Start without a pose."""
        self._config = config
        self._stamp = -math.inf
        self._position: Vector = (0.0, 0.0, 0.0)
        self._orientation: Quaternion = (1.0, 0.0, 0.0, 0.0)
        self._begin()
        self._candidate: tuple[float, Vector, Quaternion] | None = None
        self._monitor = FlipMonitor(config.gate_rotation)
        self.gated = 0

    @property
    def flips(self) -> Flips:
        """Share of the poses of the last second with a flipped attitude, and the angle."""
        return self._monitor.flips

    def update(self, stamp: float, position: Array, orientation: Array) -> None:
        """Process a pose: position (3,) [m], attitude (4,) wxyz, at its capture stamp [s]."""
        where, attitude = vector(position), quaternion(orientation)
        if self._stamp == -math.inf:
            self._start(stamp, where, attitude)
            return
        dt = stamp - self._stamp
        if dt <= 0.0:
            return
        expected, expected_attitude = self._carried(dt)
        moved = minus(where, expected)
        turn = rotation_between(expected_attitude, attitude)
        if not self._within_gate(dt, moved, turn):
            self.gated += 1
            if self._agrees(stamp, where, attitude):
                self._start(stamp, where, attitude)
            elif self._near(dt, moved) and self._monitor.flipped(
                stamp, multiply(conjugate(expected_attitude), attitude)
            ):
                self._adopt(stamp, expected, attitude)
            return
        self._candidate = None
        self._monitor.accepted(stamp)
        self._linear.predict(dt)
        self._angular.predict(dt)
        self._position = plus(expected, self._linear.correct(moved))
        self._orientation = turned(expected_attitude, *self._angular.correct(turn))
        self._stamp = stamp

    def _carried(self, dt: float) -> tuple[Vector, Quaternion]:
        """Return the predicted pose dt [s] after the last one."""
        return (
            plus(self._position, self._linear.carry(dt)[0]),
            turned(self._orientation, *self._angular.carry(dt)[0]),
        )

    def _within_gate(self, dt: float, moved: Vector, turn: Vector) -> bool:
        c = self._config
        wider = c.gate_rotation + 2.0 * c.gate_speed * dt
        return self._near(dt, moved) and math.hypot(*turn) <= wider

    def _near(self, dt: float, moved: Vector) -> bool:
        # The possible motion of an unseen object widens the gates.
        return math.hypot(*moved) <= self._config.gate_position + self._config.gate_speed * dt

    def _agrees(self, stamp: float, position: Vector, orientation: Quaternion) -> bool:
        """Return whether gated poses have agreed with each other for the confirm time."""
        c = self._config
        if (
            self._candidate is None
            or math.dist(position, self._candidate[1]) > c.gate_position
            or math.hypot(*rotation_between(self._candidate[2], orientation)) > c.gate_rotation
        ):
            self._candidate = (stamp, position, orientation)
        return stamp - self._candidate[0] >= c.confirm_time

    def _adopt(self, stamp: float, position: Vector, orientation: Quaternion) -> None:
        """Replace the attitude; the object keeps its position and velocity."""
        c = self._config
        dt = stamp - self._stamp
        self._linear.predict(dt)
        self._angular = _Axes(c.rotation_noise, c.rotation_acceleration, c.rotation_braking)
        self._stamp, self._position, self._orientation = stamp, position, orientation
        self._candidate = None
        self._monitor.reset()

    def _begin(self) -> None:
        c = self._config
        self._linear = _Axes(c.position_noise, c.acceleration, c.braking)
        self._angular = _Axes(c.rotation_noise, c.rotation_acceleration, c.rotation_braking)

    def _start(self, stamp: float, position: Vector, orientation: Quaternion) -> None:
        self._stamp, self._candidate = stamp, None
        self._position, self._orientation = position, orientation
        self._monitor.reset()
        self._begin()

    def state(self, now: float) -> ObjectState | None:
        """Return the state at a time [s], or None before the first pose.

        The pose is predicted with the velocity, which decays while the object is unseen.
        """
        if self._stamp == -math.inf:
            return None
        age = max(now - self._stamp, 0.0)
        position, orientation = self._carried(age)
        linear, angular = self._linear, self._angular
        p, r = linear.after(age)[0], angular.after(age)[0]
        return ObjectState(
            np.array(position),
            np.array(orientation),
            np.array(linear.carry(age)[1]),
            np.array(angular.carry(age)[1]),
            age,
            np.array([p, p, p, r, r, r]),
        )

    def covariance(self, now: float) -> Array:
        """Return the covariance (9, 9) of position, rotation and linear velocity at a time [s]."""
        age = max(now - self._stamp, 0.0)
        p, c, v = self._linear.after(age)
        covariance = np.diag(np.repeat([p, self._angular.after(age)[0], v], 3))
        covariance[[0, 1, 2, 6, 7, 8], [6, 7, 8, 0, 1, 2]] = c
        return covariance
