"""Record the messages between driver and robot on the domain of the SDK.

LowCmd and LowState appear as the topics ``joint_commands`` and ``robot_reading``, so that the
cases of the fault table also hold for a robot behind the SDK. Times are those of receipt in this
process.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from fault_injection.observer import Heard
from gpc_msgs.msg import JointCommand, RobotReading
from gpc_ros.ros.convert import robot_msgs
from gpc_ros.unitree import dds
from gpc_ros.unitree.codec import command_from_low_cmd, reading_from_low_state
from gpc_ros.unitree.low_level_messages import COMMAND, STATE

_SOURCE = "driver"


class _Command(Heard):
    """A LowCmd."""

    __slots__ = ("_number",)

    def __init__(self, sent: float, data: bytes, number: int) -> None:
        super().__init__(sent, data, JointCommand)
        self._number = number

    @property
    def message(self) -> Any:
        """The command in the form of the bridge's topic."""
        if self._message is None:
            record = COMMAND.decode(self._data)
            filled = JointCommand(source=_SOURCE)
            self._message = robot_msgs.command_to_msg(
                command_from_low_cmd(record), filled, self.sent, self._number
            )
        return self._message


class _State(Heard):
    """A LowState."""

    __slots__ = ()

    @property
    def message(self) -> Any:
        """The reading in the form of the simulation's topic."""
        if self._message is None:
            reading = reading_from_low_state(STATE.decode(self._data), self.sent)
            self._message = robot_msgs.reading_to_msg(reading, RobotReading())
        return self._message


class SdkTap:
    """Record the SDK's domain; only one instance per process."""

    def __init__(self, domain: int, interface: str = "lo") -> None:
        """Join the domain and subscribe."""
        dds.join(domain, interface)
        self._heard: deque[tuple[str, Heard]] = deque()
        self._number = 0
        self._subscribers = [
            dds.Subscriber(dds.LOW_COMMAND_TOPIC, self._take_command),
            dds.Subscriber(dds.LOW_STATE_TOPIC, self._take_state),
        ]

    def _take_command(self, data: bytes) -> None:
        self._number += 1
        self._heard.append(("joint_commands", _Command(time.time(), data, self._number)))

    def _take_state(self, data: bytes) -> None:
        self._heard.append(("robot_reading", _State(time.time(), data, RobotReading)))

    def close(self) -> None:
        """Hear nothing more."""
        for subscriber in self._subscribers:
            subscriber.close()

    def take(self) -> Iterator[tuple[str, Heard]]:
        """Yield the messages since the last call."""
        while self._heard:
            yield self._heard.popleft()
