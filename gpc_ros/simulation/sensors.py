"""Simulate the robot's own sensors: joint encoders and the IMU.

Each sensor turns a true value into a reported one, with random numbers from a generator of its own,
so that the settings of one sensor never change the noise of another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param


@dataclass(frozen=True)
class EncoderConfig:
    """Noise of joint positions, velocities and torques (standard deviations)."""

    position_noise: float = param(0.0005, "Noise of a joint angle", unit="rad", low=0.0, high=0.1)
    position_offset: float = param(
        0.005, "Calibration error of a joint, drawn once per episode", unit="rad", low=0.0, high=0.1
    )
    velocity_noise: float = param(
        0.05, "Noise of a joint velocity", unit="rad/s", low=0.0, high=5.0
    )
    effort_noise: float = param(0.2, "Noise of a joint torque", unit="N m", low=0.0, high=10.0)
    force_noise: float = param(2.0, "Noise of a foot's contact force", unit="N", low=0.0, high=50.0)


class Encoders:
    """Joint encoders, torque estimates and foot force sensors."""

    def __init__(self, config: EncoderConfig, rng: np.random.Generator) -> None:
        """Draw the calibration errors of one episode."""
        self.config = config
        self._rng = rng
        self.offset: Array = rng.normal(0.0, 1.0, 12) * config.position_offset

    def measure(
        self, position: Array, velocity: Array, effort: Array, force: Array
    ) -> tuple[Array, Array, Array, Array]:
        """Return position, velocity, effort (12,) and foot force (4,) as reported; same units."""
        c = self.config
        noise = self._rng.standard_normal(40)
        return (
            position + self.offset + c.position_noise * noise[0:12],
            velocity + c.velocity_noise * noise[12:24],
            effort + c.effort_noise * noise[24:36],
            np.maximum(force + c.force_noise * noise[36:40], 0.0),
        )


@dataclass(frozen=True)
class ImuConfig:
    """Noise of gyroscope, accelerometer and attitude (standard deviations)."""

    gyro_noise: float = param(
        0.01, "Noise of the angular velocity", unit="rad/s", low=0.0, high=1.0
    )
    gyro_bias: float = param(
        0.005, "Bias of the angular velocity, drawn once per episode",
        unit="rad/s", low=0.0, high=0.5,
    )  # fmt: skip
    accel_noise: float = param(0.1, "Noise of the acceleration", unit="m/s^2", low=0.0, high=5.0)
    accel_bias: float = param(
        0.05, "Bias of the acceleration, drawn once per episode", unit="m/s^2", low=0.0, high=2.0
    )
    attitude_noise: float = param(0.003, "Noise of the attitude", unit="rad", low=0.0, high=0.5)
    yaw_drift: float = param(
        0.001, "Drift of the heading, rate drawn once per episode", unit="rad/s", low=0.0, high=0.1
    )
    yaw_offset: float = param(
        0.0, "Heading error at the start of an episode", unit="rad", low=-3.15, high=3.15
    )


class Imu:
    """Gyroscope, accelerometer and an attitude whose heading drifts, as inside the Go2."""

    def __init__(self, config: ImuConfig, rng: np.random.Generator) -> None:
        """Draw the biases of one episode."""
        self.config = config
        self._rng = rng
        self.gyro_bias: Array = rng.normal(0.0, 1.0, 3) * config.gyro_bias
        self.accel_bias: Array = rng.normal(0.0, 1.0, 3) * config.accel_bias
        self.yaw_rate_error = float(rng.normal(0.0, 1.0)) * config.yaw_drift

    def measure(
        self, time: float, orientation: Array, gyro: Array, accel: Array
    ) -> tuple[Array, Array, Array]:
        """Return attitude (4,) wxyz, angular velocity and acceleration (3,) as reported.

        Args:
            time: since the start of the episode [s]; the heading error grows with it.
            orientation: true attitude (4,) wxyz, base to world.
            gyro: true angular velocity (3,) [rad/s], base frame.
            accel: true acceleration (3,) [m/s^2], base frame, gravity included.
        """
        c = self.config
        noise = self._rng.standard_normal(9)
        half = 0.5 * (c.yaw_offset + self.yaw_rate_error * time)
        drift = np.array([math.cos(half), 0.0, 0.0, math.sin(half)])
        # MuJoCo's quaternion functions cost a tenth of batched numpy ones, and this runs at 500 Hz.
        attitude = np.empty(4)
        mujoco.mju_mulQuat(attitude, drift, orientation)
        mujoco.mju_quatIntegrate(attitude, noise[:3], c.attitude_noise)
        return (
            attitude,
            gyro + self.gyro_bias + c.gyro_noise * noise[3:6],
            accel + self.accel_bias + c.accel_noise * noise[6:9],
        )
