"""Which cores and which priority a node's threads get."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_msgs.msg import PlannerStatus, RobotState
from gpc_ros.nodes import qos
from gpc_ros.nodes.scheduling import chosen_cores
from gpc_ros.nodes.settings import SETTINGS


@given(st.sets(st.integers(0, 255), min_size=2))
def test_halves_share_no_core_and_leave_none(available: set[int]) -> None:
    lower, upper = (chosen_cores(which, available) for which in ("lower", "upper"))
    assert lower | upper == available
    assert not lower & upper
    assert max(lower) < min(upper)
    assert 0 <= len(upper) - len(lower) <= 1
    assert chosen_cores("all", available) == available


@pytest.mark.parametrize("which", ["all", "lower", "upper"])
def test_a_single_core_is_everybodys(which: str) -> None:
    assert chosen_cores(which, {3}) == {3}


def test_only_the_planner_is_on_the_lower_half() -> None:
    lower = {name for name, kind in SETTINGS.items() if kind().scheduling.cores == "lower"}
    assert lower == {"planner"}
    assert SETTINGS["bridge"]().scheduling.priority > SETTINGS["sim"]().scheduling.priority


@pytest.mark.integration
def test_every_thread_of_a_node_is_where_it_belongs(
    probe: Any, start_node: Callable[..., Any]
) -> None:
    probe.listen("robot_state", RobotState)
    probe.listen("planner/status", PlannerStatus, qos.report())
    nodes = {"sim": start_node("sim", "task:=navigate"), "planner": start_node("planner")}
    probe.wait("robot_state")
    probe.wait("planner/status")
    for name, node in nodes.items():
        wanted = chosen_cores(SETTINGS[name]().scheduling.cores, os.sched_getaffinity(0))
        for thread in Path(f"/proc/{node.process.pid}/task").iterdir():
            assert os.sched_getaffinity(int(thread.name)) == wanted
