"""The client of a motion capture system: it runs the reader process and delivers frames."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from typing import NamedTuple

from gpc_ros.common.errors import ConfigError
from gpc_ros.common.ipc import Endpoint, PeerClosed, pair

# A silent system is reconnected after this time: a request may be lost, or the system restarted and
# assigned other ids to its bodies [s].
PATIENCE = 10.0
_AGAIN = 1.0  # pause before a reconnection [s]


class Seen(NamedTuple):
    """A body in a frame: position (3) [m], orientation (4) wxyz, axes of the system, unvalidated.

    ``arrival`` is the time of reception on the clock of this machine [s].
    """

    name: str
    arrival: float
    position: list[float]
    orientation: list[float]


class MocapClient:
    """A motion capture system on the network.

    Args:
        system: optitrack, qualisys, vicon or vrpn.
        host: its address, with ':port' if not the default.
        interface: address of this machine for the multicast of OptiTrack; empty for any.
        patience: silence after which the connection counts as lost [s].

    Attributes:
        trouble: reason for missing frames; empty while frames arrive.

    Raises:
        ConfigError: the address or the library is missing.
    """

    def __init__(
        self, system: str, host: str, interface: str = "", patience: float = PATIENCE
    ) -> None:
        """Begin to connect."""
        if not host:
            raise ConfigError(
                f"mocap host: driver '{system}' reaches the system itself and needs its address"
            )
        if importlib.util.find_spec("motioncapture") is None:
            raise ConfigError(
                f"mocap driver '{system}' needs the package motioncapture: `make hardware`, or "
                "pip install 'gpc_ros[hardware]'"
            )
        self._message = json.dumps([system, host, interface, os.getpid()])
        self._where = f"{system} at {host}"
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._again = 0.0
        self.trouble = ""
        self._connect()

    @property
    def pid(self) -> int | None:
        """Return the id of the reader process, None if it is not running."""
        return None if self._process is None else self._process.pid

    def drain(self) -> list[Seen]:
        """Return the bodies of all frames since the last call, oldest first."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._again:
                self._connect()
            return []
        seen: list[Seen] = []
        try:
            for data in self._link.messages():
                message = json.loads(data)
                if "trouble" in message:
                    self.trouble = f"{self._where}: {message['trouble']}"
                else:
                    self.trouble, self._heard = "", now
                    seen += [
                        Seen(name, message["arrival"], p, q) for name, p, q in message["bodies"]
                    ]
        except PeerClosed:
            self._lose(self.trouble)
        else:
            if now - self._heard > self._patience:
                self._lose(f"{self._where} is silent; is it streaming?")
        return seen

    def close(self) -> None:
        """Stop the reader process."""
        self._end()

    def _connect(self) -> None:
        mine, its = pair()
        self._link, self._heard = Endpoint(mine), time.monotonic()
        self.trouble = f"no frame from {self._where} yet"
        # In a separate session, so that Ctrl-C in a terminal reaches only the node.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gpc_ros.mocap.mocap_process", str(its.fileno()), self._message],
            pass_fds=(its.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the library prints ignored packets
            start_new_session=True,
        )
        its.close()

    def _lose(self, trouble: str) -> None:
        self.trouble = trouble or f"the connection to {self._where} has ended"
        self._end()
        self._again = time.monotonic() + _AGAIN

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._link.close()
