"""The emergency stop as a person holds it: says ten times a second that it is there."""

from __future__ import annotations

import threading
import time

from rclpy.node import Node
from std_msgs.msg import Bool

from gpc_ros.ros import qos

TOPIC = "emergency_stop"
PERIOD = 0.1  # [s]


class Heartbeat:
    """Publishes the emergency stop from a thread of its own.

    Attributes:
        last: when it last said something [s], on the system's clock.
    """

    def __init__(self, node: Node, period: float = PERIOD) -> None:
        """Begin, released."""
        self._publisher = node.create_publisher(Bool, TOPIC, qos.report())
        self._pressed, self._silent = False, False
        self._over = threading.Event()
        self._period = period
        self.last = 0.0
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def press(self, pressed: bool = True) -> None:
        """Press or release it, and say so at once."""
        self._pressed = pressed
        self._say()

    def silence(self, silent: bool = True) -> None:
        """Stop or go on saying that it is there."""
        self._silent = silent

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._period):
            if not self._silent:
                self._say()

    def _say(self) -> None:
        self.last = time.time()
        self._publisher.publish(Bool(data=self._pressed))
