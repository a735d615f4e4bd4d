"""The parameters of the viewer, in a module that needs no viser: files and help read them."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from gpc_ros.common.config import param

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ViewConfig:
    """Parameters of the viewer."""

    host: str = param(
        LOOPBACK, "Address to listen on; on any but this one, everybody who reaches it can steer"
    )
    port: int = param(8080, "Port of the page; a taken one is an error", low=1, high=65535)
    rate: float = param(15.0, "Pictures per second", unit="Hz", low=1.0, high=60.0)
    paths: int = param(16, "Candidates that are drawn at most, the best ones", low=0, high=256)


def announcement(config: ViewConfig) -> str:
    """Return where the page is, and how to see it from another machine."""
    lines = [f"view: http://{config.host}:{config.port}"]
    if config.host == LOOPBACK:
        lines.append(
            f"view: from another machine: ssh -L {config.port}:{LOOPBACK}:{config.port} "
            f"{socket.gethostname()}, then open http://{LOOPBACK}:{config.port} there"
        )
    return "\n".join(lines)
