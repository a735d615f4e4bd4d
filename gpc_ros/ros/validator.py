"""What happens to a bad message: it is dropped, counted, and named once a second at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from rclpy.node import Node

from gpc_ros.common.errors import InputError

M = TypeVar("M")
R = TypeVar("R")


class Intake:
    """Turns messages into records and keeps count of those that are none.

    Attributes:
        dropped: number of dropped messages by topic.
        last: what was wrong with the last one; empty if none was dropped.
    """

    def __init__(self, node: Node) -> None:
        """Count for one node."""
        self._node = node
        self.dropped: Counter[str] = Counter()
        self.last = ""

    def accept(self, topic: str, convert: Callable[[M], R], message: M) -> R | None:
        """Return the converted message, or None if it is bad.

        Args:
            topic: where it came from, for the count.
            convert: raises InputError for a wrong length or a value that is not finite.
            message: what came.
        """
        try:
            return convert(message)
        except InputError as error:
            self.drop(topic, str(error))
            return None

    def drop(self, topic: str, reason: str) -> None:
        """Count and name a message that was refused."""
        self.dropped[topic] += 1
        self.last = f"{topic}: {reason}"
        self._node.get_logger().warning(
            f"dropped a message on {self.last}", throttle_duration_sec=1.0
        )

    def figures(self) -> dict[str, int]:
        """Return the counts as figures for diagnostics."""
        return {f"dropped {topic}": count for topic, count in sorted(self.dropped.items())}
