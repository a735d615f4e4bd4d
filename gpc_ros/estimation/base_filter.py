"""An error-state Kalman filter for the base: IMU in, corrections by pose and by body velocity.

Nominal state: position p [m], attitude q (base to map), velocity v [m/s], gyro bias b_g [rad/s],
accelerometer bias b_a [m/s^2]. Error state (15): dp, dtheta (base frame), dv, db_g, db_a.

    dp' = dv,   dtheta' = -w x dtheta - db_g,   dv' = -R (a x dtheta) - R db_a

Source: J. Sola, "Quaternion kinematics for the error-state Kalman filter", arXiv 1711.02508, ch. 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.estimation.nominal_state import (
    NominalState,
    Quaternion,
    Vector,
    advance,
    rotation_between,
    turned,
    unrotated,
)

# Indices of the time-varying entries of the transition matrix, in the order written below.
_ROWS = [0, 1, 2, *[3] * 3, *[4] * 3, *[5] * 3, 3, 4, 5, *[6] * 6, *[7] * 6, *[8] * 6]
_COLUMNS = [
    6, 7, 8, *[3, 4, 5] * 3, 9, 10, 11, *[3, 4, 5, 12, 13, 14] * 3,
]  # fmt: skip
_PLACES = np.array(_ROWS) * 15 + np.array(_COLUMNS)


@dataclass(frozen=True)
class FilterConfig:
    """Noise parameters and limits of the filter."""

    gyro_noise: float = param(
        0.003, "Gyro noise density", unit="rad/s/sqrt(Hz)", low=1e-5, high=1.0
    )
    accel_noise: float = param(
        0.06,
        "Accelerometer noise density, including the shocks of walking",
        unit="m/s^2/sqrt(Hz)",
        low=1e-3,
        high=50.0,
    )
    gyro_bias_walk: float = param(1e-4, "Gyro bias drift", unit="rad/s^2", low=0.0, high=0.1)
    accel_bias_walk: float = param(
        1e-3, "Accelerometer bias drift", unit="m/s^3", low=0.0, high=1.0
    )
    gyro_bias_limit: float = param(
        0.1, "Limit of the estimated gyro bias, per axis", unit="rad/s", low=0.0, high=1.0
    )
    accel_bias_limit: float = param(
        0.5, "Limit of the estimated accelerometer bias, per axis", unit="m/s^2", low=0, high=5
    )
    mocap_position: float = param(
        0.0006, "Motion-capture position noise", unit="m", low=1e-5, high=0.5
    )
    mocap_rotation: float = param(
        0.0055, "Motion-capture rotation noise", unit="rad", low=1e-4, high=0.5
    )
    leg_velocity: float = param(
        0.08, "Noise of the velocity from leg odometry", unit="m/s", low=0.01, high=2.0
    )
    leg_gate: float = param(
        0.3,
        "Velocity innovation beyond which a foot is not in stance",
        unit="m/s",
        low=0.01,
        high=10,
    )
    velocity_step: float = param(
        0.3, "Maximum velocity correction by one pose", unit="m/s", low=0.01, high=10.0
    )


class BaseFilter:
    """NominalState state, biases and covariance of the base at one time.

    Attributes:
        stamp: time of the state [s].
        nominal: position, attitude and velocity.
        gyro_bias: gyro bias [rad/s].
        accel_bias: accelerometer bias [m/s^2].
        covariance: covariance of the error state (15, 15); see the module.
    """

    def __init__(self, config: FilterConfig) -> None:
        """Precompute the noise; call :meth:`start` before use."""
        c = config
        self._config = c
        self._process = np.repeat(
            np.square([0.0, c.gyro_noise, c.accel_noise, c.gyro_bias_walk, c.accel_bias_walk]), 3
        )
        self._pose_noise = np.repeat(np.square([c.mocap_position, c.mocap_rotation]), 3)
        self._velocity_noise = c.leg_velocity**2 * np.eye(3)
        self._transition = np.eye(15)
        self.stamp = -math.inf
        self.nominal_state = NominalState((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        self.gyro_bias: Vector = (0.0, 0.0, 0.0)
        self.accel_bias: Vector = (0.0, 0.0, 0.0)
        self.covariance = np.zeros((15, 15))

    def start(self, stamp: float, position: Vector, orientation: Quaternion) -> None:
        """Initialise at rest at a measured pose: position [m], attitude wxyz."""
        self.nominal_state = NominalState(position, orientation, (0.0, 0.0, 0.0))
        self.gyro_bias = self.accel_bias = (0.0, 0.0, 0.0)
        self.covariance = np.diag(np.repeat([0.01, 0.02, 0.5, 0.02, 0.2], 3) ** 2)
        self.stamp = stamp

    def move(self, position: Vector, orientation: Quaternion) -> None:
        """Reset pose and velocity to another pose at rest; keep the biases."""
        self.nominal_state = NominalState(position, orientation, (0.0, 0.0, 0.0))
        self.covariance[:9, :] = self.covariance[:, :9] = 0.0
        self.covariance.flat[: 9 * 16 : 16] = np.repeat([0.01, 0.02, 0.5], 3) ** 2

    def free_of_bias(self, gyro: Vector, accel: Vector) -> tuple[Vector, Vector]:
        """Return gyro and accelerometer values with the biases removed."""
        (wx, wy, wz), (ax, ay, az) = gyro, accel
        (gx, gy, gz), (bx, by, bz) = self.gyro_bias, self.accel_bias
        return (wx - gx, wy - gy, wz - gz), (ax - bx, ay - by, az - bz)

    def predict(self, stamp: float, gyro: Vector, accel: Vector) -> None:
        """Advance to a stamp [s] with mean gyro [rad/s] and accelerometer [m/s^2] since then."""
        dt = stamp - self.stamp
        if dt <= 0.0:
            return
        rates, force = self.free_of_bias(gyro, accel)
        before = self.nominal_state
        self.nominal_state = advance(before, rates, force, dt)
        self._fill(before.orientation, rates, force, dt)
        # The full 15 x 15 product takes a few microseconds, less than indexing its blocks.
        self.covariance = self._transition @ self.covariance @ self._transition.T
        self.covariance.flat[::16] += self._process * dt
        self.stamp = stamp

    def carried(self, stamp: float, gyro: Vector, accel: Vector) -> Array:
        """Return the predicted covariance (15, 15) at a later stamp [s]; the filter is unchanged.

        Args:
            stamp: time of the prediction [s].
            gyro: mean gyro since the time of the filter [rad/s].
            accel: mean accelerometer since then [m/s^2].
        """
        dt = max(stamp - self.stamp, 0.0)
        rates, force = self.free_of_bias(gyro, accel)
        self._fill(self.nominal_state.orientation, rates, force, dt)
        covariance: Array = self._transition @ self.covariance @ self._transition.T
        covariance.flat[::16] += self._process * dt
        # Over one long step the acceleration noise also enters the position.
        covariance.flat[: 3 * 16 : 16] += self._process[6:9] * dt**3 / 3.0
        return covariance

    def _fill(self, q: Quaternion, rates: Vector, force: Vector, dt: float) -> None:
        """Write the time-varying entries of the transition matrix, row by row."""
        x, y, z = rates[0] * dt, rates[1] * dt, rates[2] * dt
        rows = _matrix(q)
        ax, ay, az = force[0] * dt, force[1] * dt, force[2] * dt
        entries = [dt, dt, dt, 1.0, z, -y, -z, 1.0, x, y, -x, 1.0, -dt, -dt, -dt]
        for rx, ry, rz in rows:
            # A row of -R [a]x dt, then a row of -R dt.
            entries += [rz * ay - ry * az, rx * az - rz * ax, ry * ax - rx * ay]
            entries += [-rx * dt, -ry * dt, -rz * dt]
        self._transition.reshape(-1)[_PLACES] = entries

    def innovation(self, position: Vector, orientation: Quaternion) -> tuple[Array, Array]:
        """Return the pose innovation (6,) [m, rad] and its covariance (6, 6)."""
        px, py, pz = self.nominal_state.position
        turn = rotation_between(self.nominal_state.orientation, orientation)
        residual = np.array([position[0] - px, position[1] - py, position[2] - pz, *turn])
        covariance = self.covariance[:6, :6].copy()
        covariance.flat[::7] += self._pose_noise
        return residual, covariance

    def correct_pose(self, residual: Array, covariance: Array) -> None:
        """Apply an innovation from :meth:`innovation`."""
        projected = self.covariance[:6]
        gain = np.linalg.solve(covariance, projected).T
        error = gain @ residual
        step = math.sqrt(float(error[6:9] @ error[6:9]))
        if step > self._config.velocity_step:
            error[6:9] *= self._config.velocity_step / step
        self._apply(error, gain @ projected)

    def correct_velocity(self, body_velocities: Array) -> bool:
        """Apply body velocities (n, 3) [m/s], base frame, one per foot.

        Slipping and swinging feet are gated; returns False if no foot remains.
        """
        expected = np.array(unrotated(self.nominal_state.orientation, self.nominal_state.velocity))
        residuals = body_velocities - expected
        fits = (residuals * residuals).sum(axis=1) <= self._config.leg_gate**2
        count = int(fits.sum())
        if not count:
            return False
        residual = fits @ residuals / count
        x, y, z = expected.tolist()
        jacobian = np.empty((3, 6))
        jacobian[:, :3] = [[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]]
        jacobian[:, 3:] = np.array(_matrix(self.nominal_state.orientation)).T
        projected = jacobian @ self.covariance[3:9]
        covariance = projected[:, 3:9] @ jacobian.T + self._velocity_noise
        gain = np.linalg.solve(covariance, projected).T
        self._apply(gain @ residual, gain @ projected)
        return True

    def _apply(self, error: Array, shrink: Array) -> None:
        """Correct the nominal state by an error (15,) and update the covariance."""
        e = error.tolist()
        (px, py, pz), q, (vx, vy, vz) = self.nominal_state
        self.nominal_state = NominalState(
            (px + e[0], py + e[1], pz + e[2]),
            turned(q, e[3], e[4], e[5]),
            (vx + e[6], vy + e[7], vz + e[8]),
        )
        g, a = self.gyro_bias, self.accel_bias
        turn, push = self._config.gyro_bias_limit, self._config.accel_bias_limit
        # Without a limit, an unmodelled motion (the robot is lifted or falls) would become a bias,
        # and the estimate would drift during the next motion capture gap.
        self.gyro_bias = _bounded(g, e[9], e[10], e[11], turn)
        self.accel_bias = _bounded(a, e[12], e[13], e[14], push)
        covariance = self.covariance - shrink
        self.covariance = 0.5 * (covariance + covariance.T)


def _bounded(bias: Vector, x: float, y: float, z: float, limit: float) -> Vector:
    """Return a bias corrected by (x, y, z), each component clipped to a limit."""
    return (
        min(max(bias[0] + x, -limit), limit),
        min(max(bias[1] + y, -limit), limit),
        min(max(bias[2] + z, -limit), limit),
    )


def _matrix(q: Quaternion) -> tuple[Vector, Vector, Vector]:
    """Return the rows of the rotation matrix, base to map, of an attitude wxyz."""
    w, x, y, z = q
    return (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
