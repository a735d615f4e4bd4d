"""The left-right mirror of the inputs and outputs of a walker."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gpc_ros.common.arrays import Array, IntArray
from gpc_ros.locomotion.policy import RAW, SOURCES


class Flip(NamedTuple):
    """The mirror of a vector (n,): entry i comes from ``places[i]``, with ``signs[i]``.

    The mirror is its own inverse.

    Attributes:
        places: source index of each entry (n,).
        signs: sign of each entry, 1 or -1 (n,).
    """

    places: IntArray
    signs: Array


# Index and sign of the mirrored joint (FL, FR, RL, RR with hip, thigh, calf).
JOINTS: IntArray = np.array([3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8])
JOINT_SIGNS: Array = np.tile([-1.0, 1.0, 1.0], 4)
JOINT_MIRROR = Flip(JOINTS, JOINT_SIGNS)
UNCHANGED = Flip(np.zeros(1, np.intp), np.ones(1))  # of a scalar
# Signs of the vectors: a rotation and a direction mirror differently.
_VECTORS = {
    "angular velocity": [-1.0, 1.0, -1.0],
    "gravity": [1.0, -1.0, 1.0],
    "command": [1.0, -1.0, -1.0],
    # Half a cycle later, the other pair of legs swings.
    "clock": [-1.0, -1.0],
}


def raw_mirror() -> Flip:
    """Return the mirror of raw features (RAW,)."""
    places, signs = np.arange(RAW), np.ones(RAW)
    for name, rows in SOURCES.items():
        if name in _VECTORS:
            signs[rows] = _VECTORS[name]
        else:
            places[rows] = rows.start + JOINTS
            signs[rows] = JOINT_SIGNS
    return Flip(places, signs)


def feature_mirror(rows: IntArray) -> Flip:
    """Return the mirror of the network inputs with the given raw rows (F,)."""
    places, signs = raw_mirror()
    where = {int(row): i for i, row in enumerate(rows)}
    return Flip(np.array([where[int(places[row])] for row in rows]), signs[rows])


def beside(first: Flip, second: Flip) -> Flip:
    """Return the mirror of two concatenated vectors."""
    return Flip(
        np.concatenate([first.places, len(first.places) + second.places]),
        np.concatenate([first.signs, second.signs]),
    )
