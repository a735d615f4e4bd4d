"""Motion capture: rate, delay, dropouts, outliers and repeatability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gpc_ros.common.geometry import quat_conjugate, quat_log, quat_multiply
from gpc_ros.simulation.mocap_sensor import MocapConfig, MotionCapture, PoseSample

IDEAL = MocapConfig(position_noise=0.0, rotation_noise=0.0, dropout_probability=0.0)
POSITION = np.array([1.0, 2.0, 0.3])
QUATERNION = np.array([np.cos(0.2), 0.0, 0.0, np.sin(0.2)])


def _run(
    config: MocapConfig, seconds: float, seed: int = 0, bodies: tuple[str, ...] = ("base",)
) -> list[tuple[float, PoseSample]]:
    """Return (time of delivery, sample) of a still scene that is seen every 2 ms."""
    mocap = MotionCapture(config, bodies, np.random.default_rng(seed))
    delivered = []
    for i in range(round(seconds / 0.002)):
        time = i * 0.002
        mocap.update(time, lambda body: (POSITION, QUATERNION))
        delivered += [(time, sample) for sample in mocap.due(time)]
    return delivered


@pytest.mark.parametrize("rate", [30.0, 120.0, 240.0, 500.0])
def test_rate_holds_over_ten_seconds(rate: float) -> None:
    samples = _run(replace(IDEAL, rate=rate, delay=0.0), 10.0)
    assert len(samples) == pytest.approx(10.0 * rate, abs=1)
    stamps = np.array([sample.stamp for _, sample in samples])
    gaps = np.diff(stamps)
    assert gaps.min() > 0
    assert gaps.max() < 1.0 / rate + 0.002 + 1e-9


@pytest.mark.parametrize("delay", [0.0, 0.008, 0.05])
def test_delivery_is_late_by_the_delay_and_stamped_at_capture(delay: float) -> None:
    samples = _run(replace(IDEAL, delay=delay), 1.0)
    late = np.array([time - sample.stamp for time, sample in samples])
    assert late.min() >= delay - 1e-9
    assert late.max() < delay + 0.002


def test_ideal_poses_are_exact() -> None:
    for _, sample in _run(IDEAL, 0.2):
        np.testing.assert_array_equal(sample.position, POSITION)
        np.testing.assert_allclose(sample.quaternion, QUATERNION, atol=1e-15)


def test_noise_has_the_stated_size() -> None:
    config = replace(IDEAL, rate=500.0, position_noise=0.002, rotation_noise=0.01)
    samples = [sample for _, sample in _run(config, 10.0)]
    position = np.array([sample.position for sample in samples]) - POSITION
    turns = quat_log(
        quat_multiply(quat_conjugate(QUATERNION), np.array([s.quaternion for s in samples]))
    )
    np.testing.assert_allclose(position.std(axis=0), 0.002, rtol=0.1)
    np.testing.assert_allclose(turns.std(axis=0), 0.01, rtol=0.1)
    np.testing.assert_allclose(np.linalg.norm(samples[7].quaternion), 1.0)


def test_same_seed_gives_the_same_bytes() -> None:
    def stream(seed: int) -> bytes:
        samples = _run(MocapConfig(dropout_probability=0.05), 2.0, seed, ("base", "box"))
        return b"".join(
            np.array([time, s.stamp, *s.position, *s.quaternion]).tobytes() for time, s in samples
        )

    assert stream(3) == stream(3)
    assert stream(3) != stream(4)


def test_dropouts_are_as_frequent_and_as_long_as_stated() -> None:
    config = replace(IDEAL, rate=100.0, dropout_probability=0.02, dropout_duration=0.2)
    stamps = np.array([sample.stamp for _, sample in _run(config, 400.0)])
    # Hidden share of a renewal process: mean gap / (mean gap + mean time between gaps).
    hidden = 1.0 - len(stamps) / 40000
    assert hidden == pytest.approx(0.2 / (0.2 + 0.5), abs=0.05)
    assert np.diff(stamps).max() > 0.5


def test_bodies_drop_out_independently() -> None:
    config = replace(IDEAL, dropout_probability=0.05, dropout_duration=0.1)
    samples = _run(config, 20.0, bodies=("base", "box"))
    seen = {name: {s.stamp for _, s in samples if s.body == name} for name in ("base", "box")}
    assert seen["base"] - seen["box"]
    assert seen["box"] - seen["base"]


def test_settings_of_one_fault_leave_other_noise_alone() -> None:
    config = MocapConfig(dropout_probability=0.0)
    plain = [s for _, s in _run(config, 2.0)]
    faulty = [s for _, s in _run(replace(config, dropout_probability=0.1), 2.0)]
    by_stamp = {s.stamp: s for s in plain}
    assert 0 < len(faulty) < len(plain)
    for sample in faulty:
        np.testing.assert_array_equal(sample.position, by_stamp[sample.stamp].position)


def test_outliers_are_displaced_by_the_stated_distance() -> None:
    samples = _run(replace(IDEAL, outlier_probability=0.1, outlier_distance=0.7), 20.0)
    distance = np.array([np.linalg.norm(s.position - POSITION) for _, s in samples])
    wrong = distance > 1e-6
    np.testing.assert_allclose(distance[wrong], 0.7)
    assert wrong.mean() == pytest.approx(0.1, abs=0.03)


def test_hidden_body_comes_back() -> None:
    mocap = MotionCapture(replace(IDEAL, delay=0.0), ("base", "box"), np.random.default_rng(0))
    mocap.hide("box", 0.5)
    seen = []
    for i in range(500):
        mocap.update(i * 0.002, lambda body: (POSITION, QUATERNION))
        seen += mocap.due(i * 0.002)
    assert min(s.stamp for s in seen if s.body == "box") == pytest.approx(0.5, abs=0.011)
    assert min(s.stamp for s in seen if s.body == "base") == 0.0
