"""``gpc security init``: keys where ROS supports them, a reason where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpc_ros.cli.main import main

FAKE = """#!/bin/sh
echo "$@" >> "$CALLS"
[ "$2" = create_keystore ] && mkdir -p "$3"
[ "$FAILS" = "$2" ] && { echo "no openssl" >&2; exit 1; }
exit 0
"""


@pytest.fixture
def ros2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a recording ``ros2`` first on the path; return the file of its calls."""
    program = tmp_path / "bin" / "ros2"
    program.parent.mkdir()
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setattr("gpc_ros.graph.reach.has_security", lambda: True)
    return tmp_path / "calls"


def test_it_makes_keys_and_prints_what_uses_them(
    ros2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "keys"
    assert main(["security", "init", str(folder)]) == 0
    assert ros2.read_text().splitlines() == [
        f"security create_keystore {folder}",
        f"security create_enclave {folder} /gpc",
        f"security create_enclave {folder} /gpc/operator",
    ]
    printed = capsys.readouterr().out
    assert f"ROS_SECURITY_KEYSTORE={folder}" in printed and "STRATEGY=Enforce" in printed
    assert folder.stat().st_mode & 0o077 == 0


def test_keys_are_never_overwritten(
    ros2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["security", "init", str(tmp_path)]) == 2
    assert "exists" in capsys.readouterr().err and not ros2.exists()


def test_a_failure_of_sros2_is_told(
    ros2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAILS", "create_enclave")
    assert main(["security", "init", str(tmp_path / "keys")]) == 2
    assert "create_enclave: no openssl" in capsys.readouterr().err


def test_without_support_it_refuses_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gpc_ros.graph.reach.has_security", lambda: False)
    assert main(["security", "init", str(tmp_path / "keys")]) == 2
    assert "built without security" in capsys.readouterr().err
    assert not (tmp_path / "keys").exists()
