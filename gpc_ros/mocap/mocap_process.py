"""Reader process of a motion capture system, based on libmotioncapture.

Started by ``mocap_client.py``; it sends every frame as one message over a socket. The library holds
the GIL while it connects, for as long as the system does not answer: inside the node it would block
everything, even Ctrl-C.
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
    """Return the connection settings of the library.

    Args:
        system: name of the system in the library, such as vicon.
        host: its address, with ':port' if not the default.
        interface: address of this machine for multicast; empty for any.
    """
    # Vicon and VRPN take the port from the address; the others have a separate setting.
    port = {"optitrack": "port_command", "qualisys": "port"}.get(system)
    address, colon, number = host.partition(":")
    found = {"hostname": address, port: number} if port and colon else {"hostname": host}
    return {**found, "interface_ip": interface} if interface else found


def frame_bodies(frame: Any) -> list[tuple[str, list[float], list[float]]]:
    """Return name, position (3) [m] and orientation (4) wxyz of each visible body.

    Args:
        frame: client object of the library after a frame.
    """
    found = []
    for name, body in frame.rigidBodies.items():
        q = body.rotation
        found.append((name, [float(v) for v in body.position], [q.w, q.x, q.y, q.z]))
    return found


def main(words: list[str]) -> int:
    """Run the process.

    Args:
        words: descriptor of the socket; system, host, interface and the id of the client as JSON.
    """
    # Killing is safe here, and a wait inside the library cannot be ended otherwise.
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    link = Endpoint(socket.socket(fileno=int(words[0])))
    system, host, interface, parent = json.loads(words[1])
    if os.getppid() != parent:  # the parent ended before the prctl call
        return 1
    try:
        import motioncapture

        connection = motioncapture.connect(system, options(system, host, interface))
        while True:
            connection.waitForNextFrame()
            frame = {"arrival": time.time(), "bodies": frame_bodies(connection)}
            link.send(json.dumps(frame).encode())  # a stalled node misses frames
    except (ImportError, RuntimeError, ValueError) as error:  # exceptions of the library
        link.send(json.dumps({"trouble": str(error) or type(error).__name__}).encode())
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
