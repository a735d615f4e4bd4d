"""One publisher per topic: a second one refuses to start before it has touched the first."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile

from gpc_ros.common.errors import REFUSED, ConfigError, GpcError
from gpc_ros.ros.endpoints import UNNAMED_NODE, publishers_of
from gpc_ros.ros.runner import Stop

# How long a new publisher with a larger GID has to leave [s].
_YIELD_TIME = 1.0
_CHECK_PERIOD = 0.2  # [s]
# The name of a node arrives later than its publishers, at most by this time [s].
_NAME_TIME = 1.0


class TopicVacancy:
    """A look around before a node publishes: another publisher of the topics is an error.

    Attributes:
        is_over: whether the wait has passed without another publisher.
    """

    def __init__(self, node: Node, topics: list[str], wait: float) -> None:
        """Begin to look.

        Args:
            node: the owner.
            topics: relative names.
            wait: how long to look [s], since the middleware finds other processes late.
        """
        self._node, self._topics = node, [node.resolve_topic_name(topic) for topic in topics]
        self._end = time.monotonic() + wait
        self._unnamed_since = 0.0
        self.is_over = wait <= 0.0

    def check(self) -> None:
        """Look for publishers; call it a few times a second.

        Raises:
            ConfigError: there is one.
        """
        if self.is_over:
            return
        for topic in self._topics:
            found = publishers_of(self._node, topic)
            if found and self._are_named(list(found.values())):
                raise taken(self._node, topic, sorted(found.values()))
            if found:
                return
        self.is_over = time.monotonic() >= self._end

    def wait(self) -> None:
        """Look until the wait is over; for a node that does nothing else meanwhile.

        Raises:
            ConfigError: there is a publisher.
        """
        while not self.is_over:
            self.check()
            time.sleep(_CHECK_PERIOD / 4)

    def _are_named(self, names: list[str]) -> bool:
        """Return whether the names are known, or have been missing for too long."""
        now = time.monotonic()
        self._unnamed_since = self._unnamed_since or now
        return UNNAMED_NODE not in names or now > self._unnamed_since + _NAME_TIME


class ExclusivePublisher:
    """A publisher that is the only one of its topic.

    For the first half of the wait this node only looks: while another one publishes the topic, it
    must not appear in the graph. Then it creates the publisher and looks on. When two start at the
    same time, each sees the other, and the one with the larger GID refuses.

    Attributes:
        is_exclusive: whether the wait has passed without another publisher; publish nothing before.
        other_publishers: full node names of the other publishers.
    """

    def __init__(
        self, node: Node, message: type, topic: str, qos: QoSProfile, exclusivity_wait: float
    ) -> None:
        """Begin to look for others.

        Args:
            node: the owner.
            message: type of the messages.
            topic: relative name.
            qos: quality of service.
            exclusivity_wait: how long to look for others before the first message [s].
        """
        self._node, self._make = node, lambda: node.create_publisher(message, topic, qos)
        self._topic = node.resolve_topic_name(topic)
        self._vacancy = TopicVacancy(node, [topic], 0.5 * exclusivity_wait)
        self._end = time.monotonic() + exclusivity_wait
        self._publisher: Publisher | None = None
        self._gid = b""
        self.is_exclusive = False
        self.other_publishers: list[str] = []
        if self._vacancy.is_over:
            self._create()

    @property
    def publisher(self) -> Publisher:
        """The publisher.

        Raises:
            ConfigError: the look for others is not over yet.
        """
        if self._publisher is None:
            raise ConfigError(f"{self._topic}: still looking for other publishers")
        return self._publisher

    def check(self) -> None:
        """Look for other publishers; call it a few times a second.

        Raises:
            ConfigError: there is another one, and this node is not exclusive yet.
        """
        self._vacancy.check()
        if not self._vacancy.is_over:
            return
        if self._publisher is None:
            self._create()
        others = publishers_of(self._node, self._topic)
        others.pop(self._gid, None)
        self.other_publishers = sorted(others.values())
        if self.is_exclusive:
            return
        now = time.monotonic()
        # An exclusive one stays whatever its GID; a new one with a larger GID leaves soon.
        if others and (now >= self._end + _YIELD_TIME or min(others) < self._gid):
            raise taken(self._node, self._topic, self.other_publishers)
        self.is_exclusive = now >= self._end and not others

    def check_regularly(self, stop: Stop, on_exclusive: Callable[[], None] = lambda: None) -> None:
        """Check from a timer of the node; end the process if the topic is taken.

        Args:
            stop: of the process.
            on_exclusive: called once, when this is the only publisher.
        """

        def check() -> None:
            before = self.is_exclusive
            try:
                self.check()
            except GpcError as error:
                self._node.get_logger().fatal(str(error))
                stop.request(REFUSED)
                return
            if self.is_exclusive and not before:
                on_exclusive()

        self._node.create_timer(_CHECK_PERIOD, check)
        if not self.is_exclusive:
            check()

    def _create(self) -> None:
        before = set(publishers_of(self._node, self._topic))
        self._publisher = self._make()
        mine = set(publishers_of(self._node, self._topic)) - before
        self._gid = next(iter(mine)) if len(mine) == 1 else b""


def taken(node: Node, topic: str, names: list[str]) -> ConfigError:
    """Return the error of a node that finds its topic taken."""
    return ConfigError(
        f"node {node.get_name()}: {', '.join(names)} already publishes {topic}; stop that one, or "
        "give this graph another namespace:= or ROS_DOMAIN_ID"
    )
