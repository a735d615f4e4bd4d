"""Between base and IMU: there and back, and the covariance against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from gpc_ros.common.geometry import quat_conjugate, quat_from_rpy, quat_log, quat_multiply, rotate
from gpc_ros.estimation.lever_arm import base_covariance, base_from_imu, imu_position
from gpc_ros.estimation.nominal_state import NominalState, Vector, quaternion, turned, vector
from gpc_ros.robot.kinematics import IMU_POSITION
from gpc_ros.robot.model import Gains, compile_model, robot_spec

ATTITUDE = quat_from_rpy(0.2, -0.3, 1.4)
RATES = (0.7, -0.4, 1.1)


def test_the_imu_is_where_the_model_has_it() -> None:
    model = compile_model(robot_spec("plant", Gains.uniform(20.0, 1.0)))
    np.testing.assert_allclose(model.site("imu").pos, IMU_POSITION)
    np.testing.assert_allclose(model.site("imu").quat, [1.0, 0.0, 0.0, 0.0])


def test_from_base_to_imu_and_back() -> None:
    base, speed = np.array([1.0, 2.0, 0.3]), np.array([0.5, -0.2, 0.1])
    of_imu = speed + rotate(ATTITUDE, np.cross(RATES, IMU_POSITION))
    imu = NominalState(
        imu_position(vector(base), quaternion(ATTITUDE)), quaternion(ATTITUDE), vector(of_imu)
    )
    back = base_from_imu(imu, RATES)
    np.testing.assert_allclose(back.position, base, atol=1e-12)
    np.testing.assert_allclose(back.velocity, speed, atol=1e-12)
    assert back.orientation == imu.orientation


def moved(error: np.ndarray) -> np.ndarray:
    """Return position, velocity and rates (9,) of the base for an error state (15,) of the IMU."""
    position, velocity = np.array([1.0, 2.0, 0.3]), np.array([0.5, -0.2, 0.1])
    attitude = turned(quaternion(ATTITUDE), *vector(error[3:6]))
    rates: Vector = vector(np.array(RATES) - error[9:12])
    imu = NominalState(vector(position + error[:3]), attitude, vector(velocity + error[6:9]))
    base = base_from_imu(imu, rates)
    turn = quat_log(quat_multiply(quat_conjugate(ATTITUDE), np.array(base.orientation)))
    return np.concatenate([base.position, turn, base.velocity, rates])


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_covariance_agrees_with_finite_differences(noise: float) -> None:
    root = np.random.default_rng(0).normal(size=(15, 15))
    size = 1e-5
    columns = [(moved(size * unit) - moved(-size * unit)) / (2.0 * size) for unit in np.eye(15)]
    jacobian = np.array(columns).T
    # Noise of one gyro value acts as an error of the bias does, and comes on top.
    expected = jacobian @ root @ root.T @ jacobian.T
    expected += noise**2 * jacobian[:, 9:12] @ jacobian[:, 9:12].T
    found = base_covariance(root @ root.T, quaternion(ATTITUDE), RATES, noise)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
