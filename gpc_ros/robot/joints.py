"""The twelve joints of the Go2: names, order map, poses and limits.

Model order is FL, FR, RL, RR with hip, thigh, calf each; Unitree's SDK numbers its motors FR, FL,
RR, RL. Limits are those of Unitree's go2_description (URDF).
"""

from __future__ import annotations

import numpy as np

from gpc_ros.common.arrays import Array, IntArray

LEGS = ("FL", "FR", "RL", "RR")
SDK_LEGS = ("FR", "FL", "RR", "RL")
SEGMENTS = ("hip", "thigh", "calf")
JOINT_NAMES = tuple(f"{leg}_{segment}_joint" for leg in LEGS for segment in SEGMENTS)
FOOT_NAMES = tuple(f"{leg}_foot" for leg in LEGS)


def _frozen(values: object) -> Array:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def _joint_order(source: tuple[str, ...], target: tuple[str, ...]) -> IntArray:
    """Return the indices (12,) that reorder joints of legs ``source`` into legs ``target``."""
    order = np.array([3 * source.index(leg) + i for leg in target for i in range(3)])
    order.setflags(write=False)
    return order


_TO_SDK = _joint_order(LEGS, SDK_LEGS)
_FROM_SDK = _joint_order(SDK_LEGS, LEGS)
_FEET_TO_SDK, _FEET_FROM_SDK = _TO_SDK[::3] // 3, _FROM_SDK[::3] // 3

# Origin of each hip joint (4, 3) [m] in the base frame, and the side of each leg: +1 left.
HIP_OFFSETS = _frozen(
    [[0.1934, 0.0465, 0.0], [0.1934, -0.0465, 0.0], [-0.1934, 0.0465, 0.0], [-0.1934, -0.0465, 0.0]]
)
LEG_SIDES = _frozen([1.0, -1.0, 1.0, -1.0])

# Standing, the neutral pose of published walking policies; lying, Unitree's folded pose [rad].
STAND = _frozen([0.0, 0.8, -1.5] * 4)
LIE = _frozen([0.0, 1.36, -2.65] * 4)

_FRONT_LOWER, _FRONT_UPPER = [-1.0472, -1.5708, -2.7227], [1.0472, 3.4907, -0.83776]
_REAR_LOWER, _REAR_UPPER = [-1.0472, -0.5236, -2.7227], [1.0472, 4.5379, -0.83776]
LOWER = _frozen(_FRONT_LOWER * 2 + _REAR_LOWER * 2)  # [rad]
UPPER = _frozen(_FRONT_UPPER * 2 + _REAR_UPPER * 2)  # [rad]
# Margin between these limits and the targets that are sent [rad].
SOFT_MARGIN = 0.02
VELOCITY_LIMIT = _frozen([30.1, 30.1, 15.7] * 4)  # [rad/s]
TORQUE_LIMIT = _frozen([23.7, 23.7, 45.43] * 4)  # [N m]


def to_sdk(values: Array) -> Array:
    """Reorder joint values (..., 12) from model order into the order of Unitree's SDK."""
    return values[..., _TO_SDK]


def from_sdk(values: Array) -> Array:
    """Reorder joint values (..., 12) from the order of Unitree's SDK into model order."""
    return values[..., _FROM_SDK]


def feet_to_sdk(values: Array) -> Array:
    """Reorder foot values (..., 4) from model order into the order of Unitree's SDK."""
    return values[..., _FEET_TO_SDK]


def feet_from_sdk(values: Array) -> Array:
    """Reorder foot values (..., 4) from the order of Unitree's SDK into model order."""
    return values[..., _FEET_FROM_SDK]
