"""``gpc view``: bad arguments are refused before anything is served."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gpc_ros.cli.main import main
from gpc_ros.common.errors import GpcError
from gpc_ros.settings.viewer_settings import ViewConfig, announcement
from gpc_ros.view.server import check_free


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["gone"], "gone: does not exist"),
        (["a", "b"], "one bag at a time, not 2: a, b"),
        (["prot:=8090"], "did you mean 'port'"),
        (["a", "port:=high"], "expected int, got 'high'"),
        (["a", "port:=70000"], r"outside [1, 65535]"),
        (["a", "task:=navigate"], "task:= is for a running graph; the bag contains it"),
        (["task:=navigte"], "did you mean 'navigate'"),
    ],
)
def test_bad_words_are_refused(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", *words]) == 2
    assert hint in capsys.readouterr().err


def test_a_taken_port_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(GpcError, match=f"cannot listen on 127.0.0.1:{port}"):
            check_free("127.0.0.1", port)


def test_ssh_tunnel_is_announced_only_for_loopback() -> None:
    url = "http://127.0.0.1:8090/token/"
    text = announcement(ViewConfig(port=8090), url)
    assert url in text and "ssh -L 8090:127.0.0.1:8090 " in text
    assert "ssh" not in announcement(ViewConfig(host="0.0.0.0"), url)


def test_a_missing_library_names_the_installation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["view", str(tmp_path)]) == 2
    assert "pip install 'gpc_ros[view]'" in capsys.readouterr().err
