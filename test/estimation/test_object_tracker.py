"""The object tracker: velocity, gates on position and attitude, rest while unseen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.geometry import quat_exp, quat_from_yaw, yaw_from_quat
from gpc_ros.estimation.object_tracker import ObjectTracker, TrackerConfig

LEVEL = np.array([1.0, 0.0, 0.0, 0.0])
PERIOD = 1 / 120


def test_position_velocity_and_covariance_of_a_moving_object() -> None:
    tracker, rng = ObjectTracker(TrackerConfig()), np.random.default_rng(0)
    errors = []
    for k in range(600):
        t = k * PERIOD
        yaw, x = 0.4 * t, 0.3 * t
        noisy = np.array([x, 1.0, 0.175]) + rng.normal(0, 5e-4, 3)
        tracker.update(t, noisy, quat_from_yaw(yaw + rng.normal(0, 0.005)))
        state = tracker.state(t + 0.01)
        assert state is not None
        if t > 1.0:
            late = 0.01
            errors.append(
                [
                    state.position[0] - x - 0.3 * late,
                    float(yaw_from_quat(state.orientation)) - yaw - 0.4 * late,
                    state.linear_velocity[0] - 0.3,
                    state.angular_velocity[2] - 0.4,
                    state.position[0] - x - 0.3 * late,
                ]
            )
    assert state is not None
    sigma = np.array(errors).std(axis=0)
    assert sigma[0] < 0.002
    assert sigma[1] < 0.01
    assert sigma[2] < 0.05
    assert sigma[3] < 0.2
    # It knows how good it is, within a factor of three.
    assert sigma[0] / 3 < np.sqrt(state.covariance[0]) < 3 * sigma[0]
    assert sigma[1] / 3 < np.sqrt(state.covariance[5]) < 3 * sigma[1]


def settled() -> ObjectTracker:
    tracker = ObjectTracker(TrackerConfig())
    for k in range(60):
        tracker.update(k * PERIOD, np.array([0.3 * k * PERIOD, 0.0, 0.2]), LEVEL)
    return tracker


def test_an_unseen_object_coasts_and_comes_to_rest() -> None:
    tracker, braking = settled(), TrackerConfig().braking
    last = 59 * PERIOD
    near, far = tracker.state(last + 0.05), tracker.state(last + 10 * braking)
    assert near is not None
    assert far is not None
    np.testing.assert_allclose(near.linear_velocity[0], 0.3, atol=0.04)
    np.testing.assert_allclose(near.position[0], 0.3 * (last + 0.05), atol=0.003)
    np.testing.assert_allclose(far.linear_velocity, 0.0, atol=1e-3)
    np.testing.assert_allclose(far.angular_velocity, 0.0, atol=1e-3)
    assert far.age == pytest.approx(10 * braking)
    assert far.position[0] == pytest.approx(0.3 * (last + braking), abs=0.02)
    assert (far.covariance > near.covariance).all()


@given(dt=st.floats(0.0, 2.0), parts=st.integers(1, 50))
def test_many_small_steps_grow_the_covariance_as_one_large_one_does(dt: float, parts: int) -> None:
    one, many = ObjectTracker(TrackerConfig())._linear, ObjectTracker(TrackerConfig())._linear
    one.rate = many.rate = (0.3, -0.2, 0.1)
    moved = np.zeros(3)
    for _ in range(parts):
        moved += many.carry(dt / parts)[0]
        many.predict(dt / parts)
    np.testing.assert_allclose(moved, one.carry(dt)[0], atol=1e-9)
    np.testing.assert_allclose((many.p, many.c, many.v), one.after(dt), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("position", "orientation"),
    [([2.0, 0.0, 0.2], LEVEL), ([0.15, 0.0, 0.2], quat_from_yaw(2.0))],
    ids=["elsewhere", "turned"],
)
def test_unexpected_poses_are_gated_and_accepted_after_the_confirm_time(
    position: list[float], orientation: np.ndarray
) -> None:
    tracker = settled()
    now, where = 0.5, np.array(position)
    tracker.update(now, where, orientation)
    before = tracker.state(now)
    assert before is not None
    assert np.abs(before.position[0] - 0.15) < 0.01
    assert tracker.gated == 1
    while now < 1.2:
        now += PERIOD
        tracker.update(now, where, orientation)
    after = tracker.state(now)
    assert after is not None
    np.testing.assert_allclose(after.position, where, atol=1e-3)
    np.testing.assert_allclose(np.abs(after.orientation @ orientation), 1.0, atol=1e-4)
    assert np.linalg.norm(after.linear_velocity) < 0.05
    assert 58 < tracker.gated < 63


def test_inconsistent_poses_are_never_accepted() -> None:
    tracker, rng = settled(), np.random.default_rng(0)
    for k in range(240):
        tracker.update(0.5 + k * PERIOD, rng.uniform(3.0, 9.0, 3), LEVEL)
    state = tracker.state(2.5)
    assert state is not None
    on_its_way = 0.3 * TrackerConfig().braking
    assert np.linalg.norm(state.position - [0.15 + on_its_way, 0.0, 0.2]) < 0.05


def test_older_stamps_change_nothing() -> None:
    tracker = settled()
    before = tracker.state(0.5)
    tracker.update(0.2, np.array([0.1, 0.0, 0.2]), quat_exp(np.array([0.0, 0.0, 0.1])))
    after = tracker.state(0.5)
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.position, after.position)


def test_there_is_no_state_before_the_first_pose() -> None:
    assert ObjectTracker(TrackerConfig()).state(1.0) is None
