"""A graph on a clock that jumps, stands still or is too slow: the reaction is the stated one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fault_injection.cases import run_case
from fault_injection.clock import Clock
from fault_injection.every_case import EVERY_CASE, words_with
from fault_injection.live_graph import LiveGraph

pytestmark = [pytest.mark.integration, pytest.mark.faults]


@pytest.fixture(scope="module")
def clocked(run_graph: Callable[..., LiveGraph], generous: str) -> LiveGraph:
    """Run the graph by a clock that can jump."""
    sim = "sim.watchdog_timeout=0.7,sim.scheduling.priority=0,sim.scheduling.cores=all"
    words = words_with(f"{generous},{sim}")
    return run_graph(lambda context, folder: LiveGraph(context, folder, words, 120.0, clock=Clock))


@pytest.mark.parametrize("name", [n for n, case in EVERY_CASE.items() if case.clock])
def test_the_reaction_to_a_bad_clock_is_the_stated_one(clocked: LiveGraph, name: str) -> None:
    assert run_case(clocked, EVERY_CASE[name]) > 0.0
