"""Consistency of motion capture with gyro, legs and gravity.

A wrong body, swapped axes or quaternion entries, or a wrong offset can look right while nothing
moves. So translation (way) and rotation (turn) of motion capture over a window are compared with
dead reckoning, both in the base frame at the start of the window, where no heading is needed:

    turn: log(q_0^-1 q_1),   way: R_0^T (p_1 - p_0)

Gravity and the height above the feet are compared for every pose. A lasting disagreement is an
inconsistency; an inconsistency of motion stays until a later motion agrees.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.estimation.dead_reckoning import DeadReckoning, ReckonedPose
from gpc_ros.estimation.nominal_state import (
    Quaternion,
    Vector,
    minus,
    quaternion,
    rotation_between,
    unrotated,
    vector,
)
from gpc_ros.robot.kinematics import FOOT_RADIUS, foot_positions
from gpc_ros.robot.types import RobotReading

_DOWN: Vector = (0.0, 0.0, -1.0)
# Time between two compared poses [s]; a pause of twice the window restarts the comparison.
_STEP = 0.05
# A larger step between two compared poses is a jump of motion capture [m]. The outlier gate handles
# it (outlier_gate.py); the motion is compared before and after the jump.
_LEAP = 0.25


@dataclass(frozen=True)
class PlausibilityConfig:
    """Limits of the disagreement between motion capture and proprioception."""

    gravity: float = param(
        0.25,
        "Maximum angle between gravity from motion capture and from the IMU",
        unit="rad",
        low=0.01,
        high=3.2,
    )
    height: float = param(
        0.08,
        "Maximum difference of the base height and the height over the lowest foot; set it to 10 "
        "for a floor that is not at zero",
        unit="m",
        low=0.02,
        high=10.0,
    )
    window: float = param(1.0, "Window of the motion comparison", unit="s", low=0.2, high=10.0)
    turn: float = param(
        0.15, "Maximum difference of a turn, plus a third of the turn", unit="rad",
        low=0.02, high=3.2,
    )  # fmt: skip
    way: float = param(
        0.1, "Maximum difference of a translation, plus half of the translation", unit="m",
        low=0.01, high=10.0,
    )  # fmt: skip
    patience: float = param(
        0.5,
        "Time of disagreement until motion capture counts as inconsistent",
        unit="s",
        low=0.0,
        high=10.0,
    )


class _Point(NamedTuple):
    """A motion-capture pose and the dead-reckoned pose of the same time."""

    stamp: float
    position: Vector
    orientation: Quaternion
    reckoned: ReckonedPose


class Plausibility:
    """Compares poses of the base with readings; see the module.

    Attributes:
        inconsistency: reason why motion capture does not match this robot; empty if it matches.
    """

    def __init__(self, config: PlausibilityConfig) -> None:
        """Start without an inconsistency."""
        self._config = config
        self._reckoning = DeadReckoning()
        self._points: deque[_Point] = deque()
        self._since: float | None = None  # start of the disagreement
        self._good: float | None = None  # start of the agreement during an inconsistency
        self._moved = False  # the inconsistency is of motion
        self.inconsistency = ""

    @property
    def misplaced(self) -> str:
        """Return the inconsistency if it is of gravity or height, visible at rest; else empty."""
        return "" if self._moved else self.inconsistency

    def feel(self, reading: RobotReading, rates: Vector, legs: Array | None) -> None:
        """Propagate dead reckoning, see :meth:`DeadReckoning.feel`."""
        if not self._reckoning.feel(reading, rates, legs):
            self._points.clear()

    def see(self, stamp: float, position: Array, orientation: Array, reading: RobotReading) -> None:
        """Compare a pose of the base, position (3,) [m], attitude (4,) wxyz, with the readings."""
        points = self._points
        if points and stamp - points[-1].stamp < _STEP:
            return
        if points and stamp - points[-1].stamp > 2.0 * self._config.window:
            points.clear()
        where, attitude = vector(position), quaternion(orientation)
        if points and math.dist(where, points[-1].position) > _LEAP:
            points.clear()
        points.append(_Point(stamp, where, attitude, self._reckoning.at))
        while points[-1].stamp - points[0].stamp > self._config.window + _STEP:
            points.popleft()
        wrong = self._at_rest(where, attitude, reading)
        moves = False
        if not wrong:
            wrong, moves = self._in_motion(points[0], points[-1])
        self._judge(stamp, wrong, moves)

    def _at_rest(self, where: Vector, attitude: Quaternion, reading: RobotReading) -> str:
        """Return the inconsistency of gravity or height; empty if consistent."""
        c = self._config
        felt = quaternion(reading.orientation)
        angle = tilt_between(attitude, felt)
        if angle > c.gravity:
            return disagreement_about_down(angle, c.gravity)
        feet = foot_positions(reading.position)
        down = np.array(unrotated(felt, _DOWN))
        height = float((feet @ down).max()) + FOOT_RADIUS
        if abs(where[2] - height) > c.height:
            return (
                f"motion capture shows the base {where[2]:.2f} m above the floor, its legs measure "
                f"{height:.2f} m (limit {c.height} m apart): check which body it is, its offset "
                "and the floor of the map"
            )
        return ""

    def _in_motion(self, a: _Point, b: _Point) -> tuple[str, bool]:
        """Return the inconsistency of the motion between two poses, and whether it moved much."""
        c = self._config
        seen = rotation_between(a.orientation, b.orientation)
        felt = rotation_between(a.reckoned.attitude, b.reckoned.attitude)
        turn = max(math.hypot(*seen), math.hypot(*felt))
        apart = math.hypot(*minus(seen, felt))
        if apart > c.turn + turn / 3.0:
            return (
                f"turn of motion capture and gyro differ by {apart:.2f} of "
                f"{turn:.2f} rad: check axes, quaternion order, offset and the body"
            ), True
        if b.reckoned.blind - a.reckoned.blind > 0.3 * (b.stamp - a.stamp):
            return "", turn > 2.0 * c.turn
        shown = unrotated(a.orientation, minus(b.position, a.position))
        walked = unrotated(a.reckoned.attitude, minus(b.reckoned.position, a.reckoned.position))
        way = max(math.hypot(*shown), math.hypot(*walked))
        off = math.hypot(*minus(shown, walked))
        if off > c.way + way / 2.0:
            return (
                f"translation of motion capture and legs differ by {off:.2f} m of {way:.2f} m: "
                "check axes, offset and the body"
            ), True
        return "", turn > 2.0 * c.turn or way > 2.0 * c.way

    def _judge(self, stamp: float, wrong: str, moves: bool) -> None:
        patience = self._config.patience
        if wrong:
            self._good = None
            self._since = stamp if self._since is None else self._since
            if stamp - self._since >= patience:
                self.inconsistency, self._moved = wrong, moves
            return
        self._since = None
        if self.inconsistency and (moves or not self._moved):
            self._good = stamp if self._good is None else self._good
            if stamp - self._good >= patience:
                self.inconsistency, self._good = "", None


def tilt_between(a: Quaternion, b: Quaternion) -> float:
    """Return the angle [rad] between the gravity directions of two attitudes wxyz."""
    (ax, ay, az), (bx, by, bz) = unrotated(a, _DOWN), unrotated(b, _DOWN)
    return math.acos(min(max(ax * bx + ay * by + az * bz, -1.0), 1.0))


def disagreement_about_down(angle: float, limit: float) -> str:
    """Return a sentence on the gravity disagreement of motion capture and IMU [rad]."""
    return (
        f"motion capture and IMU disagree about gravity by {angle:.2f} rad (limit {limit} rad): "
        "check the axes, the quaternion order and the body"
    )
