"""What bridge and driver process say to each other, over a socket that keeps messages whole.

A socket pair needs no locks, tells no half messages, and ends when either process does, however
that comes: the kernel closes the dead one's end.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.unitree.codec import state_from
from gpc_ros.unitree.driver import Received
from gpc_ros.unitree.frames import LOW_STATE

_READING, _STATUS, _COMMAND, _END = b"R", b"S", b"C", b"E"
_HEAD = struct.Struct("<xdH")  # the kind is before it; stamp [s], lost motors as bits
_ORDER = struct.Struct("<cI")  # kind, tick of the reading that is answered [ms]
_SIZE = 8192


@dataclass(frozen=True)
class Status:
    """How the driver's process is doing.

    Attributes:
        sentence: in plain words; empty when all is well.
        foreign: whether somebody else commands the robot.
        counters: by name; ``cpu`` is the processor time that it has taken [ms].
    """

    sentence: str = ""
    foreign: bool = False
    counters: dict[str, int] = field(default_factory=dict)


class Gone(Exception):
    """The other process has ended."""


class _End:
    """One end of the pair."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection

    def fileno(self) -> int:
        """Return the descriptor, to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _send(self, data: bytes) -> bool:
        """Send without waiting; return False if there is no room. Who has gone hears nothing."""
        try:
            self._socket.send(data)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def _messages(self) -> Iterator[bytes]:
        """Yield what waits; raise Gone at the end if the other process has ended."""
        while True:
            try:
                data = self._socket.recv(_SIZE)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                raise Gone
            yield data


class BridgeEnd(_End):
    """The bridge's end."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a socket."""
        super().__init__(connection)
        self.status = Status("the driver's process is starting")

    def send(self, command: JointCommand, tick: int = 0) -> None:
        """Send a command; if the driver does not take its mail it is dropped.

        Args:
            command: for the motors.
            tick: of the reading that it answers [ms].
        """
        rows = (command.position, command.velocity, command.effort, command.kp, command.kd)
        self._send(_ORDER.pack(_COMMAND, tick % 2**32) + np.concatenate(rows).tobytes())

    def end(self) -> None:
        """Ask the driver to damp the robot and to end."""
        self._send(_END)

    def receive(self) -> RobotReading | None:
        """Return the newest reading that came, or None; keeps the newest status.

        Raises:
            Gone: the driver's process has ended.
        """
        newest = None
        for data in self._messages():
            if data[:1] == _READING:
                newest = data
            elif data[:1] == _STATUS:
                self.status = Status(**json.loads(data[1:]))
        if newest is None:
            return None
        stamp, bits = _HEAD.unpack_from(newest)
        record = np.frombuffer(newest, LOW_STATE, 1, _HEAD.size)[0]
        return state_from(record, stamp, _mask(bits))


class DriverEnd(_End):
    """The driver's end."""

    def deliver(self, received: Received) -> None:
        """Send a reading."""
        bits = sum(1 << int(i) for i in np.flatnonzero(received.lost))
        head = bytearray(_HEAD.pack(received.stamp, bits))
        head[:1] = _READING
        self._send(bytes(head) + received.record.tobytes())

    def report(self, status: Status) -> None:
        """Send a status."""
        self._send(_STATUS + json.dumps(vars(status)).encode())

    def receive(self) -> tuple[JointCommand, int] | None:
        """Return the newest command that came and the tick that it answers [ms], or None.

        Raises:
            Gone: the bridge has ended, or wants this process to.
        """
        newest = None
        for data in self._messages():
            if data[:1] == _END:
                raise Gone
            newest = data
        if newest is None:
            return None
        _, tick = _ORDER.unpack_from(newest)
        rows = np.frombuffer(newest, np.float64, offset=_ORDER.size).reshape(5, 12)
        return JointCommand(*rows), tick


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two connected ends of a fresh link: the bridge's and the driver's."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)  # some 30 messages
    return ends


def _mask(bits: int) -> NDArray[np.bool_]:
    return np.array([bool(bits >> i & 1) for i in range(12)])
