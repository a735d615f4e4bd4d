"""Parameters of the viewer, in a module without viser, for files and help."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from gpc_ros.common.config import param

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ViewConfig:
    """Parameters of the viewer."""

    host: str = param(
        LOOPBACK,
        "Address to listen on; the page needs the token in its address, which travels unencrypted",
    )
    port: int = param(8080, "Port of the page; a taken one is an error", low=1, high=65535)
    rate: float = param(15.0, "Pictures per second", unit="Hz", low=1.0, high=60.0)
    paths: int = param(16, "Maximum number of drawn candidates, best first", low=0, high=256)


def announcement(config: ViewConfig, url: str) -> str:
    """Return the lines that tell the user where the page is, also from another machine.

    Args:
        config: the address that is listened on.
        url: address of the page, with its token.
    """
    lines = [f"view: {url}"]
    if config.host == LOOPBACK:
        lines.append(
            f"view: from another machine: ssh -L {config.port}:{LOOPBACK}:{config.port} "
            f"{socket.gethostname()}, then open the same address there"
        )
    return "\n".join(lines)
