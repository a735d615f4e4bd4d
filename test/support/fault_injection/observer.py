"""A node that observes a running graph and records the send time of every message.

Every message is stored with the time at which its publisher sent it, so that delays between
messages of different processes on one machine do not depend on the observer's load. Tests and
benchmarks of the reactions to faults use it.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message

from gpc_ros.common.errors import GpcError
from gpc_ros.ros import qos
from gpc_ros.ros.polling import PolledSubscription

# Time after which an unanswered request is repeated [s].
_ANSWER = 3.0


class SilentError(GpcError):
    """An expected event did not happen in time."""


class Heard:
    """A message and the time at which it was sent.

    Attributes:
        sent: on the system's clock [s].
    """

    __slots__ = ("_data", "_kind", "_message", "sent")

    def __init__(self, sent: float, data: bytes, kind: type) -> None:
        """Store a serialised message; most are never deserialised."""
        self.sent, self._data, self._kind = sent, data, kind
        self._message: Any = None

    @property
    def message(self) -> Any:
        """The message itself."""
        if self._message is None:
            self._message = deserialize_message(self._data, self._kind)
        return self._message


class Observer:
    """Subscribe, publish and call services.

    Args:
        context: ROS context of the observed domain.
        patience: time limit of every wait [s]; generous, since it only decides when to give up.
        name: of the node.

    Attributes:
        node: the node itself.
        patience: longest time to wait for anything [s].
        watchers: called with topic and message for each message that is taken.
        guard: called repeatedly during every wait; may raise.
        sources: further message sources, polled whenever messages are taken.
    """

    def __init__(self, context: Context, patience: float = 60.0, name: str = "observer") -> None:
        """Join the graph."""
        self.node = Node(name, context=context)
        self.watchers: list[Callable[[str, Heard], None]] = []
        self.guard: Callable[[], None] = lambda: None
        self.sources: list[Callable[[], Iterable[tuple[str, Heard]]]] = []
        self.patience = patience
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._heard: dict[str, tuple[PolledSubscription[bytes], type]] = {}
        self._kept: dict[str, deque[Heard]] = {}
        self._voices: dict[str, Any] = {}

    def listen(
        self, topic: str, kind: type, profile: QoSProfile | None = None, keep: int = 20_000
    ) -> None:
        """Subscribe to a topic and keep its last messages."""
        profile = profile or qos.sensor(2000)
        heard: PolledSubscription[bytes] = PolledSubscription(
            self.node, kind, topic, profile, raw=True, max_bytes=None
        )
        self._heard[topic] = (heard, kind)
        self.keep(topic, keep)

    def keep(self, topic: str, number: int = 20_000) -> None:
        """Keep the last messages of a topic from another source."""
        self._kept[topic] = deque(maxlen=number)

    def take(self) -> None:
        """Take all waiting messages; call it often enough for the queues."""
        for topic, (subscription, kind) in self._heard.items():
            kept = self._kept[topic]
            for data, sent in subscription.drain_sent():
                heard = Heard(sent * 1e-9, data, kind)
                kept.append(heard)
                for watch in self.watchers:
                    watch(topic, heard)
        for source in self.sources:
            for topic, heard in source():
                self._kept[topic].append(heard)
                for watch in self.watchers:
                    watch(topic, heard)

    def kept(self, topic: str, since: float = 0.0) -> list[Heard]:
        """Return the messages of a topic that were sent after a time [s], oldest first."""
        fresh = itertools.takewhile(lambda h: h.sent > since, reversed(self._kept[topic]))
        return list(fresh)[::-1]

    def last(self, topic: str) -> Heard:
        """Return the newest message of a topic.

        Raises:
            SilentError: no message has arrived yet.
        """
        if not self._kept[topic]:
            raise SilentError(f"{topic}: no message has arrived yet")
        return self._kept[topic][-1]

    def publish(self, topic: str, message: Any, profile: QoSProfile | None = None) -> None:
        """Send a message."""
        if topic not in self._voices:
            self._voices[topic] = self.node.create_publisher(
                type(message), topic, profile or qos.command()
            )
        self._voices[topic].publish(message)

    def silence(self, topic: str) -> None:
        """Destroy the publisher of a topic."""
        self.node.destroy_publisher(self._voices.pop(topic))

    def wait(
        self,
        topic: str,
        condition: Callable[[Any], bool] = lambda message: True,
        since: float | None = None,
        meanwhile: Callable[[], None] = lambda: None,
        patience: float | None = None,
    ) -> Heard:
        """Return the first message that meets a condition.

        Args:
            topic: a subscribed topic.
            condition: predicate of the message.
            since: only messages sent after this time [s] count; None means now.
            meanwhile: called a hundred times a second.
            patience: time limit [s]; None uses the observer's.

        Raises:
            SilentError: no such message arrived in time.
        """
        since = self.now() if since is None else since
        for _ in self.spin(f"{topic}: the condition was not met", patience):
            meanwhile()
            self.take()
            for heard in self.kept(topic, since):
                since = heard.sent
                if condition(heard.message):
                    return heard
        raise AssertionError("unreachable")

    def pass_time(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Take messages for a time [s]."""
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
            SilentError: the service does not answer.
        """
        for _ in self.spin(f"{service} did not answer"):
            answer = self._call_once(service, kind, meanwhile, fields)
            if answer is not None:
                return answer
        raise AssertionError("unreachable")

    def _call_once(
        self, service: str, kind: Any, meanwhile: Callable[[], None], fields: dict[str, Any]
    ) -> Any:
        """Return the answer of a service, or None after a short time.

        A node that has just started may receive a request before the client can receive the answer.
        """
        client, future = self.node.create_client(kind, service), None
        end = time.monotonic() + _ANSWER
        while time.monotonic() < end and (future is None or not future.done()):
            meanwhile()
            self.take()
            if future is None and client.service_is_ready():
                future = client.call_async(kind.Request(**fields))
            self._executor.spin_once(timeout_sec=0.01)
        self.node.destroy_client(client)
        return future.result() if future is not None and future.done() else None

    def spin(self, complaint: str, patience: float | None = None) -> Iterator[None]:
        """Yield a hundred times a second until the patience [s] has elapsed.

        Raises:
            SilentError: with the complaint.
        """
        limit = self.patience if patience is None else patience
        end = time.monotonic() + limit
        while time.monotonic() < end:
            yield
            self.guard()
            time.sleep(0.01)
        now = self.now()
        ages = {t: f"{now - kept[-1].sent:.2f} s" for t, kept in self._kept.items() if kept}
        last = [h.message for h in list(self._kept.get("supervisor", ()))[-1:]]
        states = "; ".join(f"{m.name} {m.reasons}" for m in last)
        raise SilentError(f"{complaint} within {limit:g} s; the robot is {states}; ages: {ages}")

    def now(self) -> float:
        """Return the time on the clock of the stamps [s]."""
        return float(self.node.get_clock().now().nanoseconds) * 1e-9
