"""Velocity of the base from the legs that stand: a foot on the ground does not move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array
from gpc_ros.config import param
from gpc_ros.robot.kinematics import foot_jacobians, foot_positions


@dataclass(frozen=True)
class LegOdometryConfig:
    """When a foot counts as standing."""

    contact_force: float = param(
        25.0, "Vertical force from which a foot is in contact", unit="N", low=1.0, high=200.0
    )


def body_velocity(
    position: Array, velocity: Array, effort: Array, gyro: Array, contact_force: float
) -> Array | None:
    """Return the velocity of the base (3,) [m/s] in the base frame, or None without contact.

    With foot f at p_f(q) in the base frame: v = -(J_f dq + w x p_f); the median over the feet whose
    force J_f^-T tau presses down hard enough, since touch-down and lift-off look like contact too.

    Args:
        position: joints (12,) [rad].
        velocity: joints (12,) [rad/s].
        effort: joint torques (12,) [N m].
        gyro: angular velocity (3,) [rad/s], base frame.
        contact_force: from which a foot is in contact [N].
    """
    jacobians = foot_jacobians(position)
    try:
        force = np.linalg.solve(jacobians.transpose(0, 2, 1), effort.reshape(4, 3, 1))[:, 2, 0]
    except np.linalg.LinAlgError:  # a stretched leg
        return None
    # The leg pushes the ground down, the ground pushes the foot up.
    standing = -force > contact_force
    if not standing.any():
        return None
    feet = foot_positions(position)
    moving = np.einsum("fij,fj->fi", jacobians, velocity.reshape(4, 3)) + np.cross(gyro, feet)
    median: Array = np.median(-moving[standing], axis=0)
    return median
