"""Velocity of the base from the legs that stand: a foot on the ground does not move."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.geometry import cross
from gpc_ros.estimation.nominal_state import GRAVITY
from gpc_ros.robot.kinematics import foot_jacobians, foot_positions
from gpc_ros.robot.types import RobotReading


@dataclass(frozen=True)
class LegOdometryConfig:
    """When a foot counts as standing, and how often it is asked."""

    after: float = param(
        0.04,
        "Time without motion capture after which the legs are used; before, they add cost only",
        unit="s",
        low=0.0,
        high=1.0,
    )
    contact_force: float = param(
        15.0, "Vertical force from which a foot may be in contact", unit="N", low=1.0, high=200.0
    )
    rest_turn: float = param(
        0.1, "Angular velocity below which a robot may be at rest", unit="rad/s", low=0, high=5
    )
    rest_force: float = param(
        0.6, "Deviation from gravity below which it may be", unit="m/s^2", low=0, high=20
    )
    rest_joints: float = param(
        0.4, "Joint velocity below which it may be", unit="rad/s", low=0, high=20
    )
    every: int = param(4, "Readings from one use of leg odometry to the next", low=1, high=50)


def leg_odometry(reading: RobotReading, config: LegOdometryConfig) -> Array:
    """Return velocities of the base (n, 3) [m/s], base frame, that the legs speak for.

    They come from :func:`body_velocities`. A robot that lies has no foot that stands, but if
    nothing moves and nothing but gravity is felt its velocity is zero.
    """
    velocities = body_velocities(
        reading.position,
        reading.velocity,
        reading.effort,
        reading.angular_velocity,
        config.contact_force,
    )
    return np.zeros((1, 3)) if not len(velocities) and _at_rest(reading, config) else velocities


def _at_rest(reading: RobotReading, config: LegOdometryConfig) -> bool:
    force = math.hypot(*reading.linear_acceleration.tolist())
    return (
        math.hypot(*reading.angular_velocity.tolist()) < config.rest_turn
        and abs(force - GRAVITY) < config.rest_force
        and float(np.abs(reading.velocity).max()) < config.rest_joints
    )


def body_velocities(
    position: Array, velocity: Array, effort: Array, gyro: Array, contact_force: float
) -> Array:
    """Return the velocity of the base (n, 3) [m/s], base frame, that each loaded foot speaks for.

    With foot f at p_f(q) in the base frame: v = -(J_f dq + w x p_f), for every foot whose force
    J_f^-T tau presses down hard enough. A swinging foot may look like that too, since its own
    inertia loads the joints: who uses these has to drop what does not fit.

    Args:
        position: joints (12,) [rad].
        velocity: joints (12,) [rad/s].
        effort: joint torques (12,) [N m].
        gyro: angular velocity (3,) [rad/s], base frame.
        contact_force: from which a foot may be in contact [N].
    """
    jacobians = foot_jacobians(position)
    try:
        force = np.linalg.solve(jacobians.transpose(0, 2, 1), effort.reshape(4, 3, 1))[:, 2, 0]
    except np.linalg.LinAlgError:  # a stretched leg
        return np.empty((0, 3))
    # The leg pushes the ground down, the ground pushes the foot up.
    standing = -force > contact_force
    feet = foot_positions(position)
    moving = np.einsum("fij,fj->fi", jacobians, velocity.reshape(4, 3)) + cross(gyro, feet)
    velocities: Array = -moving[standing]
    return velocities
