"""The estimator against the simulated robot's truth, and its reactions to bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gpc_ros.common.geometry import quat_from_rpy
from gpc_ros.estimation.estimator import Estimator
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.types import RobotReading

if TYPE_CHECKING:
    from walks import Walk

LEVEL = np.array([1.0, 0.0, 0.0, 0.0])


def rms(errors: np.ndarray) -> float:
    return float(np.sqrt((errors**2).sum(axis=1).mean()))


def test_follows_a_walk_with_realistic_noise_and_delay(walk: Callable[..., Walk]) -> None:
    position, rotation, velocity, nees = walk().errors(since=1.0)
    assert len(position) > 200
    assert rms(position) < 0.003
    assert rms(rotation) < 0.01
    assert rms(velocity) < 0.04
    # Nine degrees of freedom: consistent if the mean is neither far below nor far above nine.
    assert 5.0 < nees.mean() < 12.0


def test_a_long_delay_of_motion_capture_costs_little(walk: Callable[..., Walk]) -> None:
    position, rotation, velocity, _ = walk(seconds=4.0, mocap={"delay": 0.05}).errors(since=1.0)
    assert rms(position) < 0.006
    assert rms(rotation) < 0.012
    assert rms(velocity) < 0.1


@pytest.mark.parametrize(("gap", "bound"), [(0.1, 0.005), (0.5, 0.03), (1.9, 0.08)])
def test_coasts_through_dropouts_of_motion_capture(
    walk: Callable[..., Walk], gap: float, bound: float
) -> None:
    result = walk(seconds=3.0 + gap, hide=(2.0, gap))
    position, _, _, nees = result.errors(since=1.0)
    assert np.linalg.norm(position, axis=1).max() < bound
    assert nees.mean() < 14.0  # it does not think itself better than it is
    ages = [e.base_age for e in result.estimates if e is not None]
    assert max(ages) == pytest.approx(gap, abs=0.05)
    assert np.linalg.norm(position[-1]) < 0.01  # it recovers


def test_a_long_gap_loses_the_estimate_with_a_reason(walk: Callable[..., Walk]) -> None:
    result = walk(seconds=4.0, hide=(1.0, 10.0))
    assert result.estimates[-1] is None
    assert "motion capture has not seen the base for" in result.estimator.complaint


def test_object_is_tracked_with_its_velocity() -> None:
    estimator = Estimator(("box",))
    feed(estimator, 0.0)
    estimator.on_mocap("base", 0.0, np.array([0, 0, 0.3]), LEVEL, 0.0)
    rng = np.random.default_rng(0)
    for k in range(1, 120):
        now = k / 120
        feed(estimator, now)
        truth = np.array([1.0 + 0.3 * now, 0.0, 0.175])
        estimator.on_mocap("box", now - 0.008, truth - [0.0024, 0, 0] + rng.normal(0, 5e-4, 3),
                           LEVEL, now)  # fmt: skip
    state = estimator.estimate()
    assert state is not None
    box = state.objects["box"]
    np.testing.assert_allclose(box.position[:2], [1.3, 0.0], atol=0.01)
    np.testing.assert_allclose(box.linear_velocity, [0.3, 0, 0], atol=0.06)
    assert box.age < 0.03


def reading(stamp: float, **changes: np.ndarray) -> RobotReading:
    values: dict[str, Any] = {"position": STAND.copy(), "velocity": np.zeros(12), **changes}
    return RobotReading(stamp, **values)


def feed(estimator: Estimator, now: float) -> None:
    estimator.on_reading(reading(now), now)


def started() -> Estimator:
    estimator = Estimator(("box",))
    for k in range(40):
        now = k * 0.01
        feed(estimator, now)
        estimator.on_mocap("base", now, np.array([0.0, 0.0, 0.3]), LEVEL, now)
        estimator.on_mocap("box", now, np.array([1.0, 0.0, 0.175]), LEVEL, now)
    assert estimator.estimate() is not None
    return estimator


def test_no_estimate_before_motion_capture() -> None:
    estimator = Estimator()
    feed(estimator, 0.0)
    assert estimator.estimate() is None
    assert estimator.complaint == "waiting for motion capture of the base"


@pytest.mark.parametrize("body", ["base", "box"])
def test_an_outlier_does_not_move_the_state(body: str) -> None:
    estimator = started()
    before = estimator.estimate()
    far = np.array([3.0, 2.0, 0.3])
    estimator.on_mocap(body, 0.395, far, LEVEL, 0.395)
    feed(estimator, 0.4)
    after = estimator.estimate()
    assert before is not None
    assert after is not None
    assert np.linalg.norm(after.position - before.position) < 0.01
    moved = after.objects["box"].position - before.objects["box"].position
    assert np.linalg.norm(moved) < 0.01
    assert estimator.counters[f"{body} poses gated"] == 1


@pytest.mark.parametrize("distance", [0.03, 0.08, 0.3, 2.0])
def test_outliers_of_any_size_never_throw_the_velocity(
    walk: Callable[..., Walk], distance: float
) -> None:
    outliers = {"outlier_probability": 0.05, "outlier_distance": distance}
    result = walk(seconds=4.0, mocap=outliers)
    position, _, velocity, _ = result.errors(since=0.5)
    assert np.linalg.norm(position, axis=1).max() < 0.03
    assert np.linalg.norm(np.diff(velocity, axis=0), axis=1).max() < 0.5


def test_a_jump_is_gated_while_the_robot_moves() -> None:
    estimator = started()
    gyro = np.array([0.0, 0.0, 1.0])
    far = np.array([3.0, 2.0, 0.3])
    for k in range(40, 200):
        now = k * 0.01
        estimator.on_reading(reading(now, angular_velocity=gyro), now)
        estimator.on_mocap("base", now, far, LEVEL, now)
        state = estimator.estimate()
        assert state is not None
        assert np.linalg.norm(state.position[:2]) < 0.1
        assert "at an unexpected pose" in estimator.complaint


def test_bodies_with_swapped_names_are_gated() -> None:
    estimator = started()
    for k in range(40, 300):
        now = k * 0.01
        feed(estimator, now)
        estimator.on_mocap("box", now, np.array([0.0, 0.0, 0.3]), LEVEL, now)
        estimator.on_mocap("base", now, np.array([1.0, 0.0, 0.175]), LEVEL, now)
        state = estimator.estimate()
        if state is not None:
            assert np.linalg.norm(state.position[:2]) < 0.1
            assert state.objects["box"].position[0] == pytest.approx(1.0, abs=0.01)
    assert estimator.estimate() is None
    assert "check which body it is" in estimator.complaint
    assert estimator.counters["box poses inside the robot"] == 260


def test_a_base_lost_at_another_height_recovers_but_another_body_is_gated() -> None:
    """It began with the pose of the box and stood up before its own poses were accepted."""
    estimator = Estimator(("box",))
    shown, truth = np.array([1.0, 0.0, 0.14]), np.array([0.0, 0.0, 0.3])

    def see(begin: float, end: float, position: np.ndarray) -> None:
        for k in range(round(begin * 100), round(end * 100)):
            feed(estimator, k * 0.01)
            estimator.on_mocap("base", k * 0.01, position, LEVEL, k * 0.01)

    see(0.0, 1.0, shown)
    state = estimator.estimate()
    assert state is not None and "above the floor" in state.mocap_inconsistency
    see(1.0, 2.9, truth)
    assert estimator.estimate() is not None  # it coasts
    assert "another body" in estimator.complaint
    see(2.9, 4.5, truth)
    state = estimator.estimate()
    assert state is not None and not state.mocap_inconsistency
    np.testing.assert_allclose(state.position, truth, atol=0.01)
    assert estimator.counters["base jumps accepted"] == 1
    # Lost to another body, it stays lost.
    see(4.5, 12.0, shown)
    assert estimator.estimate() is None
    assert estimator.counters["base jumps accepted"] == 1
    assert "above the floor, its legs measure" in estimator.complaint


def test_a_drifted_filter_recovers_when_the_robot_stands() -> None:
    estimator = started()
    lifted = np.array([0.0, 0.0, 9.81 + 20.0])  # far from what the filter knows
    for k in range(40, 90):
        estimator.on_reading(reading(k * 0.01, linear_acceleration=lifted), k * 0.01)
    state = estimator.estimate()
    assert state is not None
    assert state.position[2] > 1.0
    for k in range(90, 170):
        feed(estimator, k * 0.01)
        estimator.on_mocap("base", k * 0.01, np.array([0.0, 0.0, 0.3]), LEVEL, k * 0.01)
    state = estimator.estimate()
    assert state is not None
    assert estimator.complaint == ""
    assert np.linalg.norm(state.position - [0.0, 0.0, 0.3]) < 0.01
    assert np.linalg.norm(state.linear_velocity) < 0.05


def test_a_wrong_accelerometer_at_the_start_is_not_estimated_as_bias() -> None:
    estimator = Estimator(())
    weightless = np.zeros(3)
    for k in range(300):
        estimator.on_reading(reading(k * 0.01, linear_acceleration=weightless), k * 0.01)
        estimator.on_mocap("base", k * 0.01, np.array([0.0, 0.0, 0.3]), LEVEL, k * 0.01)
    for k in range(300, 400):
        feed(estimator, k * 0.01)
        estimator.on_mocap("base", k * 0.01, np.array([0.0, 0.0, 0.3]), LEVEL, k * 0.01)
    for k in range(400, 425):  # unseen for a quarter of a second
        feed(estimator, k * 0.01)
    state = estimator.estimate()
    assert state is not None
    assert np.linalg.norm(state.position - [0.0, 0.0, 0.3]) < 0.03


@pytest.mark.parametrize("body", ["base", "box"])
def test_a_persistent_jump_is_accepted_after_the_confirm_time(body: str) -> None:
    estimator = started()
    far = np.array([3.0, 2.0, 0.3])
    moved_at = None
    for k in range(40, 120):
        now = k * 0.01
        feed(estimator, now)
        estimator.on_mocap(body, now, far, LEVEL, now)
        if body == "box":
            estimator.on_mocap("base", now, np.array([0.0, 0.0, 0.3]), LEVEL, now)
        state = estimator.estimate()
        assert state is not None
        where = state.position if body == "base" else state.objects["box"].position
        if moved_at is None and np.linalg.norm(where - far) < 0.1:
            moved_at = now
        speed = state.linear_velocity if body == "base" else state.objects["box"].linear_velocity
        assert np.linalg.norm(speed) < 0.5
    assert moved_at == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize(
    ("stamp", "now", "counter"),
    [
        (0.39, 0.40, "base poses repeated or out of order"),
        (0.30, 0.40, "base poses repeated or out of order"),
        (0.60, 0.40, "base poses from the future"),
        (0.40, 0.60, "base poses stale"),
        (float("nan"), 0.40, "base poses from the future"),
    ],
)
def test_bad_stamps_are_rejected_and_counted(stamp: float, now: float, counter: str) -> None:
    estimator = started()
    before = estimator.estimate()
    estimator.on_mocap("base", stamp, np.array([0.1, 0.0, 0.3]), LEVEL, now)
    after = estimator.estimate()
    assert estimator.counters[counter] == 1
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(after.position, before.position)


def test_non_finite_values_are_rejected_and_counted() -> None:
    estimator = started()
    estimator.on_mocap("base", 0.395, np.array([np.nan, 0, 0.3]), LEVEL, 0.395)
    estimator.on_reading(reading(0.4, velocity=np.full(12, np.inf)), 0.4)
    assert estimator.counters["base poses not finite"] == 1
    assert estimator.counters["readings not finite"] == 1
    state = estimator.estimate()
    assert state is not None
    assert np.isfinite(state.qpos(("box",))).all()


@pytest.mark.parametrize("body", ["base", "box"])
def test_one_very_late_pose_is_rejected_and_resets_nothing(body: str) -> None:
    estimator = started()
    for k in range(40, 200):
        now = 0.01 * k
        feed(estimator, now)
        estimator.on_mocap("base", now, np.array([0.0, 0.0, 0.3]), LEVEL, now)
    estimator.on_mocap(body, 0.7, np.array([0.0, 0.0, 0.3]), LEVEL, 2.0)
    assert "clock jumps" not in estimator.counters
    assert estimator.estimate() is not None


def test_stamps_off_the_clock_are_reported_with_the_offset() -> None:
    estimator = Estimator()
    feed(estimator, 100.0)
    estimator.on_mocap("base", 97.5, np.array([0.0, 0.0, 0.3]), LEVEL, 100.0)
    assert estimator.estimate() is None
    assert estimator.complaint == "base poses are stamped -2.500 s off the clock: compare clocks"


def test_a_pause_of_the_readings_resets_the_base_but_keeps_the_objects() -> None:
    estimator = started()
    feed(estimator, 0.6)
    assert estimator.estimate() is None
    assert "the robot was silent for 0.210 s" in estimator.complaint
    assert estimator.counters["reading gaps"] == 1
    estimator.on_mocap("base", 0.6, np.array([0.0, 0.0, 0.3]), LEVEL, 0.6)
    state = estimator.estimate()
    assert state is not None
    assert state.objects["box"].age == pytest.approx(0.21)


def test_an_unseen_lying_robot_does_not_drift() -> None:
    estimator, rng = started(), np.random.default_rng(0)
    for k in range(8000):
        now = 0.4 + 0.004 * k
        noisy = {
            "angular_velocity": rng.normal(0.005, 0.01, 3),
            "linear_acceleration": np.array([0.03, 0.0, 9.84]) + rng.normal(0, 0.1, 3),
        }
        estimator.on_reading(reading(now, **noisy), now)
    assert estimator.estimate() is None
    for _ in range(3):
        now += 0.004
        feed(estimator, now)
        estimator.on_mocap("base", now, np.array([0.0, 0.0, 0.3]), LEVEL, now)
    assert estimator.estimate() is not None


def test_the_state_belongs_to_the_caller() -> None:
    estimator = started()
    first = estimator.estimate()
    assert first is not None
    first.position[:] = 99.0
    second = estimator.estimate()
    assert second is not None
    assert np.abs(second.position).max() < 1.0


def test_a_clock_that_jumps_back_resets_everything() -> None:
    estimator = started()
    for k in range(200):
        feed(estimator, 0.4 + 0.01 * k)
    estimator.on_reading(reading(0.0), 0.0)
    assert estimator.counters["clock jumps"] == 1
    assert estimator.estimate() is None


@pytest.mark.parametrize(
    "wrong",
    [quat_from_rpy(np.pi / 2, 0, 0), quat_from_rpy(0, 0.6, 0), np.array([0.0, 1.0, 0.0, 0.0])],
    ids=["y up", "tilted marker frame", "quaternion order"],
)
def test_motion_capture_that_disagrees_about_gravity_is_rejected(wrong: np.ndarray) -> None:
    estimator = Estimator()
    feed(estimator, 0.0)
    estimator.on_mocap("base", 0.0, np.array([0.0, 0.0, 0.3]), wrong, 0.0)
    assert estimator.estimate() is None
    assert "disagree about gravity" in estimator.complaint


def test_a_quaternion_without_unit_norm_is_rejected() -> None:
    estimator = Estimator()
    feed(estimator, 0.0)
    estimator.on_mocap("base", 0.0, np.zeros(3), np.zeros(4), 0.0)
    assert estimator.counters["base quaternions not of unit length"] == 1


def test_unknown_bodies_are_ignored() -> None:
    estimator = started()
    estimator.on_mocap("chair", 0.4, np.zeros(3), LEVEL, 0.4)
    state = estimator.estimate()
    assert state is not None
    assert set(state.objects) == {"box"}
