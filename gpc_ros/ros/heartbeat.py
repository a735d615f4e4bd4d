"""An emergency stop for a person: publishes its state as a heartbeat at 10 Hz."""

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
        last: time of the last message [s], system clock.
    """

    def __init__(self, node: Node, period: float = PERIOD) -> None:
        """Start the heartbeat, released."""
        self._publisher = node.create_publisher(Bool, TOPIC, qos.report())
        self._pressed, self._silent = False, False
        self._over = threading.Event()
        self._period = period
        self.last = 0.0
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def press(self, pressed: bool = True) -> None:
        """Press or release the stop and publish it at once."""
        self._pressed = pressed
        self._publish()

    def silence(self, silent: bool = True) -> None:
        """Interrupt or resume the heartbeat."""
        self._silent = silent

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._period):
            if not self._silent:
                self._publish()

    def _publish(self) -> None:
        self.last = time.time()
        self._publisher.publish(Bool(data=self._pressed))
