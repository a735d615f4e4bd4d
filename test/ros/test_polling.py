"""Polled subscriptions: size and publisher are checked before a message is decoded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import rclpy.serialization
from rclpy.context import Context
from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import Bool, String
from waiting import until

from gpc_ros.ros import qos
from gpc_ros.ros.endpoints import messages_carry_gids, publishers_of
from gpc_ros.ros.polling import PolledSubscription

pytestmark = pytest.mark.integration


class Pair:
    """A subscription and two publishers in one process."""

    def __init__(self, context: Context, kind: type, **options: Any) -> None:
        self.node = Node("listener", context=context)
        self.rejected: list[str] = []
        self.heard: PolledSubscription[Any] = PolledSubscription(
            self.node, kind, "topic", qos.report(50),
            on_reject=lambda _topic, reason: self.rejected.append(reason), **options,
        )  # fmt: skip
        self.publishers = [
            Node(name, context=context).create_publisher(kind, "topic", qos.report(50))
            for name in ("one", "two")
        ]
        until(lambda: all(p.get_subscription_count() for p in self.publishers), "they meet")
        until(lambda: len(publishers_of(self.node, "topic")) == 2, "the graph shows both")

    def gid(self, name: str) -> bytes:
        names = publishers_of(self.node, "topic")
        return next(gid for gid, found in names.items() if found == name)


def received(take: Callable[[], Any]) -> Any:
    """Wait for a result that is not empty."""
    found: list[Any] = []

    def look() -> bool:
        found[:] = [take()]
        return bool(found[0])

    until(look, "a message arrives")
    return found[0]


def test_every_message_carries_the_gid_of_its_publisher(context: Context) -> None:
    assert messages_carry_gids()
    pair = Pair(context, Bool)
    for name, publisher in zip(("/one", "/two"), pair.publishers, strict=True):
        publisher.publish(Bool(data=name == "/one"))
        (message, gid), *more = received(lambda: list(pair.heard.drain_received()))
        assert (message.data, gid, more) == (name == "/one", pair.gid(name), [])


@pytest.mark.parametrize("size", [2_000, 1_000_000])
def test_a_long_message_is_rejected_before_it_is_decoded(
    context: Context, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    pair = Pair(context, String, max_bytes=1024)
    decoded: list[int] = []
    decode = rclpy.serialization.deserialize_message

    def count(data: bytes, kind: type) -> Any:
        decoded.append(len(data))
        return decode(data, kind)

    monkeypatch.setattr("gpc_ros.ros.polling.deserialize_message", count)
    pair.publishers[0].publish(String(data="x" * size))
    pair.publishers[0].publish(String(data="short"))
    assert received(pair.heard.latest).data == "short"
    assert len(pair.rejected) == 1 and "allowed are 1024" in pair.rejected[0]
    assert decoded and max(decoded) < 100


def test_messages_of_a_publisher_that_is_not_admitted_are_rejected(context: Context) -> None:
    allowed: list[bytes] = []
    pair = Pair(context, Bool, admit=lambda gid: "" if gid in allowed else "a stranger")
    allowed.append(pair.gid("/one"))
    pair.publishers[1].publish(Bool(data=True))
    pair.publishers[0].publish(Bool(data=False))
    assert [m.data for m in received(lambda: list(pair.heard.drain()))] == [False]
    until(lambda: list(pair.heard.drain()) == [] and bool(pair.rejected), "it is rejected")
    assert pair.rejected == ["a stranger"]


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"\x00\x01\x00\x00\xff\xff\xff\x7fabc"])
def test_malformed_bytes_are_rejected(context: Context, data: bytes) -> None:
    pair = Pair(context, String)
    _send_bytes(pair.publishers[0], data)
    pair.publishers[0].publish(String(data="good"))
    end = time.monotonic() + 20.0
    heard: list[str] = []
    while "good" not in heard and time.monotonic() < end:
        heard += [message.data for message in pair.heard.drain()]
        time.sleep(0.005)
    assert heard == ["good"]


def _send_bytes(publisher: Publisher, data: bytes) -> None:
    publisher.publish(data)
