"""Pose and velocity of an object that motion capture sees: a constant-velocity Kalman filter.

Each axis of position and rotation is filtered alike, so that one 2 x 2 covariance serves three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array
from gpc_ros.config import param
from gpc_ros.geometry import quat_conjugate, quat_exp, quat_log, quat_multiply
from gpc_ros.robot.types import ObjectState


@dataclass(frozen=True)
class TrackerConfig:
    """Noise and gates of the object tracker."""

    position_noise: float = param(
        0.002, "Motion-capture position noise", unit="m", low=1e-5, high=0.5
    )
    rotation_noise: float = param(
        0.01, "Motion-capture rotation noise", unit="rad", low=1e-4, high=0.5
    )
    acceleration: float = param(
        3.0, "Accelerations that the object may show", unit="m/s^2", low=0.01, high=100.0
    )
    rotation_acceleration: float = param(
        8.0, "Angular accelerations that the object may show", unit="rad/s^2", low=0.01, high=500.0
    )
    jump: float = param(
        0.3, "A pose this far from the expected one is gated", unit="m", low=0.01, high=10
    )
    agreement: float = param(
        0.5, "Gated poses that agree for this long are believed", unit="s", low=0.0, high=10.0
    )


class _Axes:
    """Three axes of a constant-velocity filter with a common covariance."""

    def __init__(self, noise: float, acceleration: float) -> None:
        self._noise, self._acceleration = noise**2, acceleration**2
        self.rate = np.zeros(3)
        self.p, self.c, self.v = noise**2, 0.0, 1.0  # variances of value and rate, covariance

    def predict(self, dt: float) -> None:
        q = self._acceleration * dt
        self.p += dt * (2 * self.c + dt * self.v) + q * dt**2 / 3
        self.c += dt * self.v + q * dt / 2
        self.v += q

    def correct(self, residual: Array) -> Array:
        """Return the change of the value (3,) for a residual (3,)."""
        total = self.p + self._noise
        gain, rate_gain = self.p / total, self.c / total
        self.rate = self.rate + rate_gain * residual
        self.v -= rate_gain * self.c
        self.c -= gain * self.c
        self.p -= gain * self.p
        change: Array = gain * residual
        return change


class ObjectTracker:
    """Tracks one body.

    Attributes:
        gated: poses that were not believed since the start.
    """

    def __init__(self, config: TrackerConfig) -> None:
        """Start without a pose."""
        self._config = config
        self._stamp: float | None = None
        self._suspect: tuple[float, Array] | None = None
        self._position, self._orientation = np.zeros(3), np.array([1.0, 0.0, 0.0, 0.0])
        self._linear = _Axes(config.position_noise, config.acceleration)
        self._angular = _Axes(config.rotation_noise, config.rotation_acceleration)
        self.gated = 0

    def update(self, stamp: float, position: Array, orientation: Array) -> None:
        """Take in a pose: position (3,) [m], attitude (4,) wxyz, at its capture stamp [s]."""
        if self._stamp is None or (stamp > self._stamp and not self._believable(stamp, position)):
            if self._stamp is None or self._agrees(stamp, position):
                self._start(stamp, position, orientation)
            else:
                self.gated += 1
            return
        if stamp <= self._stamp:
            return
        self._suspect = None
        dt = stamp - self._stamp
        self._linear.predict(dt)
        self._angular.predict(dt)
        expected = self._position + self._linear.rate * dt
        turned = quat_multiply(self._orientation, quat_exp(self._angular.rate * dt))
        self._position = expected + self._linear.correct(position - expected)
        error = quat_log(quat_multiply(quat_conjugate(turned), orientation))
        self._orientation = quat_multiply(turned, quat_exp(self._angular.correct(error)))
        self._orientation /= np.linalg.norm(self._orientation)
        self._stamp = stamp

    def _believable(self, stamp: float, position: Array) -> bool:
        assert self._stamp is not None
        dt = stamp - self._stamp
        expected = self._position + self._linear.rate * dt
        # What the object could have done while unseen widens the gate.
        gate = self._config.jump + min(0.5 * self._config.acceleration * dt * dt, 2.0)
        return bool(np.linalg.norm(position - expected) <= gate)

    def _agrees(self, stamp: float, position: Array) -> bool:
        """Return whether gated poses have agreed with each other for long enough."""
        if self._suspect is None or np.linalg.norm(position - self._suspect[1]) > self._config.jump:
            self._suspect = (stamp, position.copy())
        return stamp - self._suspect[0] >= self._config.agreement

    def _start(self, stamp: float, position: Array, orientation: Array) -> None:
        c = self._config
        self._stamp, self._suspect = stamp, None
        self._position, self._orientation = position.copy(), orientation.copy()
        self._linear = _Axes(c.position_noise, c.acceleration)
        self._angular = _Axes(c.rotation_noise, c.rotation_acceleration)

    def state(self, now: float) -> ObjectState | None:
        """Return the state at a time [s], or None before the first pose.

        The pose is carried forward with its velocity for a tenth of a second; an object that is
        unseen for longer is taken to rest where it was.
        """
        if self._stamp is None:
            return None
        age = max(now - self._stamp, 0.0)
        dt = min(age, 0.1)
        moving = 1.0 if age <= 0.1 else 0.0
        return ObjectState(
            self._position + self._linear.rate * dt,
            quat_multiply(self._orientation, quat_exp(self._angular.rate * dt)),
            self._linear.rate * moving,
            self._angular.rate * moving,
            age,
            np.repeat([self._linear.p + age**2, self._angular.p + age**2], 3),
        )
