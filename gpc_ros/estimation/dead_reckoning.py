"""Dead reckoning: where the robot has gone by its own senses alone, without motion capture.

Gyro and accelerometer carry attitude and velocity on, the legs that stand correct the velocity:

    q' = q x w,   v' = a + R_imu^T g - w x v,   v += share (mean of the feet that fit - v)

with v in the base frame. It needs no start: only ways and turns between two moments mean anything.
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

# After a longer pause between two readings it goes on from the second [s].
_GAP = 0.05
# A foot this far from the reckoned velocity swings or strikes the ground [m/s]; one that fits draws
# it by this share; and after so many times that none fits the legs are right.
_FITS, _TRUST, _PATIENT = 0.3, 0.2, 12


class Reckoned(NamedTuple):
    """Position [m] and attitude wxyz in a frame of its own, and for how long no leg fitted [s]."""

    position: Vector
    attitude: Quaternion
    blind: float


class Reckoning:
    """Reckons on from reading to reading; see the module.

    Attributes:
        at: where it is.
        velocity: of the base [m/s], base frame.
    """

    def __init__(self) -> None:
        """Start at rest."""
        self.at = Reckoned((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0), 0.0)
        self.velocity: Vector = (0.0, 0.0, 0.0)
        self._ignored = 0  # words of the legs since the last that fitted
        self._stamp = -math.inf

    def feel(self, reading: RobotReading, rates: Vector, legs: Array | None) -> bool:
        """Reckon on; returns False after a pause, which nothing is known of.

        Args:
            reading: the newest one.
            rates: its angular velocity free of bias [rad/s].
            legs: velocities of the base (n, 3) [m/s], base frame, if there are new ones.
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
        self.at = Reckoned(
            plus(position, scaled(rotated(attitude, self.velocity), dt)),
            attitude,
            blind + dt * (self._ignored > 0),
        )
        return True

    def _listen(self, legs: Array) -> None:
        """Draw the velocity towards that of the legs (n, 3) [m/s] that fit to it."""
        fits = legs[np.square(legs - self.velocity).sum(axis=1) <= _FITS**2]
        if len(fits):
            self._ignored = 0
            away = minus(vector(fits.mean(axis=0)), self.velocity)
            self.velocity = plus(self.velocity, scaled(away, _TRUST))
            return
        self._ignored += 1
        if self._ignored > _PATIENT:
            self.velocity = vector(np.median(legs, axis=0)) if len(legs) else (0.0, 0.0, 0.0)
