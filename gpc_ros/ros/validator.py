"""Validation of incoming messages: a bad message is rejected, counted and logged once a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from rclpy.node import Node

from gpc_ros.common.errors import InputError

M = TypeVar("M")
R = TypeVar("R")


class MessageValidator:
    """Converts incoming messages and counts the rejected ones.

    Attributes:
        rejected: number of rejected messages by topic.
        last: reason of the last rejection; empty before the first.
    """

    def __init__(self, node: Node) -> None:
        """Count for one node."""
        self._node = node
        self.rejected: Counter[str] = Counter()
        self.last = ""

    def validate(self, topic: str, convert: Callable[[M], R], message: M) -> R | None:
        """Return the converted message, or None if it is rejected.

        Args:
            topic: topic of the message, for the count.
            convert: raises InputError for a wrong length or a value that is not finite.
            message: the received message.
        """
        try:
            return convert(message)
        except InputError as error:
            self.reject(topic, str(error))
            return None

    def reject(self, topic: str, reason: str) -> None:
        """Count a rejected message and log the reason."""
        self.rejected[topic] += 1
        self.last = f"{topic}: {reason}"
        self._node.get_logger().warning(
            f"rejected a message on {self.last}", throttle_duration_sec=1.0
        )

    def figures(self) -> dict[str, int]:
        """Return the counts, for diagnostics."""
        return {f"rejected {topic}": count for topic, count in sorted(self.rejected.items())}
