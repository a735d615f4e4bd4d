"""The viewer's node subscribes to the graph only while a page is open."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from waiting import until

pytestmark = pytest.mark.integration

PATIENCE = 120.0
# Camera message of a page: after it the page counts as open.
CAMERA = {
    "type": "ViewerCameraMessage", "wxyz": (1.0, 0.0, 0.0, 0.0), "position": (0.0, 0.0, 3.0),
    "fov": 0.8, "near": 0.01, "far": 100.0, "image_height": 800, "image_width": 1280,
    "look_at": (0.0, 0.0, 0.0), "up_direction": (0.0, 0.0, 1.0),
}  # fmt: skip


def test_node_subscribes_only_while_a_page_is_open(
    probe: Any, start_node: Callable[..., Any]
) -> None:
    msgspec = pytest.importorskip("msgspec")
    client = pytest.importorskip("websockets.sync.client")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quick = ("rate:=10.0", "scheduling.nice:=0")
    view = start_node("view", "task:=navigate", f"port:={port}", *quick)
    until(lambda: "view: http" in view.output(), "the viewer's address", PATIENCE)
    until(lambda: probe.node.count_publishers("diagnostics") > 0, "the node is seen", PATIENCE)

    url = re.findall(r"view: (http\S+)", view.output())[0]

    def listeners() -> int:
        return int(probe.node.count_subscribers("scene_state"))

    assert listeners() == 0
    for _ in range(2):  # the page can be opened again
        with client.connect(
            url.replace("http:", "ws:").rstrip("/"),
            subprotocols=[f"viser-v{version('viser')}"],
            origin=f"http://127.0.0.1:{port}",
            max_size=None,
        ) as page:
            page.send(msgspec.msgpack.encode(CAMERA))
            until(lambda: listeners() == 1, "the node subscribes while a page is open", PATIENCE)
        until(lambda: listeners() == 0, "the node unsubscribes after the last page", PATIENCE)
