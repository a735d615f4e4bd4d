"""The whole graph as started by a user: it succeeds, writes its folder, and ends cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.topics import COMMANDS, GOAL, PLAN, STATE, STATUS, SUPERVISOR, TRUTH
from gpc_ros.graph.launcher import end_with_parent

pytestmark = pytest.mark.integration

TIMEOUT = 300.0
# Small plans and generous age limits, so that the result does not depend on load.
QUICK = (
    "task:=navigate",
    "goal:=0.5,0,0",
    "num_rollouts:=6",
    "horizon:=1.0",
    "rate:=10",
    "params:=bridge.supervisor.reading_age=1.0,bridge.supervisor.state_age=1.5,"
    "bridge.supervisor.max_loop_pause=0.5,"
    "planner.max_state_age=1.0,planner.plan_timeout=1.0,sim.watchdog_timeout=1.0",
)


def gpc_sim(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gpc_ros.cli.main", "sim", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=end_with_parent(os.getpid()),
    )


def leftovers() -> list[str]:
    """Return the running nodes in this test's domain."""
    mine = f"ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            if b"gpc_ros.nodes." in command and mine in (entry / "environ").read_bytes():
                found.append(command.decode())
        except OSError:
            continue
    return found


def test_successful_run_writes_bag_video_and_report(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = gpc_sim(*QUICK, "duration:=90", f"out:={folder}")
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, output
    assert "success after" in output
    assert "Traceback" not in output
    assert (folder / "report.html").stat().st_size > 10_000
    assert (folder / "episode.mp4").stat().st_size > 1_000
    reader = BagReader(folder / "bag")
    heard = {topic for topic, _, _ in reader.raw()}
    for topic in (STATE, TRUTH, PLAN, STATUS, SUPERVISOR, COMMANDS, GOAL):
        assert f"/{topic.name}" in heard
    assert leftovers() == []


def test_run_without_success_is_reported(tmp_path: Path) -> None:
    process = gpc_sim(*QUICK[:1], "goal:=3,0,0", "duration:=1", "record:=false", *QUICK[2:])
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1, output
    assert "FAILED" in output and "not reached within 1 s" in output


def test_namespace_applies_to_every_node_and_topic(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = gpc_sim(*QUICK, "namespace:=go2", "duration:=1", f"out:={folder}", "record:=true")
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode in (0, 1), output
    heard = {topic for topic, _, _ in BagReader(folder / "bag").raw()}
    assert {"/go2/scene_state", "/go2/plan", "/go2/tf"} <= heard


def test_ctrl_c_ends_everything_without_a_traceback(tmp_path: Path) -> None:
    process = gpc_sim(*QUICK, "record:=false")
    assert process.stdout is not None
    for line in process.stdout:
        if "standing up" in line:
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert "Traceback" not in output
    assert leftovers() == []


def test_misspelt_argument_starts_no_node() -> None:
    process = gpc_sim("task:=navigate", "num_rolouts:=4")
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    hint = "unknown argument 'num_rolouts'; did you mean 'num_rollouts'?"
    assert output.strip() == f"gpc: error: sim: {hint}"
