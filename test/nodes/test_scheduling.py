"""Cores and priority of a node's threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_msgs.msg import PlannerStatus, RobotReading
from gpc_ros.common.scheduling import available_cores, begin_aside, chosen_cores
from gpc_ros.ros import qos
from gpc_ros.settings.node_settings import SETTINGS


@given(st.sets(st.integers(0, 255), min_size=2))
def test_halves_are_disjoint_and_cover_every_core(available: set[int]) -> None:
    lower, upper = (chosen_cores(which, available) for which in ("lower", "upper"))
    assert lower | upper == available
    assert not lower & upper
    assert max(lower) < min(upper)
    assert 0 <= len(upper) - len(lower) <= 1
    assert chosen_cores("all", available) == available


@pytest.mark.parametrize("which", ["all", "lower", "upper"])
def test_a_single_core_is_shared(which: str) -> None:
    assert chosen_cores(which, {3}) == {3}


def test_control_nodes_share_no_half_with_ordinary_work() -> None:
    by_half = {name: kind().scheduling for name, kind in SETTINGS.items()}
    assert {n for n, s in by_half.items() if s.cores == "lower"} == {
        "planner", "recorder", "monitor", "view",
    }  # fmt: skip
    order = ["bridge", "sim", "estimator"]
    assert sorted(order, key=lambda name: -by_half[name].priority) == order
    # Beside the planner, and after it.
    assert by_half["planner"].nice < min(by_half[n].nice for n in ("recorder", "monitor", "view"))


@pytest.mark.parametrize(
    "line", ["python -m gpc_ros.nodes.bridge --ros-args", "python /opt/lib/gpc_ros/bridge"]
)
def test_a_node_begins_on_the_lower_half_and_can_use_all_later(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3, 5, 7})
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cores: moved.append(cores))
    monkeypatch.setenv("GPC_ROS_CORES", "")
    begin_aside(tuple(line.split()))
    assert moved == [{2, 3}]
    assert available_cores() == {2, 3, 5, 7}


@pytest.mark.parametrize("line", ["python /usr/bin/gpc sim", "python -m pytest bridge", "python"])
def test_other_programs_keep_their_cores(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: pytest.fail("moved"))
    begin_aside(tuple(line.split()))


@pytest.mark.integration
def test_every_thread_of_a_node_gets_its_cores_and_priority(
    probe: Any, start_node: Callable[..., Any]
) -> None:
    probe.listen("robot_reading", RobotReading)
    probe.listen("planner/status", PlannerStatus, qos.report())
    nodes = {"sim": start_node("sim", "task:=navigate"), "planner": start_node("planner")}
    probe.wait("robot_reading")
    probe.wait("planner/status")
    for name, node in nodes.items():
        wanted = chosen_cores(SETTINGS[name]().scheduling.cores, os.sched_getaffinity(0))
        for thread in Path(f"/proc/{node.process.pid}/task").iterdir():
            assert os.sched_getaffinity(int(thread.name)) == wanted
