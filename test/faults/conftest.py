"""A running graph for a whole module of tests, in a domain of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from fault_injection.live_graph import LiveGraph
from rclpy.context import Context

_NUMBERS = itertools.count(os.getpid() + 50)
# Ages that no busy machine exceeds; and the robot is back on its legs quickly.
GENEROUS = (
    "bridge.supervisor.reading_age=0.7,bridge.supervisor.state_age=1.0,"
    "bridge.supervisor.heartbeat_age=2.0,bridge.supervisor.max_loop_pause=2.0,"
    "bridge.supervisor.clock_still=2.0,"
    "planner.max_state_age=0.7,planner.plan_timeout=0.7,"
    "bridge.supervisor.damping_time=0.5,bridge.stand_up.speed=3.0,bridge.stand_up.minimum=0.3,"
    # No priorities that compete with whatever else the machine does.
    "bridge.scheduling.priority=0,bridge.scheduling.cores=all,estimator.scheduling.priority=0,"
    "estimator.scheduling.cores=all,planner.scheduling.cores=all"
)


Run = Callable[[Callable[[Context, Path], LiveGraph]], LiveGraph]


@pytest.fixture(scope="module")
def generous() -> str:
    """Return parameters of a graph on a machine that may be busy."""
    return GENEROUS


@pytest.fixture(scope="module")
def run_graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Return what starts a graph, which is ended with the module."""
    ends: list[Callable[[], Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(1 + next(_NUMBERS) % 101))

        def run(make: Callable[[Context, Path], LiveGraph]) -> LiveGraph:
            context = Context()
            rclpy.init(context=context)
            ends.append(lambda: rclpy.try_shutdown(context=context))
            live = make(context, tmp_path_factory.mktemp("graph"))
            ends.append(live.close)
            return live

        yield run
        for end in reversed(ends):
            end()
