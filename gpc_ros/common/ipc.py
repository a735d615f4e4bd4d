"""Message passing between a process and its child over a SOCK_SEQPACKET socket pair.

The socket pair needs no locks and preserves message boundaries. The kernel closes the endpoint of
a process that ends for any reason, so the peer always detects it.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

# Longest message [bytes]; about 30 short messages fit into the queue of a stalled reader.
LONGEST = 1 << 16


class PeerClosed(Exception):
    """The other process has ended."""


class Endpoint:
    """One endpoint of a socket pair."""

    def __init__(self, connection: socket.socket) -> None:
        """Take ownership of a connected socket."""
        connection.setblocking(False)
        self._socket = connection

    def fileno(self) -> int:
        """Return the file descriptor, for select or poll."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def send(self, data: bytes) -> bool:
        """Send without blocking; return False if the queue is full.

        Data for a closed peer is dropped.
        """
        try:
            self._socket.send(data)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def messages(self) -> Iterator[bytes]:
        """Yield every queued message without blocking.

        Raises:
            PeerClosed: the other process has ended; raised after its last message.
        """
        while True:
            try:
                data = self._socket.recv(LONGEST)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                raise PeerClosed
            yield data


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two connected sockets of a new pair."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
    return ends
