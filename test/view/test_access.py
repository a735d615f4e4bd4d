"""Access to the viewer: token, Host, Origin and message validation, with a real websocket."""

from __future__ import annotations

import contextlib
import http.client
import math
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import viser
from hypothesis import given
from hypothesis import strategies as st
from waiting import until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from zstandard import ZstdDecompressor

from gpc_ros.common.config import parameters
from gpc_ros.planning.planner import PlannerConfig
from gpc_ros.view.goal_marker import GoalControls
from gpc_ros.view.incoming import MAX_SIZE, is_valid
from gpc_ros.view.server import start_server
from gpc_ros.view.sliders import Sliders
from gpc_ros.view.timeline import TimeLine, TimeLineControls

PATIENCE = 60.0  # [s]
encode = msgspec.msgpack.encode
CAMERA = {
    "type": "ViewerCameraMessage", "wxyz": [1.0, 0.0, 0.0, 0.0], "position": [1.0, 1.0, 1.0],
    "fov": 0.8, "near": 0.1, "far": 100.0, "image_height": 100, "image_width": 100,
    "look_at": [0.0, 0.0, 0.0], "up_direction": [0.0, 0.0, 1.0],
}  # fmt: skip


MALFORMED: list[Any] = [math.nan, math.inf, -math.inf, None, {}, [[1.0]], b"1", "a" * 9999]
REJECTED = (
    "ShareUrlRequest", "ShareUrlDisconnect", "FileTransferStartUpload", "CommandTriggerMessage",
    "RunJavascriptMessage", "GetRenderResponseMessage",
)  # fmt: skip


class Panel:
    """A page with every control of the viewer, and a client that plays the browser."""

    def __init__(self, port: int) -> None:
        self.refused: list[tuple[str, str]] = []
        self.server, self.url = start_server("127.0.0.1", port, "test")
        self.port = port
        self.goal = GoalControls(self.server, self.refuse)
        live = [p for p in parameters(PlannerConfig()) if p.live]
        self.sliders = Sliders(self.server, "planner", live, self.refuse)
        self.line = TimeLine(0.0, 10.0)
        self.time = TimeLineControls(self.server, self.line)
        self.handles = self.server.gui._gui_input_handle_from_uuid

    def refuse(self, title: str, text: str) -> None:
        self.refused.append((title, text))

    def refused_at_least(self, number: int) -> bool:
        return len(self.refused) >= number

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return self.url.replace("http:", "ws:").rstrip("/")

    def connect(self, url: str = "", **options: Any) -> Any:
        options = {"origin": self.origin, **options}
        protocols: Any = [f"viser-v{viser.__version__}"]
        return connect(url or self.socket_url, subprotocols=protocols, max_size=None, **options)

    def controls(self, client: Any) -> dict[str, str]:
        """Return the identifiers of the controls by label, as the page receives them."""
        client.send(encode(CAMERA))
        found: dict[str, str] = {}
        while "set goal" not in found or "time [s]" not in found:
            raw = client.recv(timeout=PATIENCE)
            assert isinstance(raw, bytes)
            size = int.from_bytes(raw[8:16], "little")
            content = ZstdDecompressor().decompress(raw[16 : 16 + size], max_output_size=2**24)
            for message in msgspec.msgpack.decode(content)["messages"]:
                if "uuid" in message and "props" in message:
                    found[message["props"].get("label")] = message["uuid"]
        return found

    def value(self, uuid: str) -> Any:
        handle: Any = self.handles[uuid]
        return handle.value


@pytest.fixture
def panel(free_port: Callable[[], int]) -> Iterator[Panel]:
    made = Panel(free_port())
    yield made
    made.server.stop()


def handled(condition: Callable[[], bool]) -> None:
    """Wait until the server has handled a message."""
    until(condition, "the server has handled the message", PATIENCE)


def update(uuid: str, value: Any) -> bytes:
    return encode({"type": "GuiUpdateMessage", "uuid": uuid, "updates": {"value": value}})


def get(panel: Panel, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", panel.port, timeout=PATIENCE)
    try:
        connection.putrequest("GET", path, skip_host=True)
        for name, value in {"Host": f"127.0.0.1:{panel.port}", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.headers)
    finally:
        connection.close()


def test_page_needs_the_printed_address(panel: Panel) -> None:
    path = urlsplit(panel.url).path
    assert len(path) > 30
    status, text, _ = get(panel, path)
    assert status == 200 and "<!doctype html>" in text
    for wrong in (
        "/",
        "/index.html",
        path[:-2] + "/",
        path.upper(),
        f"/?token={path}",
        "//" + path,
    ):
        status, text, headers = get(panel, wrong)
        assert status == 403 and "address that gpc view prints" in text
        assert panel.url not in text + str(headers)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "127.0.0.1@evil", ""]
)
def test_foreign_host_is_refused(panel: Panel, host: str) -> None:
    status, _, _ = get(panel, urlsplit(panel.url).path, Host=host.format(port=panel.port))
    assert status in (400, 403)


def test_tunnel_to_another_port_is_the_same_machine(panel: Panel) -> None:
    path = urlsplit(panel.url).path
    assert get(panel, path, Host="localhost:9000")[0] == 200
    assert get(panel, path, Host="localhost:9000", Origin="http://localhost:9000")[0] == 200
    assert get(panel, path, Host="localhost:9000", Origin="http://localhost:9001")[0] == 403


