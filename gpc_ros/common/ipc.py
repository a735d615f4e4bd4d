"""Messages between a process and one that it starts, over a socket that keeps them whole.

A socket pair needs no locks, tells no half messages, and ends when either process does, however
that comes: the kernel closes the dead one's end.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

# Longest message [bytes]; some 30 short ones wait for who does not take them.
LONGEST = 1 << 16


class Gone(Exception):
    """The other process has ended."""


class End:
    """One end of a pair."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a socket."""
        connection.setblocking(False)
        self._socket = connection

    def fileno(self) -> int:
        """Return the descriptor, to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def put(self, data: bytes) -> bool:
        """Send without waiting; return False if there is no room. Who has gone hears nothing."""
        try:
            self._socket.send(data)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def messages(self) -> Iterator[bytes]:
        """Yield what waits; raise Gone at the end if the other process has ended."""
        while True:
            try:
                data = self._socket.recv(LONGEST)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                raise Gone
            yield data


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two connected ends of a fresh pair."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
    return ends
