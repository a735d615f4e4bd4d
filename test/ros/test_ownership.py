"""One publisher per command topic."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from rclpy.context import Context
from rclpy.node import Node
from std_msgs.msg import Header
from waiting import until

from gpc_ros.common.errors import ConfigError
from gpc_ros.ros import qos
from gpc_ros.ros.ownership import ExclusivePublisher

pytestmark = pytest.mark.integration


def sole(context: Context, name: str, discovery: float = 0.5) -> ExclusivePublisher:
    return ExclusivePublisher(
        Node(name, context=context), Header, "joint_commands", qos.command(), discovery
    )


def settled(owner: ExclusivePublisher) -> Callable[[], bool]:
    def check() -> bool:
        owner.check()
        return owner.settled

    return check


def test_alone_it_settles_after_discovery(context: Context) -> None:
    owner = sole(context, "bridge")
    owner.check()
    assert not owner.settled
    until(settled(owner), "it settles")
    assert owner.foreign == []


def test_the_second_refuses_and_the_first_sees_it(context: Context) -> None:
    first = sole(context, "bridge")
    until(settled(first), "it settles")
    second = sole(context, "intruder")
    with pytest.raises(ConfigError, match=r"/bridge already publishes /joint_commands"):
        until(settled(second), "it settles, or refuses")
    first.check()
    assert first.settled
    assert first.foreign == ["/intruder"]


def test_of_two_at_once_exactly_one_stays(context: Context) -> None:
    owners = [sole(context, "one"), sole(context, "two")]
    refused: list[ExclusivePublisher] = []
    end = time.monotonic() + 20.0
    while not (len(refused) == 1 and owners[0].settled) and time.monotonic() < end:
        for owner in list(owners):
            try:
                owner.check()
            except ConfigError:
                refused.append(owner)
                owners.remove(owner)
                owner.publisher.destroy()
        time.sleep(0.02)
    assert len(refused) == 1
    assert owners[0].settled
