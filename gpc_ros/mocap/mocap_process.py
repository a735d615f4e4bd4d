"""Reads a motion capture system with libmotioncapture, in a process of its own.

Started by ``client.py``, to which it sends every frame as one message over a socket. The library
connects while it holds Python's lock, for as long as nobody answers: in the node's own process
nothing would run beside that, not even Ctrl-C.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
import time
from typing import Any

from gpc_ros.common.ipc import Endpoint

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def options(system: str, host: str, interface: str) -> dict[str, str]:
    """Return what the library wants to know to reach a system.

    Args:
        system: its name there, such as vicon.
        host: its address, with ':port' where it is not the usual one.
        interface: address of this machine on its network, for multicast; empty for any.
    """
    # Vicon and VRPN read the port from the address; the others have it apart.
    port = {"optitrack": "port_command", "qualisys": "port"}.get(system)
    address, colon, number = host.partition(":")
    found = {"hostname": address, port: number} if port and colon else {"hostname": host}
    return {**found, "interface_ip": interface} if interface else found


def frame_bodies(frame: Any) -> list[tuple[str, list[float], list[float]]]:
    """Return name, position (3) [m] and orientation (4) wxyz of each body that was seen.

    Args:
        frame: the library's object after a frame.
    """
    found = []
    for name, body in frame.rigidBodies.items():
        q = body.rotation
        found.append((name, [float(v) for v in body.position], [q.w, q.x, q.y, q.z]))
    return found


def main(words: list[str]) -> int:
    """Run the process.

    Args:
        words: descriptor of the socket; system, host, interface and the client's id as JSON.
    """
    # Nothing here has to be left in order, and a wait inside the library ends by no other means.
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    link = Endpoint(socket.socket(fileno=int(words[0])))
    system, host, interface, parent = json.loads(words[1])
    if os.getppid() != parent:  # it ended before the kernel was told
        return 1
    try:
        import motioncapture

        connection = motioncapture.connect(system, options(system, host, interface))
        while True:
            connection.waitForNextFrame()
            frame = {"arrival": time.time(), "bodies": frame_bodies(connection)}
            link.send(json.dumps(frame).encode())  # a node that stands still misses frames
    except (ImportError, RuntimeError, ValueError) as error:  # what the library raises
        link.send(json.dumps({"trouble": str(error) or type(error).__name__}).encode())
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
