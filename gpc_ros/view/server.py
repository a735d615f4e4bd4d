"""Starts a viser server with access control and message validation."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import viser
import websockets.asyncio.server as websocket_server

from gpc_ros.common.errors import GpcError
from gpc_ros.view.access import AccessGuard
from gpc_ros.view.incoming import MAX_SIZE, is_valid

_starting = threading.Lock()


class ValidatedConnection(websocket_server.ServerConnection):
    """A connection that drops invalid messages."""

    async def recv(self, decode: bool | None = None) -> Any:
        """Return the next valid message."""
        while True:
            message = await super().recv(decode)
            if is_valid(message):
                return message


def start_server(host: str, port: int, title: str) -> tuple[viser.ViserServer, str]:
    """Start a server and return it with the address of its page, token included.

    Raises:
        GpcError: the address cannot be listened on, or viser did not install the access check.
    """
    check_free(host, port)
    page = files(viser).joinpath("client", "build", "index.html").read_text(encoding="utf-8")
    guard = AccessGuard(host, page)
    installed: list[bool] = []
    # viser prints its own banner, without the token.
    with _guarded(guard, installed), contextlib.redirect_stdout(io.StringIO()):
        server = viser.ViserServer(host, port, label=title, verbose=False)
    if not installed or server.get_port() != port:
        server.stop()
        raise GpcError(
            f"view: viser {viser.__version__} started without the access check, or on another "
            "port (is _VISER_PORT_OVERRIDE set?); install viser 1.1"
        )
    return server, f"http://{_url_host(host)}:{port}/{guard.token}/"


@contextlib.contextmanager
def _guarded(guard: AccessGuard, installed: list[bool]) -> Iterator[None]:
    """Add the access check to the websocket server that viser starts in this context.

    viser has no hook for it; its constructor returns only after the server is bound.
    """
    module: Any = websocket_server
    serve = module.serve

    def guarded_serve(*args: Any, **kwargs: Any) -> Any:
        kwargs["process_request"] = guard.protect(kwargs.get("process_request") or _no_response)
        kwargs["create_connection"] = ValidatedConnection
        kwargs["max_size"] = MAX_SIZE
        installed.append(True)
        return serve(*args, **kwargs)

    with _starting:
        module.serve = guarded_serve
        try:
            yield
        finally:
            module.serve = serve


def _no_response(_connection: object, _request: object) -> None:
    """Leave a request to the websocket handshake."""


def check_free(host: str, port: int) -> None:
    """Reject a used port; viser would silently take another, which ssh does not forward."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise GpcError(
                f"view: cannot listen on {host}:{port} ({error.strerror}); choose another port, "
                "or stop the program on it"
            ) from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _url_host(host: str) -> str:
    """Return a host as part of an address that this machine can open."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
