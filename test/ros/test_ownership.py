"""One publisher per command topic."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest
from rclpy.context import Context
from rclpy.node import Node
from std_msgs.msg import Header
from waiting import until

from gpc_ros.common.errors import ConfigError
from gpc_ros.ros import qos
from gpc_ros.ros.ownership import ExclusivePublisher, TopicVacancy

pytestmark = pytest.mark.integration


def make(context: Context, name: str, wait: float = 0.5) -> ExclusivePublisher:
    return ExclusivePublisher(
        Node(name, context=context), Header, "joint_commands", qos.command(), wait
    )


def exclusive(owner: ExclusivePublisher) -> Callable[[], bool]:
    def check() -> bool:
        owner.check()
        return owner.is_exclusive

    return check


def test_single_publisher_is_exclusive_after_the_wait(context: Context) -> None:
    owner = make(context, "bridge")
    owner.check()
    assert not owner.is_exclusive
    until(exclusive(owner), "it is exclusive")
    assert owner.other_publishers == []


def test_the_second_refuses_and_the_first_stays(context: Context) -> None:
    first = make(context, "bridge")
    until(exclusive(first), "it is exclusive")
    second = make(context, "intruder")
    with pytest.raises(ConfigError, match=r"/bridge already publishes /joint_commands"):
        until(exclusive(second), "it is exclusive, or refuses")
    first.check()
    assert first.is_exclusive


def test_exclusive_publisher_names_a_stranger(context: Context) -> None:
    first = make(context, "bridge")
    until(exclusive(first), "it is exclusive")
    stranger = Node("stranger", context=context)
    stranger.create_publisher(Header, "joint_commands", qos.command())

    def seen() -> bool:
        first.check()
        return first.other_publishers == ["/stranger"]

    until(seen, "it names the stranger")
    assert first.is_exclusive


def test_of_two_simultaneous_publishers_exactly_one_stays(context: Context) -> None:
    owners = [make(context, "one"), make(context, "two")]
    refused: list[ExclusivePublisher] = []
    end = time.monotonic() + 20.0
    while not (len(refused) == 1 and owners[0].is_exclusive) and time.monotonic() < end:
        for owner in list(owners):
            try:
                owner.check()
            except ConfigError:
                refused.append(owner)
                owners.remove(owner)
                with contextlib.suppress(ConfigError):  # its publisher has not appeared yet
                    owner.publisher.destroy()
        time.sleep(0.02)
    assert len(refused) == 1
    assert owners[0].is_exclusive


def test_a_second_one_refuses_without_appearing_in_the_graph(context: Context) -> None:
    first = make(context, "bridge")
    until(exclusive(first), "it is exclusive")
    second = make(context, "intruder", 60.0)
    with pytest.raises(ConfigError, match="already publishes"):
        until(exclusive(second), "it is exclusive, or refuses")
    first.check()
    assert first.other_publishers == []
    with pytest.raises(ConfigError, match="still looking"):
        _ = second.publisher


def test_taken_topic_ends_the_exclusivity_wait(context: Context) -> None:
    first = make(context, "bridge")
    until(exclusive(first), "it is exclusive")
    looks = TopicVacancy(Node("player", context=context), ["joint_commands"], 60.0)
    with pytest.raises(ConfigError, match="/bridge already publishes /joint_commands"):
        looks.wait()


def test_free_topic_uses_the_whole_exclusivity_wait(context: Context) -> None:
    looks = TopicVacancy(Node("player", context=context), ["joint_commands"], 0.3)
    assert not looks.is_over
    looks.wait()
    assert looks.is_over
