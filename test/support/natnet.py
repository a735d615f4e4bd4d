"""An emulated OptiTrack server: NatNet 3.0 over unicast UDP on this machine.

Packet layout from NaturalPoint's NatNet SDK: id, payload length, payload.
"""

from __future__ import annotations

import socket
import struct
import threading

_CONNECT, _SERVER_INFO, _REQUEST_MODELS, _MODELS, _FRAME = 0, 1, 4, 5, 7
_PERIOD = 0.01  # [s]


def free_port() -> int:
    """Return a free UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


class OptiTrack:
    """A server that answers commands and streams poses until it is closed.

    Args:
        numbers: streaming ids of the bodies, by name.
        port: command port.
        data: destination port of the stream.

    Attributes:
        poses: position and orientation xyzw of the visible bodies, by name.
    """

    def __init__(self, numbers: dict[str, int], port: int, data: int) -> None:
        """Start answering and streaming."""
        self.numbers = numbers
        self.poses: dict[str, tuple[float, ...]] = {}
        self._data = data
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self._socket.settimeout(_PERIOD)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        """Fall silent."""
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        frame = 0
        while not self._ended.is_set():
            try:
                request, who = self._socket.recvfrom(1024)
            except TimeoutError:
                frame += 1
                self._socket.sendto(self._frame(frame), ("127.0.0.1", self._data))
                continue
            kind = struct.unpack_from("<H", request)[0]
            if kind in (_CONNECT, _REQUEST_MODELS):
                self._socket.sendto(self._server() if kind == _CONNECT else self._models(), who)

    def _server(self) -> bytes:
        unicast = b"\x00"
        return _packet(
            _SERVER_INFO,
            struct.pack("<256s4B4BQH", b"Motive", 2, 1, 0, 0, 3, 0, 0, 0, 10_000_000, self._data)
            + unicast + bytes(4),
        )  # fmt: skip

    def _models(self) -> bytes:
        body = struct.pack("<i", len(self.numbers))
        for name, number in self.numbers.items():
            rigid_body, parent, markers = 1, -1, 0
            body += struct.pack("<i", rigid_body) + name.encode() + b"\x00"
            body += struct.pack("<ii3fi", number, parent, 0.0, 0.0, 0.0, markers)
        return _packet(_MODELS, body)

    def _frame(self, number: int) -> bytes:
        body = struct.pack("<iiii", number, 0, 0, len(self.numbers))
        for name, own in self.numbers.items():
            seen = name in self.poses
            pose = self.poses.get(name, (0.0,) * 7)
            # Camera noise: two frames are never identical.
            pose = (pose[0] + 1e-5 * (number % 7), *pose[1:])
            body += struct.pack("<i7ffh", own, *pose, 0.0, int(seen))
        skeletons, markers, plates, devices = 0, 0, 0, 0
        body += struct.pack("<4i", skeletons, markers, plates, devices)
        body += struct.pack("<IIdQQQhi", 0, 0, number * _PERIOD, 0, 0, 0, 0, 0)
        return _packet(_FRAME, body)


def _packet(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body
