"""The publishers of a topic by their GID, as the middleware's graph shows them."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.node import Node
from rclpy.utilities import get_rmw_implementation_identifier

from gpc_ros.ros.serialized_take import GID_SIZE
from gpc_ros.safety.authority import CommandAuthority

_UNKNOWN_NODE = "_NODE_NAME_UNKNOWN_"
UNNAMED_NODE = "an unnamed node"


def publishers_of(node: Node, topic: str) -> dict[bytes, str]:
    """Return the publishers of a topic, GID to full node name.

    Args:
        node: that looks.
        topic: relative or absolute name.
    """
    found = {}
    for info in node.get_publishers_info_by_topic(node.resolve_topic_name(topic)):
        name = f"{info.node_namespace.rstrip('/')}/{info.node_name}"
        gid = bytes(info.endpoint_gid)[:GID_SIZE]
        found[gid] = UNNAMED_NODE if info.node_name == _UNKNOWN_NODE else name
    return found


def messages_carry_gids() -> bool:
    """Return whether a message's GID is the one that the graph shows for its publisher."""
    return bool(get_rmw_implementation_identifier().startswith("rmw_fastrtps"))


class TopicAuthority:
    """The authority over a node's topics, kept up to date from the middleware's graph.

    Attributes:
        lease: the publishers that each topic belongs to.
    """

    def __init__(
        self, node: Node, successors: dict[str, str], shared: tuple[str, ...] = ()
    ) -> None:
        """Look at the topics for the first time.

        Args:
            node: that receives them.
            successors: for each topic the name of the node, in this namespace, that may take it
                while the robot is armed and nobody holds it.
            shared: topics that may have several publishers.
        """
        self._node = node
        space = node.get_namespace().rstrip("/")
        names = {topic: f"{space}/{name}" for topic, name in successors.items()}
        self.lease = CommandAuthority(names, shared, messages_carry_gids())
        self.update()

    def update(self) -> None:
        """Look at the publishers of every topic."""
        now = time.monotonic()
        for topic in self.lease.topics:
            self.lease.observe(topic, publishers_of(self._node, topic), now)

    def gate(self, topic: str) -> Callable[[bytes], str]:
        """Return the check of a topic's messages for :class:`PolledSubscription`."""

        def admit(gid: bytes) -> str:
            reason = self.lease.admit(topic, gid, time.monotonic())
            if not reason or self.lease.knows(topic, gid):
                return reason
            # Its first message came before the last look at the graph.
            self.lease.observe(topic, publishers_of(self._node, topic), time.monotonic())
            return self.lease.admit(topic, gid, time.monotonic())

        return admit
