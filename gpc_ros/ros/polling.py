"""Subscriptions that a loop polls itself, past the executor.

The executor costs about 0.15 ms for each time that it wakes up. A loop that runs at a fixed rate
anyway takes its messages directly: 2 us for each one and for an empty queue, then the conversion.
Size and publisher are checked before the conversion, which is the expensive part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar, cast

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message

from gpc_ros.ros.serialized_take import SerializedTaker, Taken

M = TypeVar("M")

# Larger messages are rejected unless a subscription sets another limit [bytes].
MAX_BYTES = 65536


class _Unserved(CallbackGroup):
    """A group that no executor serves."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        return None


class Received(NamedTuple, Generic[M]):
    """A message with its publisher.

    Attributes:
        message: the message, or its serialized form (bytes).
        publisher: GID of the publisher.
    """

    message: M
    publisher: bytes


class PolledSubscription(Generic[M]):
    """A subscription whose messages wait in the middleware's queue until they are taken.

    Attributes:
        topic: relative name.
    """

    def __init__(
        self,
        node: Node,
        message: type[M],
        topic: str,
        qos: QoSProfile,
        raw: bool = False,
        max_bytes: int | None = MAX_BYTES,
        on_reject: Callable[[str, str], None] | None = None,
        admit: Callable[[bytes], str] | None = None,
    ) -> None:
        """Subscribe, with the queue depth of the profile.

        Args:
            node: the owner.
            message: type of the messages.
            topic: relative name.
            qos: quality of service.
            raw: deliver serialised messages (bytes).
            max_bytes: longest serialized message; None for no limit.
            on_reject: called with topic and reason for each rejected message.
            admit: returns why messages of a publisher (GID) are rejected, empty to admit them.
        """
        self.topic = topic
        self._node = node
        self._type, self._raw = message, raw
        self._max_bytes, self._on_reject, self._admit = max_bytes, on_reject, admit
        self._taker = SerializedTaker()
        self._subscription = node.create_subscription(
            message, topic, _never, qos, callback_group=_Unserved(), raw=raw
        )

    def take(self) -> M | None:
        """Return the oldest waiting message, or None."""
        return next(self.drain(), None)

    def drain(self) -> Iterator[M]:
        """Yield every waiting message, oldest first."""
        for message, _ in self._messages():
            yield message

    def drain_received(self) -> Iterator[Received[M]]:
        """Yield every waiting message with its publisher, oldest first."""
        for message, taken in self._messages():
            yield Received(message, taken.publisher)

    def drain_stamped(self) -> Iterator[tuple[M, int]]:
        """Yield every waiting message with the time that it arrived [ns, system clock]."""
        for message, taken in self._messages():
            yield message, taken.received

    def drain_sent(self) -> Iterator[tuple[M, int]]:
        """Yield every waiting message with the time that it was sent [ns, sender's clock]."""
        for message, taken in self._messages():
            yield message, taken.sent

    def latest(self) -> M | None:
        """Return the newest waiting message and drop the rest; None if there is none."""
        newest = None
        for _ in self._admitted():
            newest = self._taker.data()
        return None if newest is None else self._convert(newest)

    def close(self) -> None:
        """Unsubscribe; nothing may be taken afterwards."""
        self._node.destroy_subscription(self._subscription)

    def publishers(self) -> int:
        """Return how many publishers of the topic this node knows."""
        return int(self._subscription.get_publisher_count())

    def _messages(self) -> Iterator[tuple[M, Taken]]:
        """Yield every waiting message that can be decoded."""
        for taken in self._admitted():
            message = self._convert(self._taker.data())
            if message is not None:
                yield message, taken

    def _admitted(self) -> Iterator[Taken]:
        """Take every waiting message; yield those of a permitted size and publisher."""
        handle = self._subscription.handle
        while True:
            with handle:  # keeps it from being destroyed meanwhile
                taken = self._taker.take(handle)
            if taken is None:
                return
            reason = self._reason(taken)
            if reason:
                self._reject(reason)
            else:
                yield taken

    def _reason(self, taken: Taken) -> str:
        """Return why a message is rejected; empty if it is not."""
        if self._max_bytes is not None and taken.size > self._max_bytes:
            return f"{taken.size} bytes, allowed are {self._max_bytes}"
        return "" if self._admit is None else self._admit(taken.publisher)

    def _convert(self, data: bytes) -> M | None:
        """Return a message; None if it cannot be decoded."""
        if self._raw:
            return cast(M, data)
        try:
            return cast(M, deserialize_message(data, self._type))
        except Exception as error:  # whatever a publisher sends must not end the node
            self._reject(f"cannot be decoded: {error}")
            return None

    def _reject(self, reason: str) -> None:
        if self._on_reject is not None:
            self._on_reject(self.topic, reason)


def _never(_message: object) -> None:
    raise AssertionError("a polled subscription was served by an executor")
