"""An error-state Kalman filter for the base: IMU in, pose and body velocity corrections.

Nominal state: position p [m], attitude q (base to map), velocity v [m/s], gyro bias b_g [rad/s],
accelerometer bias b_a [m/s^2]. Error state (15): dp, dtheta (base frame), dv, db_g, db_a.

    p' = v,   v' = R (a - b_a) + g,   q' = q x (w - b_g)

Source: J. Sola, "Quaternion kinematics for the error-state Kalman filter", arXiv 1711.02508, ch. 5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gpc_ros.arrays import Array
from gpc_ros.config import param
from gpc_ros.geometry import quat_conjugate, quat_exp, quat_log, quat_multiply, rotation_matrix

_GRAVITY = np.array([0.0, 0.0, -9.81])
_P, _R, _V, _G, _A = (slice(3 * i, 3 * i + 3) for i in range(5))


@dataclass(frozen=True)
class FilterConfig:
    """Noise that the filter assumes."""

    gyro_noise: float = param(0.02, "Gyro noise density", unit="rad/s/sqrt(Hz)", low=1e-5, high=1.0)
    accel_noise: float = param(
        0.15,
        "Accelerometer noise density, with the shocks of walking",
        unit="m/s^2/sqrt(Hz)",
        low=1e-3,
        high=50.0,
    )
    gyro_bias_walk: float = param(1e-4, "Gyro bias drift", unit="rad/s^2", low=0.0, high=0.1)
    accel_bias_walk: float = param(
        1e-3, "Accelerometer bias drift", unit="m/s^3", low=0.0, high=1.0
    )
    mocap_position: float = param(
        0.002, "Motion-capture position noise", unit="m", low=1e-5, high=0.5
    )
    mocap_rotation: float = param(
        0.01, "Motion-capture rotation noise", unit="rad", low=1e-4, high=0.5
    )
    leg_velocity: float = param(
        0.3, "Noise of the velocity from leg odometry", unit="m/s", low=0.01, high=2.0
    )
    leg_gate: float = param(
        0.4,
        "Leg odometry this far from the expected velocity is a slip",
        unit="m/s",
        low=0.01,
        high=10,
    )


@dataclass(frozen=True, eq=False)
class BaseState:
    """Nominal state and covariance (15, 15) at a time [s]; see the module."""

    stamp: float
    position: Array
    orientation: Array
    velocity: Array
    gyro_bias: Array
    accel_bias: Array
    covariance: Array


class BaseFilter:
    """Pure functions of a :class:`BaseState`: start, predict, correct.

    Args:
        config: the noise that is assumed.
    """

    def __init__(self, config: FilterConfig) -> None:
        """Precompute the noise matrices."""
        c = config
        self._process = np.repeat(
            np.square([0.0, c.gyro_noise, c.accel_noise, c.gyro_bias_walk, c.accel_bias_walk]), 3
        )
        self._pose_noise = np.repeat(np.square([c.mocap_position, c.mocap_rotation]), 3)
        self._leg_gate = c.leg_gate
        self._velocity_noise = np.full(3, c.leg_velocity**2)

    def start(self, stamp: float, position: Array, orientation: Array) -> BaseState:
        """Return a state at rest at a measured pose: position (3,) [m], attitude (4,) wxyz."""
        sigma = np.repeat([0.01, 0.02, 0.5, 0.02, 0.2], 3)
        zero = np.zeros(3)
        return BaseState(
            stamp, position.copy(), orientation.copy(), zero, zero, zero, np.diag(sigma**2)
        )

    def predict(self, state: BaseState, stamp: float, gyro: Array, accel: Array) -> BaseState:
        """Advance to a stamp [s] with gyro (3,) [rad/s] and accelerometer (3,) [m/s^2]."""
        dt = stamp - state.stamp
        rotation = rotation_matrix(state.orientation)
        turn = (gyro - state.gyro_bias) * dt
        force = accel - state.accel_bias
        acceleration = rotation @ force + _GRAVITY
        transition = np.eye(15)
        transition[_P, _V] = np.eye(3) * dt
        transition[_R, _R] -= _cross(turn)
        transition[_R, _G] = -np.eye(3) * dt
        transition[_V, _R] = -rotation @ _cross(force) * dt
        transition[_V, _A] = -rotation * dt
        covariance = transition @ state.covariance @ transition.T
        # The noise is given as densities, so that its variance grows with time.
        covariance.flat[::16] += self._process * dt
        orientation = quat_multiply(state.orientation, quat_exp(turn))
        return BaseState(
            stamp,
            state.position + state.velocity * dt + 0.5 * acceleration * dt * dt,
            orientation / np.sqrt(orientation @ orientation),
            state.velocity + acceleration * dt,
            state.gyro_bias,
            state.accel_bias,
            covariance,
        )

    def pose_innovation(
        self, state: BaseState, position: Array, orientation: Array
    ) -> tuple[Array, Array]:
        """Return measured minus expected pose (6,) [m, rad] and its covariance (6, 6)."""
        residual = np.concatenate(
            [
                position - state.position,
                quat_log(quat_multiply(quat_conjugate(state.orientation), orientation)),
            ]
        )
        return residual, state.covariance[:6, :6] + np.diag(self._pose_noise)

    def correct_pose(self, state: BaseState, residual: Array, covariance: Array) -> BaseState:
        """Apply a pose innovation from :meth:`pose_innovation`."""
        gain = np.asarray(np.linalg.solve(covariance, state.covariance[:6]).T, np.float64)
        return self._correct(state, gain, residual, state.covariance[:6])

    def correct_velocity(self, state: BaseState, body_velocity: Array) -> BaseState:
        """Apply a velocity (3,) [m/s] in the base frame from leg odometry, unless a foot slips."""
        rotation = rotation_matrix(state.orientation)
        expected = rotation.T @ state.velocity
        jacobian = np.zeros((3, 15))
        jacobian[:, _R] = _cross(expected)
        jacobian[:, _V] = rotation.T
        projected = jacobian @ state.covariance
        covariance = projected @ jacobian.T + np.diag(self._velocity_noise)
        gain = np.asarray(np.linalg.solve(covariance, projected).T, np.float64)
        residual = body_velocity - expected
        if residual @ residual > self._leg_gate**2:
            return state
        return self._correct(state, gain, residual, projected)

    def _correct(
        self, state: BaseState, gain: Array, residual: Array, projected: Array
    ) -> BaseState:
        """Move the nominal by gain @ residual and shrink the covariance."""
        error = gain @ residual
        covariance = state.covariance - gain @ projected
        covariance = 0.5 * (covariance + covariance.T)
        orientation = quat_multiply(state.orientation, quat_exp(error[_R]))
        return replace(
            state,
            position=state.position + error[_P],
            orientation=orientation / np.sqrt(orientation @ orientation),
            velocity=state.velocity + error[_V],
            gyro_bias=state.gyro_bias + error[_G],
            accel_bias=state.accel_bias + error[_A],
            covariance=covariance,
        )


def _cross(v: Array) -> Array:
    """Return the matrix (3, 3) of the cross product with a vector (3,)."""
    x, y, z = v
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
