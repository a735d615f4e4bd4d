"""The fault table behind Unitree's SDK: driver and emulated robot react as the table says."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import pytest
import rclpy
from rclpy.context import Context

from gpc_ros.faults.every_case import EVERY_CASE
from gpc_ros.faults.hardware_graph import SAME_CASES, SDK_CASES, HardwareGraph

pytestmark = pytest.mark.integration

WORDS = ["task:=box_push", "samples:=2", "horizon:=0.8", "rate:=10"]
GENEROUS = (
    "params:=bridge.supervisor.heartbeat=true,planner.discovery=0.5,bridge.discovery=0.5,"
    "bridge.supervisor.reading_age=0.7,bridge.supervisor.state_age=1.0,"
    "bridge.supervisor.heartbeat_age=2.0,bridge.supervisor.stall=2.0,"
    "planner.max_state_age=0.7,planner.lifetime=0.7,"
    "bridge.supervisor.damping_time=0.5,bridge.stand_up.speed=3.0,bridge.stand_up.minimum=0.3"
)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HardwareGraph]:
    """Run graph and emulator once for all cases."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(1 + (os.getpid() + 70) % 101))
        context = Context()
        rclpy.init(context=context)
        live = HardwareGraph(
            102 + os.getpid() % 100,
            [*WORDS, GENEROUS],
            ["task:=box_push", "seed:=3"],
            context=context,
            folder=tmp_path_factory.mktemp("hardware"),
            patience=120.0,
        )
        yield live
        live.close()
        rclpy.try_shutdown(context=context)


@pytest.mark.parametrize("name", SAME_CASES)
def test_behind_the_sdk_the_reaction_is_the_stated_one(graph: HardwareGraph, name: str) -> None:
    case = EVERY_CASE[name]
    graph.recover(case.walking)
    assert math.isnan(case.run(graph)) == (case.bound is None)


@pytest.mark.parametrize("name", SDK_CASES)
def test_a_broken_wire_motor_or_driver_brakes_the_robot(graph: HardwareGraph, name: str) -> None:
    graph.recover()
    row, run, bound = SDK_CASES[name]
    assert row in (4, 5, 10) and bound > 0.0
    assert math.isfinite(run(graph))


def test_no_command_on_the_wire_broke_a_limit(graph: HardwareGraph) -> None:
    graph.recover()
    graph.observer.take()
    assert graph.audit.checked > 1000
    assert graph.audit.violations == []
