"""The fault table behind Unitree's SDK: driver and emulated robot react as the table says."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import pytest

from gpc_ros.faults.cases import attempt, run_case
from gpc_ros.faults.every_case import EVERY_CASE
from gpc_ros.faults.hardware_graph import SAME_CASES, SDK_CASES, HardwareGraph

pytestmark = pytest.mark.integration
pytest.importorskip("unitree_sdk2py")

WORDS = ["task:=box_push", "samples:=2", "horizon:=0.8", "rate:=10"]
PARAMS = (
    "bridge.supervisor.heartbeat=true,planner.discovery=0.5,bridge.discovery=0.5,"
    "bridge.unitree.scheduling.priority=0,bridge.unitree.scheduling.cores=all,"
    "bridge.unitree.silence=0.7,bridge.unitree.exit_damping=0.5"
)
EMULATOR = (
    "emulator.scheduling.priority=0,emulator.scheduling.cores=all,emulator.watchdog_timeout=0.7"
)


@pytest.fixture(scope="module")
def graph(run_graph: Callable[..., HardwareGraph], generous: str) -> HardwareGraph:
    """Run graph and emulator once for all cases."""
    words = [*WORDS, f"params:={PARAMS},{generous}"]
    return run_graph(
        lambda context, folder: HardwareGraph(
            102 + os.getpid() % 100,
            words,
            ["task:=box_push", "seed:=3", f"params:={EMULATOR}"],
            context=context,
            folder=folder,
            patience=120.0,
        )
    )


@pytest.mark.parametrize("name", SAME_CASES)
def test_behind_the_sdk_the_reaction_is_the_stated_one(graph: HardwareGraph, name: str) -> None:
    case = EVERY_CASE[name]
    assert math.isnan(run_case(graph, case)) == (case.bound is None)


@pytest.mark.parametrize("name", SDK_CASES)
def test_a_broken_wire_motor_or_driver_brakes_the_robot(graph: HardwareGraph, name: str) -> None:
    row, run, bound = SDK_CASES[name]
    assert row in (4, 5, 10) and bound > 0.0

    def act() -> float:
        graph.recover()
        return run(graph)

    assert math.isfinite(attempt(graph, act))


def test_no_command_on_the_wire_broke_a_limit(graph: HardwareGraph) -> None:
    graph.recover()
    graph.observer.take()
    assert graph.audit.checked > 1000
    assert graph.audit.violations == []
