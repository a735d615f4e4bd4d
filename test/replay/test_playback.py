"""Playback returns messages at their time and in order, also across clock jumps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.common.errors import BagError
from gpc_ros.replay.playback import Playback

POSE = "geometry_msgs/msg/PoseStamped"
Pose = Callable[..., bytes]
Write = Callable[[list[tuple[str, int]]], BagReader]


@pytest.fixture
def write(tmp_path: Path, pose: Pose) -> Write:
    """Return a function that writes a bag from topics and times [ms]."""
    data = pose(1.0)
    count = iter(range(1000))

    def make(messages: list[tuple[str, int]]) -> BagReader:
        folder = tmp_path / f"bag{next(count)}"
        writer = BagWriter(folder)
        for topic, time in messages:
            writer.add_topic(topic, POSE)
            writer.write(topic, data, time * 1_000_000)
        writer.close()
        return BagReader(folder)

    return make


def played(playback: Playback, by: float = 0.1) -> list[tuple[int, str]]:
    """Play to the end; return the clock's time [ms] and the topic of every message."""
    found = []
    for _ in range(10_000):
        found += [(playback.time // 1_000_000, name) for name, _ in playback.advance(by)]
        if playback.done:
            return found
    raise AssertionError("it never ends")


def test_no_message_comes_before_its_time(write: Write) -> None:
    playback = Playback(write([("/a", 1000), ("/b", 1150), ("/a", 1300)]), ["/a", "/b"])
    assert [name for name, _ in playback.advance(0.0)] == ["/a"]
    assert playback.advance(0.1) == []
    assert [name for name, _ in playback.advance(0.1)] == ["/b"]
    assert not playback.done
    assert [name for name, _ in playback.advance(5.0)] == ["/a"]
    assert playback.done


def test_only_requested_topics_are_played(write: Write) -> None:
    playback = Playback(write([("/a", 1000), ("/b", 1001)]), ["/b", "/unknown"])
    assert [name for _, name in played(playback)] == ["/b"]


@given(st.lists(st.tuples(st.sampled_from(["/a", "/b"]), st.integers(0, 900)), min_size=1))
@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_messages_written_out_of_order_come_in_order(
    write: Write, messages: list[tuple[str, int]]
) -> None:
    shifted = [(name, 1000 + time) for name, time in messages]
    playback = Playback(write(shifted), ["/a", "/b"])
    found = played(playback, 0.05)
    assert sorted(name for _, name in found) == sorted(name for name, _ in messages)
    assert [time for time, _ in found] == sorted(time for time, _ in found)
    assert playback.jumps == 0


def test_a_start_in_the_middle_has_the_messages_before(write: Write) -> None:
    reader = write([("/goal", 1000), ("/a", 1001), ("/a", 2000), ("/a", 3000)])
    playback = Playback(reader, ["/goal", "/a"], start=1.5)
    assert set(playback.before) == {"/goal", "/a"}
    ((time, name),) = played(playback, 0.01)
    assert name == "/a" and 3000 <= time <= 3010


@pytest.mark.parametrize("jump", [-5000, 3_600_000])
def test_playback_does_not_wait_for_a_clock_jump(write: Write, jump: int) -> None:
    times = [10_000, 10_100, 10_200, 10_300 + jump, 10_400 + jump]
    playback = Playback(write([("/a", time) for time in times]), ["/a"])
    found = [time for time, _ in played(playback, 0.01)]
    assert all(0 <= was - due <= 10 for was, due in zip(found, times, strict=True))
    assert playback.jumps == 1


def test_nothing_to_play_is_an_error(write: Write) -> None:
    reader = write([("/a", 1000), ("/a", 3000)])
    with pytest.raises(BagError, match=r"nothing to play from 9 s on; it is 2\.0 s long"):
        Playback(reader, ["/a"], start=9.0)
    with pytest.raises(BagError, match="no such topic"):
        Playback(reader, ["/b"])


def by_topic(n: int = 60) -> list[tuple[str, int]]:
    """Return messages of three topics over several seconds, stored topic by topic."""
    return [(name, 1000 + 100 * i + k) for k, name in enumerate(["/a", "/b", "/c"])
            for i in range(n)]  # fmt: skip


def test_a_bag_sorted_by_topic_is_played_in_order_of_time(write: Write) -> None:
    messages = by_topic()
    playback = Playback(write(messages), ["/a", "/b", "/c"])
    found = played(playback, 0.001)
    assert [name for _, name in found] == [name for name, _ in sorted(messages, key=lambda m: m[1])]
    assert all(0 <= was - due <= 1 for (was, _), due in zip(
        found, sorted(time for _, time in messages), strict=True))  # fmt: skip
    assert playback.jumps == 0


def test_the_error_for_a_bag_too_large_to_sort_names_a_tool(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpc_ros.replay.playback._MAX_SORTED", 1000)
    with pytest.raises(BagError, match="mcap sort"):
        Playback(write(by_topic()), ["/a", "/b", "/c"])


def test_a_first_time_of_zero_does_not_shift_the_start(write: Write) -> None:
    reader = write([("/zero", 0), ("/a", 100_000), ("/a", 101_000), ("/a", 102_000)])
    playback = Playback(reader, ["/zero", "/a"], start=1.5)
    assert [name for _, name in played(playback, 0.01)] == ["/a"]
    assert set(playback.before) == {"/zero", "/a"}
