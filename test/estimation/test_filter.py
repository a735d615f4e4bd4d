"""The base filter: linearisation against finite differences, late poses against early ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common import geometry
from gpc_ros.estimation.base_filter import BaseFilter, FilterConfig
from gpc_ros.estimation.delayed_filter import DelayedFilter, Sample
from gpc_ros.estimation.nominal_state import (
    NominalState,
    Quaternion,
    Vector,
    advance,
    multiply,
    quaternion,
    rotated,
    rotation_between,
    turned,
    unrotated,
    vector,
)

NO_NOISE = FilterConfig(0.0, 0.0, 0.0, 0.0)
GYRO, ACCEL = (0.7, -0.4, 1.1), (1.5, -0.8, 9.1)
ATTITUDE = quaternion(geometry.quat_from_rpy(0.2, -0.3, 1.4))
LEVEL = (1.0, 0.0, 0.0, 0.0)

number = st.floats(-1.0, 1.0)
vectors = st.tuples(number, number, number)
unit = st.tuples(number, number, number, number).filter(lambda q: math.hypot(*q) > 0.1).map(
    lambda q: quaternion(np.array(q) / math.hypot(*q))
)  # fmt: skip


@given(a=unit, b=unit, v=vectors)
def test_plain_floats_agree_with_the_batched_geometry(
    a: Quaternion, b: Quaternion, v: Vector
) -> None:
    qa, qb = np.array(a), np.array(b)
    np.testing.assert_allclose(multiply(a, b), geometry.quat_multiply(qa, qb), atol=1e-12)
    np.testing.assert_allclose(rotated(a, v), geometry.rotate(qa, np.array(v)), atol=1e-12)
    np.testing.assert_allclose(unrotated(a, rotated(a, v)), v, atol=1e-12)
    between = geometry.quat_log(geometry.quat_multiply(geometry.quat_conjugate(qa), qb))
    found = rotation_between(a, b)
    if np.linalg.norm(between) < 3.1:  # at half a turn both signs are right
        np.testing.assert_allclose(found, between, atol=1e-9)
    small = 0.02 * np.array(v)
    exact = geometry.quat_multiply(qa, geometry.quat_exp(small))
    np.testing.assert_allclose(turned(a, *small), exact, atol=1e-5)


def test_steps_follow_a_turn_at_constant_rate() -> None:
    state = NominalState((0.0, 0.0, 0.0), LEVEL, (1.0, 0.0, 0.0))
    rate, dt = 2.0, 0.004
    for _ in range(250):  # a circle: the acceleration points to its centre
        state = advance(state, (0.0, 0.0, rate), (0.0, rate, 9.81), dt)
    np.testing.assert_allclose(state.velocity, [math.cos(2.0), math.sin(2.0), 0.0], atol=1e-4)
    np.testing.assert_allclose(
        state.position, [math.sin(2.0) / 2, (1 - math.cos(2.0)) / 2, 0.0], atol=1e-4
    )
    assert geometry.yaw_from_quat(np.array(state.orientation)) == pytest.approx(2.0, abs=1e-4)


def disturbed(index: int, size: float) -> BaseFilter:
    """Return a filter whose error state differs from the others' in one entry."""
    base = BaseFilter(NO_NOISE)
    base.start(0.0, (1.0, 2.0, 0.3), ATTITUDE)
    base.nominal_state = base.nominal_state._replace(velocity=(0.5, -0.2, 0.1))
    error = np.zeros(15)
    error[index] = size
    base._apply(error, np.zeros((15, 15)))
    return base


def difference(a: BaseFilter, b: BaseFilter) -> np.ndarray:
    """Return the error state (15,) that leads from a to b."""
    parts = [
        np.subtract(b.nominal_state.position, a.nominal_state.position),
        rotation_between(a.nominal_state.orientation, b.nominal_state.orientation),
        np.subtract(b.nominal_state.velocity, a.nominal_state.velocity),
        np.subtract(b.gyro_bias, a.gyro_bias),
        np.subtract(b.accel_bias, a.accel_bias),
    ]
    return np.concatenate(parts)


def test_the_transition_agrees_with_finite_differences() -> None:
    dt, size = 0.002, 1e-5
    columns = []
    for i in range(15):
        low, high = disturbed(i, -size), disturbed(i, size)
        for base in (low, high):
            base.predict(dt, GYRO, ACCEL)
        columns.append(difference(low, high) / (2 * size))
    base = disturbed(0, 0.0)
    base.predict(dt, GYRO, ACCEL)
    np.testing.assert_allclose(base._transition, np.array(columns).T, atol=3e-5)


def test_covariance_stays_symmetric_and_positive() -> None:
    base = BaseFilter(FilterConfig())
    base.start(0.0, (0.0, 0.0, 0.3), ATTITUDE)
    rng = np.random.default_rng(0)
    for k in range(1, 500):
        base.predict(0.004 * k, vector(rng.normal(0, 2, 3)), vector(rng.normal(0, 5, 3)))
        if k % 3 == 0:
            base.correct_velocity(np.array([base_velocity(base), base_velocity(base) + 0.1]))
        if k % 2 == 0:
            base.correct_pose(
                *base.innovation(base.nominal_state.position, base.nominal_state.orientation)
            )
    np.testing.assert_allclose(base.covariance, base.covariance.T, atol=1e-15)
    assert np.linalg.eigvalsh(base.covariance).min() > 0.0


