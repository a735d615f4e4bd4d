"""The node's side of a motion capture system: frames as they come, and a process that is alive."""

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

# A system that says nothing for this long is connected to anew: a request may have been lost, or
# it was started again and has given its bodies other numbers [s].
PATIENCE = 10.0
_AGAIN = 1.0  # pause before that [s]


class Seen(NamedTuple):
    """A body in a frame: position (3) [m], orientation (4) wxyz, in the system's axes; unchecked.

    ``arrival`` is when the frame came, by this machine's clock [s].
    """

    name: str
    arrival: float
    position: list[float]
    orientation: list[float]


class MocapClient:
    """A motion capture system on the network.

    Args:
        system: optitrack, qualisys, vicon or vrpn.
        host: its address, with ':port' where it is not the usual one.
        interface: address of this machine on its network, for OptiTrack's multicast; empty for any.
        patience: a silence of so long is a lost connection [s].

    Attributes:
        trouble: what keeps it from seeing anything, in plain words; empty while frames come.

    Raises:
        ConfigError: no address, or the library is not installed.
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
        self._told = json.dumps([system, host, interface, os.getpid()])
        self._where = f"{system} at {host}"
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._again = 0.0
        self.trouble = ""
        self._connect()

    @property
    def pid(self) -> int | None:
        """Id of the process that reads the system, while there is one."""
        return None if self._process is None else self._process.pid

    def drain(self) -> list[Seen]:
        """Return what was seen in the frames since the last call, oldest first."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._again:
                self._connect()
            return []
        seen: list[Seen] = []
        try:
            for data in self._link.messages():
                told = json.loads(data)
                if "trouble" in told:
                    self.trouble = f"{self._where}: {told['trouble']}"
                else:
                    self.trouble, self._heard = "", now
                    seen += [Seen(name, told["arrival"], p, q) for name, p, q in told["bodies"]]
        except PeerClosed:
            self._lose(self.trouble)
        else:
            if now - self._heard > self._patience:
                self._lose(f"{self._where} says nothing; is it streaming?")
        return seen

    def close(self) -> None:
        """Endpoint the process."""
        self._end()

    def _connect(self) -> None:
        mine, its = pair()
        self._link, self._heard = Endpoint(mine), time.monotonic()
        self.trouble = f"no frame from {self._where} yet"
        # In a session of its own, so that Ctrl-C in a terminal reaches the node alone.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gpc_ros.mocap.mocap_process", str(its.fileno()), self._told],
            pass_fds=(its.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the library talks about what it ignores
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
