"""Rigid body state in plain floats, and its propagation by one IMU sample.

    p' = v,   v' = R a + g,   q' = q x w        with bias-free w, a

Plain floats are faster here: the overhead of an array of three exceeds the computation, and this
runs for every IMU sample, repeatedly when a late pose corrects the past.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gpc_ros.common.arrays import Array

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

GRAVITY = 9.81  # [m/s^2]


class NominalState(NamedTuple):
    """Position [m], attitude wxyz (base to map) and velocity [m/s], map frame."""

    position: Vector
    orientation: Quaternion
    velocity: Vector


def vector(array: Array) -> Vector:
    """Return an array (3,) as floats."""
    x, y, z = array.tolist()
    return x, y, z


def quaternion(array: Array) -> Quaternion:
    """Return an array (4,) as floats."""
    w, x, y, z = array.tolist()
    return w, x, y, z


def multiply(a: Quaternion, b: Quaternion) -> Quaternion:
    """Return the product of quaternions wxyz: apply b first, then a."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def conjugate(q: Quaternion) -> Quaternion:
    """Return the inverse of a unit quaternion wxyz."""
    return q[0], -q[1], -q[2], -q[3]


def turned(q: Quaternion, x: float, y: float, z: float) -> Quaternion:
    """Return an attitude rotated by a small rotation vector [rad], base frame, normalised.

    Exact to third order of the angle, which is a few hundredths per IMU sample.
    """
    x, y, z = 0.5 * x, 0.5 * y, 0.5 * z
    w, x, y, z = multiply(q, (1.0 - 0.5 * (x * x + y * y + z * z), x, y, z))
    scale = 1.0 / math.sqrt(w * w + x * x + y * y + z * z)
    return w * scale, x * scale, y * scale, z * scale


def rotation_between(a: Quaternion, b: Quaternion) -> Vector:
    """Return the shortest rotation vector [rad], in the frame of a, that turns a into b."""
    w, x, y, z = multiply(conjugate(a), b)
    sine = math.sqrt(x * x + y * y + z * z)
    scale = 2.0 * math.atan2(sine, abs(w)) / sine if sine > 1e-9 else 2.0
    scale = math.copysign(scale, w)
    return x * scale, y * scale, z * scale


def rotated(q: Quaternion, v: Vector) -> Vector:
    """Return a vector of the base frame in the map frame."""
    w, x, y, z = q
    vx, vy, vz = v
    tx, ty, tz = 2.0 * (y * vz - z * vy), 2.0 * (z * vx - x * vz), 2.0 * (x * vy - y * vx)
    return (
        vx + w * tx + y * tz - z * ty,
        vy + w * ty + z * tx - x * tz,
        vz + w * tz + x * ty - y * tx,
    )


def unrotated(q: Quaternion, v: Vector) -> Vector:
    """Return a vector of the map frame in the base frame."""
    w, x, y, z = q
    return rotated((w, -x, -y, -z), v)


def crossed(a: Vector, b: Vector) -> Vector:
    """Return the cross product of two vectors."""
    (ax, ay, az), (bx, by, bz) = a, b
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


def plus(a: Vector, b: Vector) -> Vector:
    """Return the sum of two vectors."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def minus(a: Vector, b: Vector) -> Vector:
    """Return the difference of two vectors."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def scaled(a: Vector, by: float) -> Vector:
    """Return a scaled vector."""
    return a[0] * by, a[1] * by, a[2] * by


def advance(s: NominalState, gyro: Vector, accel: Vector, dt: float) -> NominalState:
    """Return the state after dt [s] with constant rates.

    Args:
        s: the state.
        gyro: bias-free angular velocity [rad/s], base frame.
        accel: bias-free specific force [m/s^2], base frame.
        dt: time step [s].
    """
    h = 0.5 * dt
    wx, wy, wz = gyro
    middle = turned(s.orientation, wx * h, wy * h, wz * h)
    ax, ay, az = rotated(middle, accel)
    az -= GRAVITY
    (px, py, pz), (vx, vy, vz) = s.position, s.velocity
    h *= dt
    return NominalState(
        (px + vx * dt + ax * h, py + vy * dt + ay * h, pz + vz * dt + az * h),
        turned(middle, 0.5 * wx * dt, 0.5 * wy * dt, 0.5 * wz * dt),
        (vx + ax * dt, vy + ay * dt, vz + az * dt),
    )
