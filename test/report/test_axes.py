"""Round ticks, thinning that keeps outliers, and intervals of equal state."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.report.axes import (
    nice_ticks,
    number,
    pieces,
    resample,
    spans,
    stretches,
    thin,
    thin_points,
)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 10))
def test_ticks_cover_the_range_in_equal_steps(low: float, span: float, count: int) -> None:
    ticks = nice_ticks(low, low + span, count)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + 1e-6 * step + 1e-9
    assert ticks[-1] >= low + span - 1e-6 * step - 1e-9
    assert 2 <= len(ticks) <= count + 3
    assert all(b - a == pytest.approx(step, rel=1e-3) for a, b in itertools.pairwise(ticks))


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (3.0, 3.0), (np.nan, 1.0), (0.0, np.inf)])
def test_ticks_of_an_empty_range_are_valid(low: float, high: float) -> None:
    ticks = nice_ticks(low, high, 4)
    assert len(ticks) >= 2
    assert np.isfinite(ticks).all()


def test_numbers_have_the_digits_of_their_step() -> None:
    assert [number(t, [0.0, 0.25, 0.5]) for t in (0.0, 0.25, 0.5)] == ["0", "0.25", "0.50"]
    assert number(-20.0, [-20.0, 0.0]) == "\N{MINUS SIGN}20"
    assert number(0.002, [0.0, 0.002]) == "0.002"


def test_resample_holds_the_last_value() -> None:
    got = resample(np.array([1.0, 2.0]), np.array([10.0, 20.0]), np.array([0.5, 1.0, 1.9, 2.5]))
    assert np.isnan(got[0])
    assert got[1:].tolist() == [10.0, 10.0, 20.0]
    assert np.isnan(resample(np.zeros(0), np.zeros(0), np.zeros(3))).all()


def test_thinning_keeps_every_spike() -> None:
    time = np.linspace(0.0, 100.0, 50_000)
    value = np.zeros(50_000)
    value[12_345], value[40_000] = 5.0, -3.0
    t, v = thin(time, value)
    assert len(t) <= 1_600
    assert (v.max(), v.min()) == (5.0, -3.0)
    assert (np.diff(t) >= 0.0).all()


def test_gaps_split_a_line() -> None:
    value = np.array([1.0, 2.0, np.nan, np.nan, 3.0, np.inf, 4.0])
    parts = pieces(np.arange(7.0), value)
    assert [p[1].tolist() for p in parts] == [[1.0, 2.0], [3.0], [4.0]]
    assert stretches(np.zeros(3, dtype=bool)) == []


def test_spans_join_equal_states() -> None:
    got = spans(np.array([0.0, 1.0, 2.0, 3.0]), ["A", "A", "B", "A"], 5.0)
    assert got == [("A", 0.0, 2.0), ("B", 2.0, 3.0), ("A", 3.0, 5.0)]
    assert spans(np.zeros(0), [], 5.0) == []


def test_thinned_noise_has_no_gap_and_keeps_its_outliers() -> None:
    rng = np.random.default_rng(0)
    time, value = np.linspace(0.0, 60.0, 60_000), rng.normal(size=60_000)
    value[123], value[50_000], value[7] = 40.0, -40.0, np.nan
    t, v = thin_points(time, value)
    assert len(t) <= 1_600 and (np.diff(t) > 0.0).all()
    assert (np.nanmax(v), np.nanmin(v)) == (40.0, -40.0)
    # Of a normal distribution 38 % lie within half a deviation.
    assert 0.33 < float(np.mean(np.abs(v) < 0.5)) < 0.43
