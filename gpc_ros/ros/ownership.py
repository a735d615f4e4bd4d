"""One publisher per command topic: the second one refuses to start, a foreign one is an error."""

from __future__ import annotations

import time

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile

from gpc_ros.common.errors import ConfigError

# How long a fresh publisher with a larger address has to leave [s].
_YIELD_TIME = 1.0


class ExclusivePublisher:
    """A publisher that is to be the only one of its topic.

    Middleware needs a while to find the other processes, so the check takes ``discovery`` seconds;
    :attr:`settled` is False until then, and nothing should be published before. When two start at
    the same time, each sees the other: the one with the larger address gives way.
    """

    def __init__(
        self, node: Node, message: type, topic: str, qos: QoSProfile, discovery: float
    ) -> None:
        """Create the publisher and begin to look for others.

        Args:
            node: the owner.
            message: type of the messages.
            topic: relative name.
            qos: quality of service.
            discovery: how long to look for others before the first message [s].

        Raises:
            ConfigError: another publisher is known already.
        """
        self._node = node
        self._topic = node.resolve_topic_name(topic)
        self._end = time.monotonic() + discovery
        before = set(self._publishers())
        self.publisher: Publisher = node.create_publisher(message, topic, qos)
        mine = set(self._publishers()) - before
        self._mine = next(iter(mine)) if len(mine) == 1 else b""
        self.settled = False
        self.foreign: list[str] = []

    def check(self) -> None:
        """Look for other publishers; call it a few times a second.

        Raises:
            ConfigError: another one was found before this one settled, and this one gives way.
        """
        others = {gid: name for gid, name in self._publishers().items() if gid != self._mine}
        self.foreign = sorted(others.values())
        if self.settled:
            return
        now = time.monotonic()
        # A settled one stays whatever its address; a fresh one with a larger address leaves soon.
        if others and (now >= self._end + _YIELD_TIME or min(others) < self._mine):
            raise ConfigError(
                f"node {self._node.get_name()}: {', '.join(self.foreign)} already publishes "
                f"{self._topic}; stop that one, or give this graph another namespace:= or "
                "ROS_DOMAIN_ID"
            )
        self.settled = now >= self._end and not others

    def _publishers(self) -> dict[bytes, str]:
        found = {}
        for info in self._node.get_publishers_info_by_topic(self._topic):
            namespace = info.node_namespace.rstrip("/")
            found[bytes(info.endpoint_gid)] = f"{namespace}/{info.node_name}"
        return found
