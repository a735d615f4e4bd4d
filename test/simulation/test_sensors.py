"""Encoders and IMU: bias, noise, drift and repeatability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError
from gpc_ros.common.geometry import (
    quat_conjugate,
    quat_from_rpy,
    quat_log,
    quat_multiply,
    yaw_from_quat,
)
from gpc_ros.simulation.plant import PlantConfig
from gpc_ros.simulation.sensors import EncoderConfig, Encoders, Imu, ImuConfig

SILENT_ENCODERS = EncoderConfig(0.0, 0.0, 0.0, 0.0, 0.0)
SILENT_IMU = ImuConfig(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
ATTITUDE = quat_from_rpy(0.2, -0.1, 1.0)
GYRO, ACCEL = np.array([0.1, 0.2, 0.3]), np.array([0.0, 1.0, 9.8])


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_silent_sensors_report_the_truth() -> None:
    rng = _rng()
    truth = rng.normal(size=12), rng.normal(size=12), rng.normal(size=12), rng.uniform(0, 50, 4)
    for reported, true in zip(
        Encoders(SILENT_ENCODERS, _rng()).measure(*truth), truth, strict=True
    ):
        np.testing.assert_array_equal(reported, true)
    attitude, gyro, accel = Imu(SILENT_IMU, _rng()).measure(7.0, ATTITUDE, GYRO, ACCEL)
    np.testing.assert_allclose(attitude, ATTITUDE, atol=1e-15)
    np.testing.assert_array_equal(gyro, GYRO)
    np.testing.assert_array_equal(accel, ACCEL)


def test_encoder_noise_has_the_stated_size() -> None:
    encoders = Encoders(EncoderConfig(), _rng())
    zero = np.zeros(12), np.zeros(12), np.zeros(12), np.full(4, 100.0)
    readings = [encoders.measure(*zero) for _ in range(2000)]
    position, velocity, effort, force = (np.array(values) for values in zip(*readings, strict=True))
    np.testing.assert_allclose(position.mean(axis=0), encoders.offset, atol=1e-4)
    np.testing.assert_allclose(position.std(axis=0), 0.0005, rtol=0.1)
    np.testing.assert_allclose(velocity.std(axis=0), 0.05, rtol=0.1)
    np.testing.assert_allclose(effort.std(axis=0), 0.2, rtol=0.1)
    np.testing.assert_allclose(force.std(axis=0), 2.0, rtol=0.1)


def test_contact_forces_are_never_negative() -> None:
    encoders = Encoders(EncoderConfig(force_noise=50.0), _rng())
    zero = np.zeros(12)
    forces = [encoders.measure(zero, zero, zero, np.zeros(4))[3] for _ in range(50)]
    assert np.min(forces) == 0.0


def test_imu_bias_is_constant_and_drawn_per_episode() -> None:
    noiseless = replace(SILENT_IMU, gyro_bias=0.01, accel_bias=0.1)
    imu = Imu(noiseless, _rng(1))
    first, second = (imu.measure(t, ATTITUDE, GYRO, ACCEL) for t in (0.0, 5.0))
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_allclose(first[1] - GYRO, imu.gyro_bias)
    np.testing.assert_allclose(first[2] - ACCEL, imu.accel_bias)
    assert not np.array_equal(imu.gyro_bias, Imu(noiseless, _rng(2)).gyro_bias)


def test_heading_drifts_and_gravity_does_not() -> None:
    imu = Imu(replace(SILENT_IMU, yaw_drift=0.01, yaw_offset=0.3), _rng())
    early, late = (imu.measure(t, ATTITUDE, GYRO, ACCEL)[0] for t in (0.0, 20.0))
    assert yaw_from_quat(early) - yaw_from_quat(ATTITUDE) == pytest.approx(0.3)
    assert yaw_from_quat(late) - yaw_from_quat(early) == pytest.approx(20.0 * imu.yaw_rate_error)
    # Roll and pitch are what is left when the heading is taken out.
    for attitude in (early, late):
        up = 1.0 - 2.0 * (attitude[1] ** 2 + attitude[2] ** 2)
        assert up == pytest.approx(1.0 - 2.0 * (ATTITUDE[1] ** 2 + ATTITUDE[2] ** 2))


def test_attitude_noise_has_the_stated_size() -> None:
    imu = Imu(replace(SILENT_IMU, attitude_noise=0.02), _rng())
    attitudes = np.array([imu.measure(0.0, ATTITUDE, GYRO, ACCEL)[0] for _ in range(2000)])
    turns = quat_log(quat_multiply(quat_conjugate(ATTITUDE), attitudes))
    np.testing.assert_allclose(turns.std(axis=0), 0.02, rtol=0.1)


def test_same_seed_gives_the_same_bytes() -> None:
    def stream(seed: int) -> bytes:
        imu, encoders = Imu(ImuConfig(), _rng(seed)), Encoders(EncoderConfig(), _rng(seed))
        zero = np.zeros(12)
        parts: list[np.ndarray] = []
        for i in range(20):
            parts += imu.measure(0.002 * i, ATTITUDE, GYRO, ACCEL)
            parts += encoders.measure(zero, zero, zero, np.zeros(4))
        return b"".join(part.tobytes() for part in parts)

    assert stream(5) == stream(5)
    assert stream(5) != stream(6)


def test_every_setting_is_a_documented_parameter() -> None:
    names = {p.name for p in config.parameters(PlantConfig)}
    assert {"imu.gyro_noise", "encoders.position_noise", "mocap.delay", "mocap.rate"} <= names
    assert all(p.doc for p in config.parameters(PlantConfig))
    changed = config.replace(PlantConfig(), {"mocap.dropout_duration": "2.0"}, "--set")
    assert changed.mocap.dropout_duration == 2.0
    with pytest.raises(ConfigError, match=r"did you mean 'mocap\.delay'"):
        config.replace(PlantConfig(), {"mocap.dealy": 1.0}, "--set")
    with pytest.raises(ConfigError, match="outside"):
        config.replace(PlantConfig(), {"mocap.rate": 0.0}, "--set")
