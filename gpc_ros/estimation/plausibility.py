"""Whether motion capture shows this robot: its poses beside what gyro, legs and gravity say.

A body that was taken for the robot, swapped axes or quaternion entries, or a wrong offset can look
right as long as nothing moves. So the way and the turn that motion capture shows over a window are
held against those that the robot itself felt, both in the base frame at the window's begin, where
no heading is needed:

    turn: log(q_0^-1 q_1),   way: R_0^T (p_1 - p_0)

Gravity and the height above the feet are compared at every moment. What disagrees for a while is a
doubt; one about motion stays until a motion agrees.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.estimation.dead_reckoning import Reckoned, Reckoning
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
# Poses are compared this far apart [s]; a pause of twice the window begins anew.
_STEP = 0.05
# A way that no robot goes from one compared pose to the next [m]: motion capture has jumped. That
# is the jump gate's to judge (jump.py); the motion is compared before it and after it.
_LEAP = 0.25


@dataclass(frozen=True)
class PlausibilityConfig:
    """How far motion capture and the robot's own senses may be apart."""

    gravity: float = param(
        0.25,
        "Largest disagreement of motion capture and IMU about down",
        unit="rad",
        low=0.01,
        high=3.2,
    )
    height: float = param(
        0.08,
        "Largest difference of the base's height and that of the hips over the lowest foot; for a "
        "floor that is not at zero set it to 10",
        unit="m",
        low=0.02,
        high=10.0,
    )
    window: float = param(1.0, "Time over which motion is compared", unit="s", low=0.2, high=10.0)
    turn: float = param(
        0.15, "Largest difference of a turn, to which a third of the turn is added", unit="rad",
        low=0.02, high=3.2,
    )  # fmt: skip
    way: float = param(
        0.1, "Largest difference of a way, to which half of the way is added", unit="m",
        low=0.01, high=10.0,
    )  # fmt: skip
    patience: float = param(
        0.5, "Time that it has to disagree to be doubted", unit="s", low=0.0, high=10.0
    )


class _Point(NamedTuple):
    """A pose as motion capture shows it, and where the robot thinks that it went."""

    stamp: float
    position: Vector
    orientation: Quaternion
    reckoned: Reckoned


class Plausibility:
    """Compares poses of the base with readings; see the module.

    Attributes:
        doubt: why motion capture is not believed to show this robot; empty if nothing speaks
            against it.
    """

    def __init__(self, config: PlausibilityConfig) -> None:
        """Start without a doubt."""
        self._config = config
        self._reckoning = Reckoning()
        self._points: deque[_Point] = deque()
        self._since: float | None = None  # it disagrees
        self._good: float | None = None  # it agrees, while there is a doubt
        self._moved = False  # the doubt is about motion
        self.doubt = ""

    @property
    def misplaced(self) -> str:
        """The doubt, if it is about down or height, which are seen at rest too; else empty."""
        return "" if self._moved else self.doubt

    def feel(self, reading: RobotReading, rates: Vector, legs: Array | None) -> None:
        """Reckon on, see :meth:`Reckoning.feel`."""
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
        """Return what is wrong about gravity or height; empty if nothing is."""
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
                f"motion capture shows the base {where[2]:.2f} m above the floor, its legs say "
                f"{height:.2f} m (limit {c.height} m apart): check which body it is, its offset "
                "and the floor of the map"
            )
        return ""

    def _in_motion(self, a: _Point, b: _Point) -> tuple[str, bool]:
        """Return what is wrong about the motion between two points, and whether there was much."""
        c = self._config
        seen = rotation_between(a.orientation, b.orientation)
        felt = rotation_between(a.reckoned.attitude, b.reckoned.attitude)
        turn = max(math.hypot(*seen), math.hypot(*felt))
        apart = math.hypot(*minus(seen, felt))
        if apart > c.turn + turn / 3.0:
            return (
                f"motion capture shows another turn than the gyro, by {apart:.2f} of "
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
                f"motion capture shows another way than the legs, by {off:.2f} m of {way:.2f} m: "
                "check axes, offset and the body"
            ), True
        return "", turn > 2.0 * c.turn or way > 2.0 * c.way

    def _judge(self, stamp: float, wrong: str, moves: bool) -> None:
        patience = self._config.patience
        if wrong:
            self._good = None
            self._since = stamp if self._since is None else self._since
            if stamp - self._since >= patience:
                self.doubt, self._moved = wrong, moves
            return
        self._since = None
        if self.doubt and (moves or not self._moved):
            self._good = stamp if self._good is None else self._good
            if stamp - self._good >= patience:
                self.doubt, self._good = "", None


def tilt_between(a: Quaternion, b: Quaternion) -> float:
    """Return the angle [rad] between what is down for two attitudes wxyz."""
    (ax, ay, az), (bx, by, bz) = unrotated(a, _DOWN), unrotated(b, _DOWN)
    return math.acos(min(max(ax * bx + ay * by + az * bz, -1.0), 1.0))


def disagreement_about_down(angle: float, limit: float) -> str:
    """Return in plain words that motion capture and IMU disagree about down by an angle [rad]."""
    return (
        f"motion capture and IMU disagree about down by {angle:.2f} rad (limit {limit} rad): check "
        "the axes, the quaternion order and the body"
    )
