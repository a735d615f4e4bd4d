"""An installed gpc_ros: all programs import, all shared files are found."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distribution

import pytest

from gpc_ros import __version__
from gpc_ros.common import paths
from gpc_ros.graph import graphs

PROGRAMS = (
    "gpc", "sim", "emulator", "mocap", "estimator", "planner", "bridge", "recorder", "monitor",
    "player", "view",
)  # fmt: skip
SCRIPTS = {e.name: e for e in distribution("gpc_ros").entry_points if e.group == "console_scripts"}


def test_all_programs_are_installed() -> None:
    assert set(SCRIPTS) == set(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_imports(name: str) -> None:
    assert callable(SCRIPTS[name].load())


def test_every_node_of_a_graph_is_a_program() -> None:
    started = {node.executable for g in graphs.GRAPHS.values() for node in g.nodes}
    assert started <= set(PROGRAMS)


def test_command_prints_its_version() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "gpc_ros.cli.main", "--version"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert run.stdout.strip() == f"gpc_ros {__version__}"


@pytest.mark.parametrize(
    "name", ["launch/sim.launch.py", "config/planner.yaml", "models/go2/go2.xml"]
)
def test_shared_files_are_found(name: str) -> None:
    assert (paths.share(*name.split("/"))).is_file()
