"""Lever arm between base and IMU: the filter tracks the IMU, the measured point.

The IMU measures its own acceleration, which differs from the base origin 5 cm away on a pitching
robot. With r the IMU position in the base frame, R the attitude and w the angular velocity:

    p_imu = p + R r,   v_imu = v + R (w x r)
"""

from __future__ import annotations

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import rotation_matrix
from gpc_ros.estimation.nominal_state import (
    NominalState,
    Quaternion,
    Vector,
    crossed,
    minus,
    plus,
    rotated,
)
from gpc_ros.robot.kinematics import IMU_POSITION


def imu_position(position: Vector, orientation: Quaternion) -> Vector:
    """Return the IMU position [m] for a base position [m] and attitude wxyz."""
    return plus(position, rotated(orientation, IMU_POSITION))


def base_from_imu(imu: NominalState, rates: Vector) -> NominalState:
    """Return the state of the base from the state of the IMU and the angular velocity [rad/s]."""
    q = imu.orientation
    return NominalState(
        minus(imu.position, rotated(q, IMU_POSITION)),
        q,
        minus(imu.velocity, rotated(q, crossed(rates, IMU_POSITION))),
    )


def base_covariance(imu: Array, orientation: Quaternion, rates: Vector, gyro_noise: float) -> Array:
    """Return the covariance (12, 12) of the base: position, rotation, velocity, angular velocity.

    Args:
        imu: covariance of the error state of the filter (15, 15); see base_filter.
        orientation: attitude wxyz.
        rates: bias-free angular velocity [rad/s].
        gyro_noise: standard deviation of one gyro value [rad/s].
    """
    turn = rotation_matrix(np.array(orientation))
    arm = turn @ _skew(IMU_POSITION)
    jacobian = np.zeros((12, 15))
    jacobian[:9, :9].flat[::10] = 1.0
    jacobian[0:3, 3:6] = arm
    jacobian[6:9, 3:6] = turn @ _skew(crossed(rates, IMU_POSITION))
    jacobian[6:9, 9:12] = -arm
    jacobian[9:12, 9:12] = -np.eye(3)
    covariance: Array = jacobian @ imu @ jacobian.T
    noise = np.vstack([arm, np.eye(3)]) * gyro_noise
    covariance[6:, 6:] += noise @ noise.T
    return covariance


def _skew(v: Vector) -> Array:
    """Return the matrix (3, 3) whose product with a vector is the cross product v x."""
    x, y, z = v
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
