"""Leg odometry against the truth of a simulated walk, and the choice of the feet."""

from __future__ import annotations

import numpy as np
import pytest

from gpc_ros.estimation.leg_odometry import LegOdometryConfig, body_velocities, leg_odometry
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.kinematics import foot_jacobians, foot_positions
from gpc_ros.robot.types import RobotReading


def torques(forces: np.ndarray) -> np.ndarray:
    """Return joint torques (12,) of ground forces (4, 3) on the feet of a standing robot."""
    return -np.einsum("fij,fi->fj", foot_jacobians(STAND), forces).reshape(12)


def test_stance_feet_give_the_velocity_of_the_base() -> None:
    velocity, gyro = np.array([0.3, -0.2, 0.1]), np.array([0.1, 0.2, 0.5])
    # A foot at rest in the world moves by -(v + w x p) in the base frame.
    moving = -(velocity + np.cross(gyro, foot_positions(STAND)))
    joints = np.linalg.solve(foot_jacobians(STAND), moving[:, :, None]).reshape(12)
    load = torques(np.array([[0.0, 0.0, 40.0]] * 4))
    found = body_velocities(STAND, joints, load, gyro, 15.0)
    assert found.shape == (4, 3)
    np.testing.assert_allclose(found, np.tile(velocity, (4, 1)), atol=1e-9)


def test_only_loaded_feet_are_used() -> None:
    forces = np.array([[0, 0, 70.0], [0, 0, 2.0], [0, 0, -30.0], [0, 0, 70.0]])
    joints = np.zeros(12)
    joints[3:9] = 3.0  # the feet in the air move
    found = body_velocities(STAND, joints, torques(forces), np.zeros(3), 15.0)
    np.testing.assert_allclose(found, np.zeros((2, 3)))


def test_no_contact_or_a_stretched_leg_gives_no_velocity() -> None:
    assert len(body_velocities(STAND, np.zeros(12), np.zeros(12), np.zeros(3), 15.0)) == 0
    stretched = STAND.copy()
    stretched[[1, 2]] = 0.0
    assert len(body_velocities(stretched, np.zeros(12), np.ones(12), np.zeros(3), 1e9)) == 0


def test_a_robot_that_lies_at_rest_has_no_velocity() -> None:
    reading = RobotReading(0.0, STAND.copy(), np.zeros(12))
    np.testing.assert_array_equal(leg_odometry(reading, LegOdometryConfig()), np.zeros((1, 3)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("angular_velocity", np.array([0.0, 0.2, 0.0])),
        ("linear_acceleration", np.array([0.0, 0.0, 8.0])),
        ("linear_acceleration", np.array([0.0, 5.0, 9.81])),
        ("velocity", np.full(12, -0.5)),
    ],
)
def test_a_moving_robot_without_contact_gives_no_velocity(field: str, value: np.ndarray) -> None:
    reading = RobotReading(0.0, STAND.copy(), np.zeros(12))
    setattr(reading, field, value)
    assert len(leg_odometry(reading, LegOdometryConfig())) == 0