def test_responses_forbid_foreign_scripts_and_frames(panel: Panel) -> None:
    _, _, headers = get(panel, urlsplit(panel.url).path)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    script = policy.partition("script-src ")[2].partition(";")[0]
    assert "'sha256-" in script and "unsafe-inline" not in script and "unsafe-eval'" in script
    assert " 'unsafe-eval'" not in script
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", None, "http://127.0.0.1:1", "https://127.0.0.1:{port}",
     "http://127.0.0.1", "http://localhost:{port}", "http://127.0.0.1:{port}.evil.example"],
)  # fmt: skip
def test_page_of_another_origin_cannot_connect(panel: Panel, origin: str | None) -> None:
    text: Any = None if origin is None else origin.format(port=panel.port)
    with pytest.raises(InvalidStatus, match="403"):
        panel.connect(origin=text)


@pytest.mark.parametrize("path", ["", "/", "/wrong", "/{token}x", "/?token={token}"])
def test_websocket_needs_the_token(panel: Panel, path: str) -> None:
    token = urlsplit(panel.url).path.strip("/")
    with pytest.raises(InvalidStatus, match="403"):
        panel.connect(f"ws://127.0.0.1:{panel.port}{path.format(token=token)}")


def test_websocket_of_a_rebound_name_is_refused(panel: Panel) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        panel.connect(
            f"ws://rebound.example:{panel.port}{urlsplit(panel.url).path}",
            sock=socket.create_connection(("127.0.0.1", panel.port)),
            origin=f"http://rebound.example:{panel.port}",
        )  # fmt: skip


def test_server_listens_on_loopback_only(panel: Panel) -> None:
    server = panel.server._websock_server
    assert server._host == "127.0.0.1"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    sockets = [line.split()[1] for line in lines]
    listening = [a for a in sockets if a.endswith(f":{panel.port:04X}")]
    assert listening and all(a.startswith("0100007F") for a in listening)


def test_goal_of_the_own_page_is_taken(panel: Panel) -> None:
    with panel.connect() as client:
        ids = panel.controls(client)
        client.send(update(ids["x [m]"], -1.0))
        client.send(update(ids["set goal"], True))
        taken: list[Any] = []

        def found() -> bool:
            goal = panel.goal.take()
            taken.extend([] if goal is None else [goal.tolist()])
            return bool(taken)

        handled(found)
        assert taken == [[-1.0, 0.0, 0.0]]


@pytest.mark.parametrize("value", [1e30, -1e30, 101.0, "nan", "inf", 1e308, "-1e5"])
def test_goal_out_of_range_is_refused(panel: Panel, value: Any) -> None:
    with panel.connect() as client:
        ids = panel.controls(client)
        client.send(update(ids["y [m]"], value))
        client.send(update(ids["set goal"], True))
        handled(lambda: bool(panel.refused))
        assert "y [m] is" in panel.refused[0][1]
        assert panel.goal.take() is None


@pytest.mark.parametrize("value", MALFORMED)
def test_malformed_value_never_reaches_a_control(panel: Panel, value: Any) -> None:
    with panel.connect() as client:
        ids = panel.controls(client)
        before = panel.value(ids["x [m]"])
        client.send(update(ids["x [m]"], value))
        client.send(update(ids["yaw [rad]"], 0.5))  # messages are handled in order
        handled(lambda: panel.value(ids["yaw [rad]"]) == 0.5)
        assert panel.value(ids["x [m]"]) == before


def test_parameter_out_of_its_range_is_refused(panel: Panel) -> None:
    with panel.connect() as client:
        ids = panel.controls(client)
        for number, value in enumerate((1e30, "nan"), start=1):
            client.send(update(ids["horizon"], value))
            handled(partial(panel.refused_at_least, number))
        assert panel.sliders.take() == {}
        handled(lambda: panel.value(ids["horizon"]) == PlannerConfig().horizon)


def test_time_line_ignores_forged_values(panel: Panel) -> None:
    with panel.connect() as client:
        ids = panel.controls(client)
        client.send(update(ids["speed"], "nanx"))
        client.send(update(ids["time [s]"], "nan"))
        client.send(update(ids["time [s]"], 4.0))
        handled(lambda: panel.line.position == 4.0)
        assert panel.line.speed == 1.0


def test_share_tunnel_and_uploads_are_rejected() -> None:
    assert is_valid(encode(CAMERA))
    for kind in REJECTED:
        assert not is_valid(encode({"type": kind}))
    assert not is_valid(encode({**CAMERA, "position": [math.nan, 0.0, 0.0]}))
    assert not is_valid(encode({**CAMERA, "position": [1e30, 0.0, 0.0]}))
    assert not is_valid(encode({**CAMERA, "padding": 0}))
    forged = {"type": "GuiUpdateMessage", "uuid": "u", "updates": {"value": 1, "content": "<b>"}}
    assert not is_valid(encode(forged))
    assert not is_valid("text") and not is_valid(b"") and not is_valid(b"\x93" * MAX_SIZE)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rejected(raw: bytes) -> None:
    assert not is_valid(raw)


def test_oversized_message_closes_the_connection(panel: Panel) -> None:
    with panel.connect() as client:
        with contextlib.suppress(OSError):
            client.send(b"\x00" * (MAX_SIZE + 1))
        with pytest.raises(Exception, match="1009"):
            while True:
                client.recv(timeout=PATIENCE)
