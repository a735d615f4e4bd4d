"""The fault table behind Unitree's SDK: driver and emulated robot react as stated."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import pytest
from fault_injection.cases import run_case
from fault_injection.hardware_graph import (
    HARDWARE_CASES,
    HARDWARE_PARAMS,
    HARDWARE_WORDS,
    ROBOT_WORDS,
    HardwareGraph,
)

pytestmark = [pytest.mark.integration, pytest.mark.faults]
pytest.importorskip("unitree_sdk2py")

PARAMS = (
    f"{HARDWARE_PARAMS},"
    "bridge.unitree.scheduling.priority=0,bridge.unitree.scheduling.cores=all,"
    "bridge.unitree.silence=0.7,bridge.unitree.exit_damping=0.5"
)
EMULATOR = (
    "emulator.scheduling.priority=0,emulator.scheduling.cores=all,emulator.watchdog_timeout=0.7"
)


@pytest.fixture(scope="module")
def graph(run_graph: Callable[..., HardwareGraph], generous: str) -> HardwareGraph:
    """Run graph and emulator once for all cases."""
    # Less generous with readings: a robot that nobody commands any more falls within 0.6 s, and
    # the case of the killed driver is about what the bridge says before.
    ages = generous.replace("reading_age=0.7", "reading_age=0.3")
    words = [*HARDWARE_WORDS, f"params:={PARAMS},{ages}"]
    return run_graph(
        lambda context, folder: HardwareGraph(
            102 + os.getpid() % 100,
            words,
            [*ROBOT_WORDS, f"params:={EMULATOR}"],
            context=context,
            folder=folder,
            patience=120.0,
        )
    )


@pytest.mark.parametrize("name", HARDWARE_CASES)
def test_behind_the_sdk_the_reaction_is_the_stated_one(graph: HardwareGraph, name: str) -> None:
    case = HARDWARE_CASES[name]
    assert math.isnan(run_case(graph, case)) == (case.bound is None)


def test_no_command_on_the_wire_broke_a_limit(graph: HardwareGraph) -> None:
    graph.recover()
    graph.observer.take()
    assert graph.audit.checked > 1000
    assert graph.audit.violations == []
