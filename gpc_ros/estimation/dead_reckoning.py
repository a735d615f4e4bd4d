"""Dead reckoning: robot motion from IMU and legs alone, without motion capture.

Gyro and accelerometer propagate attitude and velocity; the stance legs correct the velocity:

    q' = q x w,   v' = a + R_imu^T g - w x v,   v += share (mean over consistent feet - v)

with v in the base frame. The initial pose is arbitrary: only relative motion is meaningful.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.estimation.nominal_state import (
    GRAVITY,
    Quaternion,
    Vector,
    crossed,
    minus,
    plus,
    quaternion,
    rotated,
    scaled,
    turned,
    unrotated,
    vector,
)
from gpc_ros.robot.types import RobotReading

# A longer pause between two readings restarts the integration [s].
_GAP = 0.05
# A foot with a larger velocity error swings or strikes the ground [m/s]. A consistent foot corrects
# the velocity by this share. After this many updates without a consistent foot, all are accepted.
_FITS, _TRUST, _PATIENT = 0.3, 0.2, 12


class ReckonedPose(NamedTuple):
    """Position [m], attitude wxyz in an arbitrary frame, time without a consistent foot [s]."""

    position: Vector
    attitude: Quaternion
    blind: float


class DeadReckoning:
    """Integrates the motion from reading to reading; see the module.

    Attributes:
        at: present pose.
        velocity: velocity of the base [m/s], base frame.
    """

    def __init__(self) -> None:
        """Start at rest."""
        self.at = ReckonedPose((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0), 0.0)
        self.velocity: Vector = (0.0, 0.0, 0.0)
        self._ignored = 0  # updates since the last consistent foot
        self._stamp = -math.inf

    def feel(self, reading: RobotReading, rates: Vector, legs: Array | None) -> bool:
        """Integrate one reading; returns False after a pause with unknown motion.

        Args:
            reading: the newest reading.
            rates: bias-free angular velocity [rad/s].
            legs: new base velocities from leg odometry (n, 3) [m/s], base frame, or None.
        """
        dt, self._stamp = reading.stamp - self._stamp, reading.stamp
        if not 0.0 < dt < _GAP:
            return False
        position, attitude, blind = self.at
        attitude = turned(attitude, *scaled(rates, dt))
        pull = unrotated(quaternion(reading.orientation), (0.0, 0.0, -GRAVITY))
        gained = plus(vector(reading.linear_acceleration), pull)
        gained = minus(gained, crossed(rates, self.velocity))
        self.velocity = plus(self.velocity, scaled(gained, dt))
        if legs is not None:
            self._listen(legs)
        self.at = ReckonedPose(
            plus(position, scaled(rotated(attitude, self.velocity), dt)),
            attitude,
            blind + dt * (self._ignored > 0),
        )
        return True

    def _listen(self, legs: Array) -> None:
        """Correct the velocity with the consistent leg velocities (n, 3) [m/s]."""
        fits = legs[np.square(legs - self.velocity).sum(axis=1) <= _FITS**2]
        if len(fits):
            self._ignored = 0
            away = minus(vector(fits.mean(axis=0)), self.velocity)
            self.velocity = plus(self.velocity, scaled(away, _TRUST))
            return
        self._ignored += 1
        if self._ignored > _PATIENT:
            self.velocity = vector(np.median(legs, axis=0)) if len(legs) else (0.0, 0.0, 0.0)
