"""The emergency stops as inputs of the bridge: every publisher of the topic is one stop."""

from __future__ import annotations

import time
from typing import Protocol

from rclpy.node import Node
from std_msgs.msg import Bool

from gpc_ros.ros import qos
from gpc_ros.ros.endpoints import messages_carry_gids, publishers_of
from gpc_ros.ros.heartbeat import TOPIC
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.validator import MessageValidator
from gpc_ros.safety.emergency_stops import EmergencyStops
from gpc_ros.safety.supervisor_inputs import SupervisorConfig

_MAX_BYTES = 64  # of a Bool, with room for the header of the encoding


class StopReceiver(Protocol):
    """The part of the bridge's core that emergency stops act on."""

    def set_emergency_stop(self, pressed: bool, stop: str) -> None:
        """Take in a message of a stop."""
        ...

    def remove_stop(self, stop: str) -> None:
        """Drop a stop."""
        ...


class StopInputs:
    """Passes the messages of every emergency stop to the bridge's core, by name."""

    def __init__(
        self,
        node: Node,
        receiver: StopReceiver,
        validator: MessageValidator,
        config: SupervisorConfig,
    ) -> None:
        """Subscribe.

        Args:
            node: the bridge.
            receiver: its core.
            validator: counts rejected messages.
            config: with the heartbeat that stops must have.
        """
        self._config = config
        self._silent: set[str] = set()
        self._node, self._receiver = node, receiver
        self._topic = node.resolve_topic_name(TOPIC)
        self._stops = EmergencyStops()
        self._by_gid = messages_carry_gids()
        self._messages = PolledSubscription(
            node, Bool, TOPIC, qos.report(), max_bytes=_MAX_BYTES, on_reject=validator.reject
        )

    def step(self) -> None:
        """Take in every message; a stop that was pressed since the last cycle is pressed."""
        pressed: dict[bytes, bool] = {}
        for message, gid in self._messages.drain_received():
            pressed[gid] = pressed.get(gid, False) or bool(message.data)
        if not pressed:
            return
        now = time.monotonic()
        if self._by_gid and not all(self._stops.knows(gid) for gid in pressed):
            self.look()  # a stop is known by the name of its node from its first message on
        for gid, value in pressed.items():
            self._receiver.set_emergency_stop(value, self._stops.hear(gid, now))

    def look(self) -> None:
        """Look at the publishers in the graph; call it a few times a second."""
        if not self._by_gid:
            return
        added, replaced = self._stops.observe(
            publishers_of(self._node, self._topic), time.monotonic()
        )
        for label in replaced:
            self._receiver.remove_stop(label)
        if self._config.heartbeat:
            for label in added:
                self._receiver.set_emergency_stop(False, label)  # its heartbeat is due from now on
        else:
            self._press_silent_ones()

    def _press_silent_ones(self) -> None:
        """Press each stop that had a heartbeat and lost it, unless the supervisor does."""
        limit = self._config.heartbeat_age
        silent = {
            f"{label}, without heartbeat" for label in self._stops.silent(time.monotonic(), limit)
        }
        for label in self._silent - silent:
            self._receiver.remove_stop(label)
        for label in silent:
            self._receiver.set_emergency_stop(True, label)
        self._silent = silent

    def prepare_reset(self) -> None:
        """Drop single presses from a command line that has ended; a person resets the robot."""
        self.look()
        for label in self._stops.forget_single_presses():
            self._receiver.remove_stop(label)
