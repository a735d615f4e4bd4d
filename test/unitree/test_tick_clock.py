"""Stamps of LowStates: the tick's rhythm on our clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.unitree.tick_clock import TickClock


@given(st.lists(st.floats(0.0, 0.008), min_size=10, max_size=400), st.integers(0, 2**32 - 1))
def test_stamps_are_never_late_by_more_than_the_fastest_message_nor_early(
    delays: list[float], first: int
) -> None:
    clock = TickClock()
    fastest = np.inf
    last = -np.inf
    for i, delay in enumerate(delays):
        measured = 100.0 + 0.002 * i
        stamp = clock.stamp((first + 2 * i) % 2**32, measured + delay)
        assert stamp is not None
        fastest = min(fastest, delay)
        # Never after it came, never before it was measured, and in order.
        assert measured - 1e-9 <= stamp
        assert stamp <= max(measured + fastest, last + 1e-6) + 1e-9
        assert stamp > last
        last = stamp


def test_a_repeated_message_has_no_stamp() -> None:
    clock = TickClock()
    assert clock.stamp(100, 1.0) is not None
    assert clock.stamp(100, 1.002) is None
    assert clock.stamp(98, 1.004) is None
    assert clock.stamp(102, 1.006) is not None


def test_a_restarted_robot_gets_a_new_offset() -> None:
    clock = TickClock()
    assert clock.stamp(500_000, 50.0) == 50.0
    assert clock.stamp(2, 60.0) == 60.0
    assert clock.stamp(4, 60.002) == 60.002
    assert clock.restarts == 1


def test_stamps_follow_a_clock_that_was_set() -> None:
    clock = TickClock()
    for i in range(100):
        clock.stamp(2 * i, 10.0 + 0.002 * i)
    assert clock.stamp(200, 5.2) == 5.2  # back
    assert clock.stamp(202, 900.0) == 900.0  # ahead
    assert clock.restarts == 2


def test_a_message_that_is_very_late_keeps_its_right_stamp() -> None:
    clock = TickClock()
    for i in range(100):
        late = 0.1 if i == 50 else 0.0
        assert clock.stamp(2 * i, 10.0 + 0.002 * i + late) == 10.0 + 0.002 * i
    assert clock.restarts == 0


def test_a_robot_whose_clock_stood_still_is_followed_soon() -> None:
    clock = TickClock()
    for i in range(100):
        clock.stamp(2 * i, 10.0 + 0.002 * i)
    stamps = [clock.stamp(200 + 2 * i, 10.3 + 0.002 * i) for i in range(50)]
    assert stamps[-1] == pytest.approx(10.3 + 0.002 * 49)
    assert clock.restarts == 1


def test_a_slow_drift_between_the_clocks_is_followed() -> None:
    clock = TickClock()
    stamp: float | None = None
    for i in range(5_000):  # 10 s at a thousandth
        stamp = clock.stamp(2 * i, 0.002 * i * 1.001)
    assert stamp is not None and abs(stamp - 0.002 * 4_999 * 1.001) < 1e-3
    assert clock.restarts == 0
