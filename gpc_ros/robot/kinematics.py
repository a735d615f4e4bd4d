"""Leg kinematics of the Go2 in closed form, batched, and the pinocchio model of the same MJCF.

A leg is a hip joint about x, then an offset h to the side (s = +1 left, -1 right), then thigh and
calf of equal length l about y. With hip, thigh, calf angles (a, t, c) and the hip origin o:

    d = l cos t + l cos(t + c)                   depth of the foot in the plane of the leg
    x = o_x - l sin t - l sin(t + c)
    y = o_y + s h cos a + d sin a
    z = o_z + s h sin a - d cos a
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import GpcError, ModelFileError
from gpc_ros.common.paths import share
from gpc_ros.robot.joints import FOOT_NAMES, HIP_OFFSETS, LEG_SIDES, LEGS

HIP_LENGTH = 0.0955  # h [m]
LINK_LENGTH = 0.213  # l [m]
FOOT_RADIUS = 0.022  # [m]; foot positions are the centre of the foot's sphere
# Position of the IMU in the base frame [m].
IMU_POSITION = (-0.02557, 0.0, 0.04232)

_SIDE_OFFSET = HIP_LENGTH * LEG_SIDES


def _angles(q: Array) -> tuple[Array, Array, Array]:
    """Return hip, thigh and thigh + calf angles (..., 4) of joints (..., 12)."""
    legs = q.reshape(*q.shape[:-1], 4, 3)
    return legs[..., 0], legs[..., 1], legs[..., 1] + legs[..., 2]


def foot_positions(q: Array) -> Array:
    """Return foot centres (..., 4, 3) [m] in the base frame of joints (..., 12) [rad]."""
    a, t, k = _angles(q)
    depth = LINK_LENGTH * (np.cos(t) + np.cos(k))
    sin_a, cos_a = np.sin(a), np.cos(a)
    feet = np.empty((*a.shape, 3))
    feet[..., 0] = -LINK_LENGTH * (np.sin(t) + np.sin(k))
    feet[..., 1] = _SIDE_OFFSET * cos_a + depth * sin_a
    feet[..., 2] = _SIDE_OFFSET * sin_a - depth * cos_a
    feet += HIP_OFFSETS
    return feet


def leg_ik(feet: Array) -> Array:
    """Return joints (..., 12) [rad] that put the feet at (..., 4, 3) [m] in the base frame.

    The knee bends backwards (calf angle in [-pi, 0]) and the foot is below the hip in the plane
    of the leg. A foot out of reach is moved to the nearest reachable depth or length of the leg;
    joint limits are not applied.
    """
    local = feet - HIP_OFFSETS
    x, y, z = local[..., 0], local[..., 1], local[..., 2]
    depth = np.sqrt(np.maximum(y * y + z * z - HIP_LENGTH**2, 0.0))
    half = np.arccos(np.minimum(np.hypot(x, depth) / (2.0 * LINK_LENGTH), 1.0))
    q = np.empty(feet.shape)
    q[..., 0] = np.arctan2(z * _SIDE_OFFSET + y * depth, y * _SIDE_OFFSET - z * depth)
    # Equal links: the hip-foot line halves the angle between thigh and calf.
    q[..., 1] = np.arctan2(-x, depth) + half
    q[..., 2] = -2.0 * half
    return q.reshape(*feet.shape[:-2], 12)


def foot_jacobians(q: Array) -> Array:
    """Return d foot / d (hip, thigh, calf), (..., 4, 3, 3) [m/rad], base frame, of q (..., 12)."""
    a, t, k = _angles(q)
    sin_a, cos_a = np.sin(a), np.cos(a)
    thigh, calf = LINK_LENGTH * np.cos(t), LINK_LENGTH * np.cos(k)
    depth = thigh + calf
    depth_t = -LINK_LENGTH * (np.sin(t) + np.sin(k))
    depth_c = -LINK_LENGTH * np.sin(k)
    jacobian = np.zeros((*a.shape, 3, 3))
    jacobian[..., 0, 1] = -depth
    jacobian[..., 0, 2] = -calf
    jacobian[..., 1, 0] = -_SIDE_OFFSET * sin_a + depth * cos_a
    jacobian[..., 1, 1] = depth_t * sin_a
    jacobian[..., 1, 2] = depth_c * sin_a
    jacobian[..., 2, 0] = _SIDE_OFFSET * cos_a + depth * sin_a
    jacobian[..., 2, 1] = -depth_t * cos_a
    jacobian[..., 2, 2] = -depth_c * cos_a
    return jacobian


def pinocchio_model() -> Any:
    """Return the ``pinocchio.Model`` of the Go2 from its MJCF, free-flyer first, feet as frames.

    Its configuration is position (3,), quaternion xyzw (4,) and joints (12,) in model order.
    Pinocchio reads one root body only and no feet, so objects are left out and the foot frames
    (``FL_foot`` ...) are added here.

    Raises:
        GpcError: pinocchio (the PyPI package ``pin``) is not installed.
        ModelFileError: the model file is missing or damaged.
    """
    try:
        import pinocchio
    except ImportError as error:
        raise GpcError(f"pinocchio cannot be imported ({error}); run: pip install pin") from None
    path = share("models", "go2", "go2.xml")
    try:
        model = pinocchio.buildModelFromMJCF(str(path))
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(f"{path}: pinocchio cannot read it: {error}") from None
    for leg, name in zip(LEGS, FOOT_NAMES, strict=True):
        if model.existFrame(name):
            continue
        calf = model.getFrameId(f"{leg}_calf")
        joint = model.frames[calf].parentJoint
        offset = pinocchio.SE3(np.eye(3), np.array([0.0, 0.0, -LINK_LENGTH]))
        model.addFrame(
            pinocchio.Frame(name, joint, calf, offset, pinocchio.FrameType.OP_FRAME), False
        )
    return model
