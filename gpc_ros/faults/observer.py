"""A node that watches a running graph from outside, and every stamp that counts.

Every message is kept with the time at which its publisher sent it: delays between messages of
different processes on one machine then do not depend on how busy the observer is. Tests and benches
of the reactions to faults use it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

from gpc_ros.errors import GpcError
from gpc_ros.nodes import qos
from gpc_ros.nodes.polling import PolledSubscription


class SilentError(GpcError):
    """What was waited for did not come about in time."""


class Heard(NamedTuple):
    """A message and the time at which it was sent [s], on the system's clock."""

    sent: float
    message: Any


class Observer:
    """Listens, speaks and asks.

    Args:
        context: of the domain to watch.
        patience: longest time to wait for anything [s]. Generous: it decides nothing but when
            to give up.
        name: of the node.

    Attributes:
        node: the node itself.
        watchers: called with topic and message for each message that is taken.
    """

    def __init__(self, context: Context, patience: float = 60.0, name: str = "observer") -> None:
        """Join the graph."""
        self.node = Node(name, context=context)
        self.watchers: list[Callable[[str, Heard], None]] = []
        self._patience = patience
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._heard: dict[str, PolledSubscription[Any]] = {}
        self._kept: dict[str, deque[Heard]] = {}
        self._voices: dict[str, Any] = {}

    def listen(
        self, topic: str, kind: type, profile: QoSProfile | None = None, keep: int = 20_000
    ) -> None:
        """Begin to listen to a topic, and keep its last messages."""
        self._heard[topic] = PolledSubscription(self.node, kind, topic, profile or qos.sensor(400))
        self._kept[topic] = deque(maxlen=keep)

    def take(self) -> None:
        """Take everything that has come; call it often enough for the queues."""
        for topic, subscription in self._heard.items():
            kept = self._kept[topic]
            for message, sent in subscription.drain_sent():
                heard = Heard(sent * 1e-9, message)
                kept.append(heard)
                for watch in self.watchers:
                    watch(topic, heard)

    def kept(self, topic: str, since: float = 0.0) -> list[Heard]:
        """Return the messages of a topic that were sent after a time [s], oldest first."""
        return [heard for heard in self._kept[topic] if heard.sent > since]

    def last(self, topic: str) -> Heard:
        """Return the newest message of a topic.

        Raises:
            SilentError: there was none yet.
        """
        if not self._kept[topic]:
            raise SilentError(f"{topic}: nothing was heard yet")
        return self._kept[topic][-1]

    def publish(self, topic: str, message: Any, profile: QoSProfile | None = None) -> None:
        """Send a message."""
        if topic not in self._voices:
            self._voices[topic] = self.node.create_publisher(
                type(message), topic, profile or qos.command()
            )
        self._voices[topic].publish(message)

    def silence(self, topic: str) -> None:
        """Give up the publisher of a topic."""
        self.node.destroy_publisher(self._voices.pop(topic))

    def wait(
        self,
        topic: str,
        condition: Callable[[Any], bool] = lambda message: True,
        since: float | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Heard:
        """Return the first message that meets a condition.

        Args:
            topic: one that is listened to.
            condition: what the message has to meet.
            since: only messages that were sent after this time [s]; None is now.
            meanwhile: called a hundred times a second.

        Raises:
            SilentError: it did not come in time.
        """
        since = self.now() if since is None else since
        for _ in self._spin(f"{topic}: it did not come to that"):
            meanwhile()
            self.take()
            for heard in self._kept[topic]:
                if heard.sent > since and condition(heard.message):
                    return heard
                if heard.sent > since:
                    since = heard.sent
        raise AssertionError("unreachable")

    def pass_time(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Listen for a time [s]."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            meanwhile()
            self.take()
            time.sleep(0.005)

    def call(
        self, service: str, kind: Any, meanwhile: Callable[[], None] = lambda: None, **fields: Any
    ) -> Any:
        """Call a service and return its answer.

        Raises:
            SilentError: it does not answer.
        """
        client = self.node.create_client(kind, service)
        for _ in self._spin(f"no service {service}"):
            meanwhile()
            self.take()
            if client.service_is_ready():
                break
        future = client.call_async(kind.Request(**fields))
        for _ in self._spin(f"{service} did not answer"):
            meanwhile()
            self.take()
            self._executor.spin_once(timeout_sec=0.0)
            if future.done():
                break
        self.node.destroy_client(client)
        return future.result()

    def _spin(self, complaint: str) -> Iterator[None]:
        """Yield a hundred times a second until patience is at its end.

        Raises:
            SilentError: with the complaint.
        """
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            yield
            time.sleep(0.01)
        last = {topic: kept[-1].message for topic, kept in self._kept.items() if kept}
        raise SilentError(f"{complaint} within {self._patience:g} s; the last: {last}")

    def now(self) -> float:
        """Return the time that stamps are on [s]."""
        return float(self.node.get_clock().now().nanoseconds) * 1e-9
