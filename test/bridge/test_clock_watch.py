"""The clock of the stamps beside a monotonic clock: jumps, standing still, wrong rates."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.bridge.clock_watch import ClockWatch
from gpc_ros.safety.supervisor_inputs import SupervisorConfig

PERIOD = 0.002


class Clocks:
    """Two clocks and their watch."""

    def __init__(self) -> None:
        self.now, self.real = 1e9, 50.0
        self.watch = ClockWatch(SupervisorConfig(), lambda: self.real)

    def run(self, seconds: float, rate: float = 1.0) -> str:
        error = ""
        for _ in range(round(seconds / PERIOD)):
            self.now += rate * PERIOD
            self.real += PERIOD
            error = self.watch.update(self.now).error
        return error


def test_a_good_clock_has_no_error() -> None:
    assert Clocks().run(3.0) == ""


@pytest.mark.parametrize("rate", [0.85, 1.15])
def test_a_clock_that_is_slewed_is_accepted(rate: float) -> None:
    assert Clocks().run(3.0, rate) == ""


@pytest.mark.parametrize("rate", [-1.0, 0.01, 0.5, 0.75, 1.25, 2.0, 20.0])
def test_a_wrong_rate_is_an_error_within_a_second_and_ends_with_it(rate: float) -> None:
    clocks = Clocks()
    clocks.run(0.7)
    assert clocks.run(1.0, rate)
    assert clocks.run(2.1) == ""


def test_standing_still_is_an_error_after_its_time() -> None:
    clocks = Clocks()
    clocks.run(1.0)
    assert clocks.run(0.028, 0.0) == ""
    assert "stood still for 0.03 s" in clocks.run(0.004, 0.0)
    assert clocks.run(0.002) == ""


def test_a_clock_that_stands_still_from_the_first_cycle_is_an_error() -> None:
    assert "stood still" in Clocks().run(0.2, 0.0)


@pytest.mark.parametrize("leap", [-1e9, -0.02, 0.06, 30.0])
def test_one_jump_is_reported_once_without_an_error(leap: float) -> None:
    clocks = Clocks()
    clocks.run(0.3)
    clocks.now += leap
    clocks.real += PERIOD
    report = clocks.watch.update(clocks.now + PERIOD)
    assert report.jumped and report.error == ""
    assert clocks.run(2.0) == ""


def test_a_clock_that_jumps_again_and_again_is_an_error() -> None:
    clocks = Clocks()
    errors = []
    for _ in range(5):
        clocks.run(0.1)
        clocks.now += 1.0
        errors.append(clocks.run(PERIOD))
    assert errors[:3] == ["", "", ""]
    assert errors[3] == "the clock has jumped 4 times within 1 s"
    assert clocks.run(1.1) == ""


def test_a_pause_of_the_loop_is_not_a_jump() -> None:
    clocks = Clocks()
    clocks.run(0.1)
    clocks.now += 0.3
    clocks.real += 0.3
    report = clocks.watch.update(clocks.now)
    assert not report.jumped
    assert report.pause == pytest.approx(0.3)


@given(steps=st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=30))
def test_elapsed_time_never_goes_back(steps: list[float]) -> None:
    clocks = Clocks()
    last = -math.inf
    for step in steps:
        clocks.real += step
        clocks.now -= step
        report = clocks.watch.update(clocks.now)
        assert clocks.watch.elapsed >= last
        assert report.pause >= 0.0
        last = clocks.watch.elapsed


def test_without_a_monotonic_clock_the_clock_is_its_own_reference() -> None:
    watch = ClockWatch(SupervisorConfig())
    for k in range(2000):
        assert watch.update(k * PERIOD).error == ""
        assert watch.elapsed == k * PERIOD
