"""Rolling percentiles, rates and topic timeouts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.timing import Rate, RollingPercentiles, TopicTimeout


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.integers(1, 20))
def test_percentiles_are_of_the_last_values(values: list[float], size: int) -> None:
    window = RollingPercentiles(size)
    for value in values:
        window.add(value)
    kept = np.array(values[-size:])
    assert window.percentiles() == pytest.approx(
        (np.percentile(kept, 50), np.percentile(kept, 99), kept.max())
    )


def test_an_empty_window_is_zero() -> None:
    assert RollingPercentiles(3).percentiles() == (0.0, 0.0, 0.0)


def test_rate() -> None:
    rate = Rate(span=2.0)
    for i in range(100):
        rate.add(i * 0.05)
    assert rate.value(4.95) == pytest.approx(20.0)
    assert rate.value(60.0) == 0.0


def test_silence_counts_from_the_last_message() -> None:
    silence = TopicTimeout(0.2)
    looks = [silence.look(0.1 * k, heard=False) for k in range(11)]
    assert looks[0] == 0.0 and looks[-1] == pytest.approx(1.0)
    assert silence.look(1.1, heard=True) == 0.0
    assert silence.look(1.2, heard=False) == pytest.approx(0.1)


def test_a_stall_of_the_process_is_not_counted_as_silence() -> None:
    silence = TopicTimeout(0.2)
    silence.look(0.0, heard=True)
    assert silence.look(2.4, heard=False) <= 0.2  # the queue is read after this look
    assert silence.look(2.5, heard=True) == 0.0
