"""Encode the messages between bridge and driver process; see ``gpc_ros/common/ipc.py``."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gpc_ros.common.ipc import Endpoint, PeerClosed
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.unitree.codec import reading_from_low_state
from gpc_ros.unitree.low_level_driver import Received
from gpc_ros.unitree.low_level_messages import LOW_STATE

_READING, _STATUS, _COMMAND, _END = b"R", b"S", b"C", b"E"
_HEAD = struct.Struct("<xdH")  # the kind is before it; stamp [s], lost motors as bits
_ORDER = struct.Struct("<cI")  # kind, tick of the reading that is answered [ms]


@dataclass(frozen=True)
class Status:
    """How the driver's process is doing.

    Attributes:
        sentence: in plain words; empty when all is well.
        other_sender: whether another sender of LowCmds was seen.
        counters: by name; ``cpu`` is the processor time that it has taken [ms].
    """

    sentence: str = ""
    other_sender: bool = False
    counters: dict[str, int] = field(default_factory=dict)


class BridgeEndpoint(Endpoint):
    """The bridge's end."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a socket."""
        super().__init__(connection)
        self.status = Status("the driver's process is starting")

    def send_command(self, command: JointCommand, tick: int = 0) -> None:
        """Send a command; if the driver does not take its mail it is dropped.

        Args:
            command: for the motors.
            tick: of the reading that it answers [ms].
        """
        rows = (command.position, command.velocity, command.effort, command.kp, command.kd)
        self.send(_ORDER.pack(_COMMAND, tick % 2**32) + np.concatenate(rows).tobytes())

    def end(self) -> None:
        """Ask the driver to damp the robot and to end."""
        self.send(_END)

    def receive(self) -> RobotReading | None:
        """Return the newest reading that came, or None; keeps the newest status.

        Raises:
            PeerClosed: the driver's process has ended.
        """
        newest = None
        for data in self.messages():
            if data[:1] == _READING:
                newest = data
            elif data[:1] == _STATUS:
                self.status = Status(**json.loads(data[1:]))
        if newest is None:
            return None
        stamp, bits = _HEAD.unpack_from(newest)
        record = np.frombuffer(newest, LOW_STATE, 1, _HEAD.size)[0]
        return reading_from_low_state(record, stamp, _mask(bits))


class DriverEndpoint(Endpoint):
    """The driver's end."""

    def deliver(self, received: Received) -> None:
        """Send a reading."""
        bits = sum(1 << int(i) for i in np.flatnonzero(received.lost))
        head = bytearray(_HEAD.pack(received.stamp, bits))
        head[:1] = _READING
        self.send(bytes(head) + received.record.tobytes())

    def report(self, status: Status) -> None:
        """Send a status."""
        self.send(_STATUS + json.dumps(vars(status)).encode())

    def receive(self) -> tuple[JointCommand, int] | None:
        """Return the newest command that came and the tick that it answers [ms], or None.

        Raises:
            PeerClosed: the bridge has ended, or wants this process to.
        """
        newest = None
        for data in self.messages():
            if data[:1] == _END:
                raise PeerClosed
            newest = data
        if newest is None:
            return None
        _, tick = _ORDER.unpack_from(newest)
        rows = np.frombuffer(newest, np.float64, offset=_ORDER.size).reshape(5, 12)
        return JointCommand(*rows), tick


def _mask(bits: int) -> NDArray[np.bool_]:
    return np.array([bool(bits >> i & 1) for i in range(12)])
