"""Every row of the fault table on the running graph: the reaction is the stated one.

The order of events is checked by the stamps of the messages. ``bench/faults.py`` measures the
delays; ages are generous here, so that a busy machine does not decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from fault_injection.cases import run_case
from fault_injection.every_case import EVERY_CASE, words_with
from fault_injection.kills import KILLS, kill_during_push
from fault_injection.live_graph import LiveGraph

pytestmark = [pytest.mark.integration, pytest.mark.faults]

NODES = {case: node for node, case in KILLS.items()}


@pytest.fixture(scope="module")
def graph(run_graph: Callable[..., LiveGraph], generous: str) -> LiveGraph:
    """Run the graph once for all cases."""
    sim = "sim.watchdog_timeout=0.7,sim.scheduling.priority=0,sim.scheduling.cores=all"
    words = words_with(f"{generous},{sim}")
    return run_graph(lambda context, folder: LiveGraph(context, folder, words, 120.0))


@pytest.mark.parametrize("name", [n for n, case in EVERY_CASE.items() if not case.clock])
def test_the_reaction_is_the_stated_one(graph: LiveGraph, name: str) -> None:
    case = EVERY_CASE[name]
    if name in NODES:
        seen = kill_during_push(graph, NODES[name], np.random.default_rng(0), patience=2.0)
        assert math.isfinite(seen["delay"])
        return
    figure = run_case(graph, case)
    assert math.isnan(figure) == (case.bound is None)
    if "[m/s]" in case.of and case.bound is not None:
        assert figure <= case.bound  # no time: holds on any machine


def test_no_command_in_all_of_that_broke_a_limit(graph: LiveGraph) -> None:
    graph.recover()
    graph.observer.take()
    assert graph.audit.checked > 1000
    assert graph.audit.violations == []


def test_every_row_of_the_fault_table_has_a_case() -> None:
    assert {case.row for case in EVERY_CASE.values()} == set(range(1, 36))
