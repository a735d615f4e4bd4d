"""Shared files are found in a checkout, an installation prefix and a ROS workspace."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gpc_ros.common import paths
from gpc_ros.common.errors import GpcError, ModelFileError
from gpc_ros.robot.model import Gains, robot_spec


def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the package appear installed below a prefix, outside its checkout."""
    prefix = tmp_path / "prefix"
    module = prefix / "lib" / "python3.11" / "site-packages" / "gpc_ros" / "common" / "paths.py"
    module.parent.mkdir(parents=True)
    module.touch()
    monkeypatch.setattr(paths, "__file__", str(module))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "empty"))
    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    return prefix


def _share(prefix: Path) -> Path:
    folder = prefix / "share" / "gpc_ros" / "models"
    folder.mkdir(parents=True)
    (folder / "a.xml").touch()
    return folder / "a.xml"


def test_checkout_comes_first() -> None:
    assert (paths.share() / "gpc_ros" / "common" / "paths.py").is_file()
    assert paths.share("models", "go2", "go2.xml").is_file()


def test_prefix_of_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _share(_installed(tmp_path, monkeypatch))
    assert paths.share("models", "a.xml") == expected


def test_sourced_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(tmp_path, monkeypatch)
    expected = _share(tmp_path / "workspace")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path / 'other'}:{tmp_path / 'workspace'}")
    assert paths.share("models", "a.xml") == expected


def test_missing_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GpcError, match=r"models/nothing\.xml is missing \(looked in"):
        paths.share("models", "nothing.xml")
    _installed(tmp_path, monkeypatch)
    with pytest.raises(ModelFileError, match=r"go2\.xml is missing .*reinstall gpc_ros"):
        robot_spec("plant", Gains.uniform(60.0, 2.0))
