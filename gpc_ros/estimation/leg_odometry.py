"""Velocity of the base from the stance legs: a foot on the ground does not move."""

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
    """Contact detection of feet, and the update interval."""

    after: float = param(
        0.04,
        "Time without motion capture after which leg odometry is used",
        unit="s",
        low=0.0,
        high=1.0,
    )
    contact_force: float = param(
        15.0, "Minimum vertical force of a foot in contact", unit="N", low=1.0, high=200.0
    )
    rest_turn: float = param(
        0.1, "Maximum angular velocity of a robot at rest", unit="rad/s", low=0, high=5
    )
    rest_force: float = param(
        0.6, "Maximum deviation from gravity of a robot at rest", unit="m/s^2", low=0, high=20
    )
    rest_joints: float = param(
        0.4, "Maximum joint velocity of a robot at rest", unit="rad/s", low=0, high=20
    )
    every: int = param(4, "Number of readings between two leg odometry updates", low=1, high=50)


def leg_odometry(reading: RobotReading, config: LegOdometryConfig) -> Array:
    """Return velocities of the base (n, 3) [m/s], base frame, from leg odometry.

    They come from :func:`body_velocities`. A lying robot has no stance foot; if it does not move
    and measures only gravity, the result is zero velocity.
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
    """Return the velocity of the base (n, 3) [m/s], base frame, from each loaded foot.

    With foot f at p_f(q) in the base frame: v = -(J_f dq + w x p_f), for every foot whose force
    J_f^-T tau exceeds the contact force. The inertia of a swinging foot can look the same, so that
    the caller must gate the velocities.

    Args:
        position: joint positions (12,) [rad].
        velocity: joint velocities (12,) [rad/s].
        effort: joint torques (12,) [N m].
        gyro: angular velocity (3,) [rad/s], base frame.
        contact_force: minimum force of a foot in contact [N].
    """
    jacobians = foot_jacobians(position)
    try:
        force = np.linalg.solve(jacobians.transpose(0, 2, 1), effort.reshape(4, 3, 1))[:, 2, 0]
    except np.linalg.LinAlgError:  # singular: a stretched leg
        return np.empty((0, 3))
    # The ground reaction force is opposite to the force of the leg.
    standing = -force > contact_force
    feet = foot_positions(position)
    moving = np.einsum("fij,fj->fi", jacobians, velocity.reshape(4, 3)) + cross(gyro, feet)
    velocities: Array = -moving[standing]
    return velocities
