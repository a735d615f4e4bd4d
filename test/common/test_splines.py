"""Splines: interpolation, partition of unity, shift and resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.common.splines import basis, knot_interval, resample, shift, spline_order

orders = st.sampled_from([0, 1, 3])
counts = st.integers(1, 9)
intervals = st.floats(0.05, 1.0)


@given(order=orders, count=counts, interval=intervals, time=st.floats(0.0, 12.0))
def test_weights_sum_to_one(order: int, count: int, interval: float, time: float) -> None:
    row = basis(np.array([time]), count, interval, order)
    assert row.sum() == pytest.approx(1.0)


@given(order=orders, count=counts, interval=intervals)
def test_knots_are_interpolated(order: int, count: int, interval: float) -> None:
    at_knots = basis(np.arange(float(count)) * interval, count, interval, order)
    np.testing.assert_allclose(at_knots, np.eye(count), atol=1e-6)


@given(order=orders, count=counts, interval=intervals, late=st.floats(0.0, 3.0))
def test_last_knot_is_held(order: int, count: int, interval: float, late: float) -> None:
    row = basis(np.array([(count - 1) * interval + late]), count, interval, order)
    assert row[0, -1] == pytest.approx(1.0)


@given(order=orders, seed=st.integers(0, 999))
def test_no_shift_changes_nothing(order: int, seed: int) -> None:
    knots = np.random.default_rng(seed).normal(size=(5, 3))
    np.testing.assert_allclose(shift(knots, 0.0, 0.4, order), knots, atol=1e-6)


@given(order=orders, steps=st.integers(0, 6), seed=st.integers(0, 999))
def test_shift_by_whole_intervals_moves_knots(order: int, steps: int, seed: int) -> None:
    knots = np.random.default_rng(seed).normal(size=(5, 3))
    shifted = shift(knots, steps * 0.4, 0.4, order)
    expected = knots[np.minimum(np.arange(5) + steps, 4)]
    np.testing.assert_allclose(shifted, expected, atol=1e-6)


@given(delay=st.floats(0.0, 0.4), time=st.floats(0.0, 0.7))
def test_shifted_line_is_the_same_line(delay: float, time: float) -> None:
    line = np.arange(5.0)[:, None] * [[1.0, -2.0, 0.5]]
    moved = shift(line, delay, 0.4, 1)
    before = basis(np.array([time + delay]), 5, 0.4, 1) @ line
    np.testing.assert_allclose(basis(np.array([time]), 5, 0.4, 1) @ moved, before, atol=1e-6)


def test_resampling_to_a_finer_grid_keeps_a_linear_curve() -> None:
    knots = np.random.default_rng(0).normal(size=(4, 3))
    fine = resample(knots, 0.6, 1, 7, 0.3)
    times = np.linspace(0, 1.8, 50)
    np.testing.assert_allclose(
        basis(times, 7, 0.3, 1) @ fine, basis(times, 4, 0.6, 1) @ knots, atol=1e-6
    )


def test_knots_cover_the_horizon() -> None:
    assert knot_interval(2.0, 5, 1) == pytest.approx(0.5)
    assert knot_interval(2.0, 5, 0) == pytest.approx(0.4)
    assert knot_interval(2.0, 1, 1) == pytest.approx(2.0)


def test_unknown_kind_and_order_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown kind 'cubik'.*'cubic'"):
        spline_order("cubik")
    with pytest.raises(InputError, match="spline order 2"):
        basis(np.zeros(1), 3, 0.1, 2)