def base_velocity(base: BaseFilter) -> np.ndarray:
    return np.array(unrotated(base.nominal_state.orientation, base.nominal_state.velocity))


def test_biases_converge_at_rest() -> None:
    base = BaseFilter(FilterConfig())
    base.start(0.0, (0.0, 0.0, 0.3), LEVEL)
    for k in range(1, 5001):
        base.predict(0.004 * k, (0.01, -0.02, 0.005), (0.1, -0.05, 9.86))
        if k % 2 == 0:
            base.correct_pose(*base.innovation((0.0, 0.0, 0.3), LEVEL))
    np.testing.assert_allclose(base.gyro_bias, [0.01, -0.02, 0.005], atol=1e-3)
    # Level at rest, a horizontal bias and a tilt look the same; the attitude separates them.
    np.testing.assert_allclose(base.accel_bias, [0.1, -0.05, 0.05], atol=0.01)


def test_feet_not_in_stance_are_gated() -> None:
    base = BaseFilter(FilterConfig())
    base.start(0.0, (0.0, 0.0, 0.3), LEVEL)
    assert not base.correct_velocity(np.array([[0.9, 0.0, 0.0], [0.0, -2.0, 0.0]]))
    assert not base.correct_velocity(np.empty((0, 3)))
    assert base.nominal_state.velocity == (0.0, 0.0, 0.0)
    assert base.correct_velocity(np.array([[0.9, 0.0, 0.0], [0.2, 0.0, 0.0]]))
    assert 0.1 < base.nominal_state.velocity[0] < 0.2


def test_no_pose_changes_the_velocity_by_more_than_its_limit() -> None:
    base = BaseFilter(FilterConfig())
    base.start(0.0, (0.0, 0.0, 0.3), LEVEL)
    base.predict(0.1, (0.0, 0.0, 0.0), (0.0, 0.0, 9.81))
    base.correct_pose(*base.innovation((1.0, 1.0, 0.3), LEVEL))
    assert math.hypot(*base.nominal_state.velocity) <= FilterConfig().velocity_step + 1e-9


def test_a_reset_to_another_pose_is_at_rest_and_keeps_the_biases() -> None:
    base = disturbed(0, 0.0)
    biases = base.gyro_bias, base.accel_bias
    base.move((7.0, 8.0, 0.3), LEVEL)
    assert base.nominal_state == ((7.0, 8.0, 0.3), LEVEL, (0.0, 0.0, 0.0))
    assert (base.gyro_bias, base.accel_bias) == biases
    assert np.linalg.eigvalsh(base.covariance).min() > -1e-12


def sample(k: int) -> Sample:
    t = 0.004 * k
    gyro = (0.3 * math.sin(9 * t), 0.2, 0.5 * math.cos(5 * t))
    return Sample(t, gyro, (math.sin(7 * t), 0.3, 9.8), None)


@pytest.mark.parametrize("late", [0, 2, 20])
def test_a_late_pose_has_the_same_effect_as_a_timely_one(late: int) -> None:
    pose = ((0.01, 0.02, 0.31), quaternion(geometry.quat_from_rpy(0.01, 0.0, 0.02)))
    filters = [DelayedFilter(FilterConfig(), 0.1) for _ in range(2)]
    for base in filters:
        base.start(0.0, (0.0, 0.0, 0.3), LEVEL, sample(0))
    in_time, delayed = filters
    stamp = 0.004 * 10 + 0.001

    def correct(f: BaseFilter) -> None:
        f.correct_pose(*f.innovation(*pose))

    for k in range(1, 40):
        in_time.append(sample(k))
        delayed.append(sample(k))
        if k == 11:
            in_time.at(stamp, correct)
        if k == 11 + late:
            delayed.at(stamp, correct)
    assert delayed.stamp == in_time.stamp
    for a, b in zip(in_time.head, delayed.head, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    np.testing.assert_allclose(in_time.covariance(), delayed.covariance(), rtol=1e-9)


def test_without_poses_the_filter_follows_at_its_delay() -> None:
    base = DelayedFilter(FilterConfig(), 0.1)
    base.start(0.0, (0.0, 0.0, 0.3), LEVEL, sample(0))
    reference = BaseFilter(FilterConfig())
    reference.start(0.0, (0.0, 0.0, 0.3), LEVEL)
    growth = []
    for k in range(1, 200):
        base.append(sample(k))
        a, b = sample(k - 1), sample(k)
        gyro = vector(0.5 * (np.array(a.gyro) + b.gyro))
        accel = vector(0.5 * (np.array(a.accel) + b.accel))
        reference.predict(b.stamp, gyro, accel)
        growth.append(base.covariance()[:9].sum())
        assert base.stamp - base.filter.stamp <= 0.1 + 7 * 0.004
    for x, y in zip(base.head, reference.nominal_state, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-12)
    # Between two batches only the largest terms are counted; beyond one it never shrinks.
    assert (np.array(growth[10:]) > np.array(growth[:-10])).all()
