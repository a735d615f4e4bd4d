"""Detection of a body whose attitude flips between two values of nearly symmetric markers.

A motion capture system that confuses the markers of a body reports a second attitude at the same
position, in some share of the frames. The monitor counts accepted and flipped poses of the last
second. The attitude of the majority wins: with n poses in the window, of which f are flipped by the
same rotation and a accepted, the flipped attitude is adopted when

    f - a > 1.5 sqrt(n),

which a minority of 40 % exceeds only by chance of about 1e-4 per second at 120 Hz.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from gpc_ros.estimation.nominal_state import Quaternion, rotation_between

_WINDOW = 1.0  # [s]
_EARLIEST = 0.5  # minimum age of the oldest pose in the window for a decision [s]
_SIGMAS = 1.5
_UPRIGHT: Quaternion = (1.0, 0.0, 0.0, 0.0)


class Flips(NamedTuple):
    """Share of the poses of the last second that are flipped, and their angle [rad]."""

    share: float
    angle: float


class FlipMonitor:
    """Counts the flipped poses of one body.

    Args:
        gate: maximum angle between two flipped attitudes of the same kind [rad].
    """

    def __init__(self, gate: float) -> None:
        """Start without poses."""
        self._gate = gate
        self.reset()

    def reset(self) -> None:
        """Remove all poses."""
        self._flip: Quaternion = _UPRIGHT
        self._kind = 0  # number of different flips so far
        self._poses: deque[tuple[float, int]] = deque()  # stamp and kind; 0 for accepted poses

    def accepted(self, stamp: float) -> None:
        """Count a pose [s] inside the gates of the tracker."""
        self._append(stamp, 0)

    def flipped(self, stamp: float, flip: Quaternion) -> bool:
        """Count a pose [s] that only its rotation gates; return whether its attitude wins.

        Args:
            stamp: time of the pose [s].
            flip: rotation wxyz from the predicted to the measured attitude.
        """
        if not self._kind or math.hypot(*rotation_between(self._flip, flip)) > self._gate:
            self._flip, self._kind = flip, self._kind + 1
        self._append(stamp, self._kind)
        kinds = [kind for _, kind in self._poses]
        lead = kinds.count(self._kind) - kinds.count(0)
        old_enough = stamp - self._poses[0][0] >= _EARLIEST
        return old_enough and lead > _SIGMAS * math.sqrt(len(kinds))

    @property
    def flips(self) -> Flips:
        """Share and angle of the flipped poses; zero without poses."""
        if not self._poses:
            return Flips(0.0, 0.0)
        share = sum(kind > 0 for _, kind in self._poses) / len(self._poses)
        return Flips(share, math.hypot(*rotation_between(_UPRIGHT, self._flip)))

    def _append(self, stamp: float, kind: int) -> None:
        self._poses.append((stamp, kind))
        while stamp - self._poses[0][0] > _WINDOW:
            self._poses.popleft()
