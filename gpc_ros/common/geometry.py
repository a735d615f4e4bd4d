"""Rotations and planar angles; the one place where quaternion orders are converted.

Inside the package a quaternion is ``w, x, y, z`` (MuJoCo); messages carry ``x, y, z, w``.
Every function accepts leading batch axes.
"""

from __future__ import annotations

import numpy as np

from gpc_ros.common.arrays import Array


def wxyz_from_xyzw(quat: Array) -> Array:
    """Reorder quaternions (..., 4) of a message into MuJoCo's order."""
    return quat[..., [3, 0, 1, 2]]


def wrap_angle(angle: Array | float) -> Array:
    """Wrap angles [rad] to [-pi, pi)."""
    return (np.asarray(angle) + np.pi) % (2.0 * np.pi) - np.pi


def yaw_from_quat(quat: Array) -> Array:
    """Return the heading (...,) [rad] about world z of quaternions (..., 4) wxyz."""
    w, x, y, z = (quat[..., i] for i in range(4))
    return np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def quat_from_yaw(yaw: Array | float) -> Array:
    """Return quaternions (..., 4) wxyz of rotations by yaw (...,) [rad] about z."""
    half = 0.5 * np.asarray(yaw, dtype=np.float64)
    zero = np.zeros_like(half)
    return np.stack([np.cos(half), zero, zero, np.sin(half)], axis=-1)


def quat_from_rpy(roll: float, pitch: float, yaw: float) -> Array:
    """Return the quaternion (4,) wxyz of fixed-axis roll, pitch, yaw [rad] (REP-103)."""
    cr, sr = np.cos(roll / 2), np.sin(roll / 2)
    cp, sp = np.cos(pitch / 2), np.sin(pitch / 2)
    cy, sy = np.cos(yaw / 2), np.sin(yaw / 2)
    return np.array(
        [
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
        ]
    )


def quat_multiply(a: Array, b: Array) -> Array:
    """Return the Hamilton product (..., 4) of quaternions wxyz: apply b first, then a."""
    aw, ax, ay, az = (a[..., i] for i in range(4))
    bw, bx, by, bz = (b[..., i] for i in range(4))
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def quat_conjugate(quat: Array) -> Array:
    """Return the inverse of unit quaternions (..., 4) wxyz."""
    return quat * np.array([1.0, -1.0, -1.0, -1.0])


def quat_exp(rotation_vector: Array) -> Array:
    """Return quaternions (..., 4) wxyz of rotation vectors (..., 3) [rad]."""
    angle = np.linalg.norm(rotation_vector, axis=-1, keepdims=True)
    # sinc is smooth at zero, so no special case for small angles is needed.
    vector = 0.5 * np.sinc(angle / (2.0 * np.pi)) * rotation_vector
    return np.concatenate([np.cos(0.5 * angle), vector], axis=-1)


def quat_log(quat: Array) -> Array:
    """Return the shortest rotation vectors (..., 3) [rad] of unit quaternions (..., 4) wxyz."""
    quat = np.where(quat[..., :1] < 0.0, -quat, quat)
    norm = np.linalg.norm(quat[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(norm, quat[..., :1])
    scale = np.where(norm > 1e-9, angle / np.maximum(norm, 1e-9), 2.0)
    return scale * quat[..., 1:]


def rotation_matrix(quat: Array) -> Array:
    """Return rotation matrices (..., 3, 3), body to world, of quaternions (..., 4) wxyz."""
    w, x, y, z = (quat[..., i] for i in range(4))
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], axis=-1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], axis=-1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=-1),
        ],
        axis=-2,
    )


def cross(a: Array, b: Array) -> Array:
    """Return the cross products (..., 3) of vectors (..., 3).

    Equal to ``numpy.cross`` bit for bit, 20 times faster for single vectors, of which the filter
    multiplies thousands per second.
    """
    if a.ndim == 1 and b.ndim == 1:
        ax, ay, az = a.tolist()
        bx, by, bz = b.tolist()
        return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[..., i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
    return out


def rotate(quat: Array, vector: Array) -> Array:
    """Rotate vectors (..., 3) from body to world by quaternions (..., 4) wxyz."""
    u = quat[..., 1:]
    t = 2.0 * cross(u, vector)
    return vector + quat[..., :1] * t + cross(u, t)


def rotate_inverse(quat: Array, vector: Array) -> Array:
    """Rotate vectors (..., 3) from world to body by quaternions (..., 4) wxyz."""
    return rotate(quat_conjugate(quat), vector)
