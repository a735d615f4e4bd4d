"""The left-right mirror of what a walker sees and does."""

from __future__ import annotations

import numpy as np

from gpc_ros.arrays import Array, IntArray
from gpc_ros.locomotion.policy import RAW, SOURCES

# A joint's place on the other side (FL, FR, RL, RR with hip, thigh, calf), and its sign there.
JOINTS: IntArray = np.array([3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8])
JOINT_SIGNS: Array = np.tile([-1.0, 1.0, 1.0], 4)
# Signs of the vectors: a rotation and a direction mirror differently.
_VECTORS = {
    "angular velocity": [-1.0, 1.0, -1.0],
    "gravity": [1.0, -1.0, 1.0],
    "command": [1.0, -1.0, -1.0],
    # Half a cycle later, the other pair of legs swings.
    "clock": [-1.0, -1.0],
}


def raw_mirror() -> tuple[IntArray, Array]:
    """Return, for raw features (RAW,), where each comes from in the mirror, and its sign."""
    places, signs = np.arange(RAW), np.ones(RAW)
    for name, rows in SOURCES.items():
        if name in _VECTORS:
            signs[rows] = _VECTORS[name]
        else:
            places[rows] = rows.start + JOINTS
            signs[rows] = JOINT_SIGNS
    return places, signs
