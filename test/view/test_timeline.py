"""The time line stays inside the recording for any input."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.view.timeline import _SPEEDS, TimeLine

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.floats(-100.0, 100.0)),
        st.tuples(st.just("play"), st.booleans()),
        st.tuples(st.just("set_speed"), st.sampled_from(sorted(_SPEEDS.values()))),
        st.tuples(st.just("advance"), st.floats(0.0, 100.0)),
    )
)


@given(st.floats(-10.0, 10.0), st.floats(0.0, 60.0), STEPS)
def test_position_stays_inside_the_recording(begin: float, length: float, steps: list) -> None:
    line = TimeLine(begin, begin + length)
    for name, value in steps:
        getattr(line, name)(value)
        assert line.begin <= line.position <= line.end


def test_position_moves_only_during_playback_and_at_its_speed() -> None:
    line = TimeLine(0.0, 10.0)
    assert line.advance(1.0) == 0.0
    line.play(True)
    assert line.advance(1.0) == 1.0
    line.set_speed(2.0)
    assert line.advance(1.0) == 3.0
    line.play(False)
    assert line.advance(1.0) == 3.0


def test_playback_stops_at_the_end_and_restarts_from_the_beginning() -> None:
    line = TimeLine(-1.0, 2.0)
    line.seek(1.5)
    line.play(True)
    assert (line.advance(5.0), line.playing) == (2.0, False)
    line.play(True)
    assert (line.position, line.playing) == (-1.0, True)
