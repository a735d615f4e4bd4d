"""Access control of the viewer's server: token, Host, Origin and response headers.

The token is the first part of the page's path: ``http://HOST:PORT/TOKEN/``. The page derives the
address of its websocket from its own address, so the websocket carries the token too, and no
cookie is needed (browsers share cookies between all ports of a host).
"""

from __future__ import annotations

import base64
import hashlib
import http
import ipaddress
import re
import secrets
import socket
from collections.abc import Callable, Iterable

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

_REMEDY = "Open the complete address that gpc view prints; it contains the token of this run.\n"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_WILDCARDS = ("0.0.0.0", "::", "")
_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)
# Host with an optional port; an IPv6 address is in brackets.
_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::\d{1,5})?")

ProcessRequest = Callable[[object, Request], Response | None]


class AccessGuard:
    """Decides which requests reach the page and its websocket.

    A request passes if its path begins with the token, its Host names this machine and its Origin,
    if present, is the page's own. A websocket request must have an Origin. The Host check stops DNS
    rebinding; the Origin check stops pages of other sites and of other local ports.

    Attributes:
        token: the random first part of the path, 192 bits.
    """

    def __init__(self, host: str, page: str = "") -> None:
        """Draw a token.

        Args:
            host: address that the server listens on.
            page: HTML of the page, whose inline scripts are the only ones allowed to run.
        """
        self.token = secrets.token_urlsafe(24)
        self._host = host
        self._hashes = " ".join(_script_hashes(page))

    def protect(self, process_request: ProcessRequest) -> ProcessRequest:
        """Return a websockets ``process_request`` hook that checks access first."""

        def checked(connection: object, request: Request) -> Response | None:
            path = self._checked_path(request)
            if path is None:
                return _refusal()
            response = process_request(connection, Request(path, request.headers))
            if response is not None:
                response.headers.update(self.headers(request.headers["Host"]))
            return response

        return checked

    def headers(self, host: str) -> dict[str, str]:
        """Return the security headers of a response.

        Args:
            host: the validated Host of the request.
        """
        policy = {
            "default-src": "'none'",
            # viser's loader adds the page's module script, which strict-dynamic permits.
            "script-src": f"{self._hashes} 'strict-dynamic' 'wasm-unsafe-eval'",
            "style-src": "'unsafe-inline'",
            "img-src": "data: blob:",
            "font-src": "data:",
            "worker-src": "blob: data:",
            "connect-src": f"'self' ws://{host} data: blob:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        return {
            "Content-Security-Policy": "; ".join(f"{k} {v}" for k, v in policy.items()),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cache-Control": "no-store",
        }

    def _checked_path(self, request: Request) -> str | None:
        """Return the request's path without the token; None if the request is refused."""
        hosts, origins = request.headers.get_all("Host"), request.headers.get_all("Origin")
        if len(hosts) != 1 or len(origins) > 1 or not self._is_this_machine(hosts[0]):
            return None
        upgrade = bool(request.headers.get_all("Upgrade"))
        if upgrade and not origins:
            return None
        if origins and origins[0].lower() != f"http://{hosts[0]}".lower():
            return None
        path, _, query = request.path.partition("?")
        _, token, *rest = path.split("/") if path.startswith("/") else ("", "")
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return None
        return "/" + "/".join(rest) + (f"?{query}" if query else "")

    def _is_this_machine(self, header: str) -> bool:
        """Return whether a Host header names an address at which this server may be reached."""
        match = _HOST.fullmatch(header)
        if match is None:
            return False
        name = (match["v6"] or match["name"]).lower()
        if name in _LOCAL_NAMES or name == self._host.lower():
            return True
        # When listening on all interfaces: DNS can rebind names, but not addresses.
        return self._host in _WILDCARDS and (
            _is_address(name) or name == socket.gethostname().lower()
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _script_hashes(page: str) -> Iterable[str]:
    """Yield the CSP sources of the inline scripts of a page."""
    # Browsers hash the text after the parser has normalised its line ends.
    for script in _SCRIPT.findall(page.replace("\r\n", "\n").replace("\r", "\n")):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        yield f"'sha256-{digest}'"


def _refusal() -> Response:
    body = _REMEDY.encode()
    headers = Headers(
        {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(body)),
            "Connection": "close",
            "Cache-Control": "no-store",
        }
    )
    return Response(http.HTTPStatus.FORBIDDEN.value, "Forbidden", headers, body)
