"""Every row of the fault table, put into the running graph: the reaction is the stated one.

The order of what happens is held against the stamps of the messages. How long it takes is measured
by ``bench/faults.py``; here ages are generous, so that a busy machine decides nothing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node

from gpc_ros.faults.clock import Clock
from gpc_ros.faults.every_case import EVERY_CASE, WORDS
from gpc_ros.faults.kills import KILLS, kill_during_push
from gpc_ros.faults.live_graph import LiveGraph

pytestmark = pytest.mark.integration

GENEROUS = (
    "bridge.supervisor.reading_age=0.7,bridge.supervisor.state_age=1.0,"
    "bridge.supervisor.heartbeat_age=2.0,bridge.supervisor.stall=2.0,"
    "planner.max_state_age=0.7,planner.lifetime=0.7,sim.watchdog_timeout=0.7,"
    # Quicker on its legs again, since that is most of the time.
    "bridge.supervisor.damping_time=0.5,bridge.stand_up.speed=3.0,bridge.stand_up.minimum=0.3"
)
NODES = {case: node for node, case in KILLS.items()}


def run_graph(
    folder: Path, shift: int, clock: Callable[[Node], Clock] | None
) -> Iterator[LiveGraph]:
    """Run a graph in a domain of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(1 + (os.getpid() + shift) % 101))
        context = Context()
        rclpy.init(context=context)
        words = [*WORDS[:-1], f"{WORDS[-1]},{GENEROUS}"]
        live = LiveGraph(context, folder, words, patience=120.0, clock=clock)
        yield live
        live.close()
        rclpy.try_shutdown(context=context)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGraph]:
    """Run the graph once for all cases."""
    yield from run_graph(tmp_path_factory.mktemp("faults"), 50, None)


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGraph]:
    """Run it once more, by a clock that can jump."""
    yield from run_graph(tmp_path_factory.mktemp("clocked"), 60, Clock)


@pytest.mark.parametrize("name", [n for n, case in EVERY_CASE.items() if case.clock])
def test_a_clock_that_jumps_makes_it_stand_and_go_on(clocked: LiveGraph, name: str) -> None:
    clocked.recover()
    assert EVERY_CASE[name].run(clocked) > 0.0


@pytest.mark.parametrize("name", [n for n, case in EVERY_CASE.items() if not case.clock])
def test_the_reaction_is_the_stated_one(graph: LiveGraph, name: str) -> None:
    case = EVERY_CASE[name]
    if name in NODES:
        seen = kill_during_push(graph, NODES[name], np.random.default_rng(0), patience=2.0)
        assert math.isfinite(seen["delay"])
        return
    graph.recover(case.walking)
    figure = case.run(graph)
    assert math.isnan(figure) == (case.bound is None)
    if "[m/s]" in case.of and case.bound is not None:
        assert figure <= case.bound  # no time: holds on any machine


def test_no_command_in_all_of_that_broke_a_limit(graph: LiveGraph) -> None:
    graph.recover()
    graph.observer.take()
    assert graph.audit.checked > 1000
    assert graph.audit.violations == []


def test_every_row_of_the_fault_table_has_a_case() -> None:
    assert {case.row for case in EVERY_CASE.values()} == set(range(1, 26))
