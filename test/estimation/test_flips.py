"""An object with nearly symmetric markers: its attitude flips in a share of the poses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.geometry import yaw_from_quat
from gpc_ros.estimation.estimator import Estimator
from gpc_ros.estimation.object_tracker import ObjectTracker, TrackerConfig
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.types import RobotReading

RATE = 120.0  # [Hz]


def about_z(angle: float) -> np.ndarray:
    return np.array([math.cos(angle / 2), 0.0, 0.0, math.sin(angle / 2)])


def off(tracker: ObjectTracker, now: float, yaw: float) -> float:
    """Return the heading error of the tracked object [rad]."""
    state = tracker.state(now)
    assert state is not None
    return abs(math.remainder(float(yaw_from_quat(state.orientation)) - yaw, math.tau))


@given(
    share=st.floats(0.05, 0.35),
    angle=st.sampled_from([math.pi, math.pi / 2, -math.pi / 2, 2.0]),
    turning=st.floats(-1.0, 1.0),
    seed=st.integers(0, 10_000),
    wrong_first=st.booleans(),
)
def test_the_majority_of_two_attitudes_wins_within_a_second_and_stays(
    share: float, angle: float, turning: float, seed: int, wrong_first: bool
) -> None:
    rng = np.random.default_rng(seed)
    tracker = ObjectTracker(TrackerConfig())
    for k in range(int(4 * RATE)):
        now = k / RATE
        yaw = turning * now
        flip = wrong_first if k == 0 else rng.random() < share
        tracker.update(now, np.array([1.0, 0.2, 0.2]), about_z(yaw + angle * flip))
        if now > 1.05:
            assert off(tracker, now, yaw) < 0.1, now


def test_without_a_majority_the_first_attitude_stays_and_is_reported() -> None:
    tracker = ObjectTracker(TrackerConfig())
    for k in range(int(3 * RATE)):
        tracker.update(k / RATE, np.zeros(3), about_z(math.pi * (k % 2)))
    assert off(tracker, 3.0, 0.0) < 0.1
    share, angle = tracker.flips
    assert share == pytest.approx(0.5, abs=0.02)
    assert angle == pytest.approx(math.pi, abs=0.01)


def test_an_object_with_flipping_markers_keeps_its_velocity_when_the_attitude_changes() -> None:
    tracker = ObjectTracker(TrackerConfig())
    for k in range(int(2 * RATE)):
        now = k / RATE
        tracker.update(now, np.array([0.4 * now, 0.0, 0.2]), about_z(math.pi if k == 0 else 0.0))
        state = tracker.state(now)
        assert state is not None
        if now > 1.5:
            assert state.linear_velocity[0] == pytest.approx(0.4, abs=0.1)


def test_flips_are_reported_with_their_share_and_angle_until_they_end() -> None:
    estimator, now = Estimator(("box",)), 100.0
    reading = np.zeros(12)
    up = np.array([0.0, 0.0, 9.81])
    for k in range(3000):
        now += 0.002
        estimator.on_reading(
            RobotReading(now, STAND.copy(), reading, reading, linear_acceleration=up), now
        )
        if k % 4 == 0:
            estimator.on_mocap("base", now, np.array([0.0, 0.0, 0.3]), about_z(0.0), now)
            flip = k < 1500 and (k // 4) % 4 == 0
            estimator.on_mocap("box", now, np.array([1.0, 0.0, 0.2]), about_z(math.pi * flip), now)
        if k == 1400:
            [warning] = estimator.warnings()
            assert "25 % of the poses of box" in warning and "3.14 rad" in warning
    assert estimator.warnings() == []
