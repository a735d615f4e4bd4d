"""All cases in one list, in the order of the fault table, and the graph that they are run on."""

from __future__ import annotations

from gpc_ros.faults import cases_killed, cases_mocap, cases_plan, cases_robot, clock
from gpc_ros.faults.cases import CASES, Case

__all__ = ["EVERY_CASE", "WORDS"]

_MODULES = (clock, cases_killed, cases_mocap, cases_plan, cases_robot)
EVERY_CASE: dict[str, Case] = dict(sorted(CASES.items(), key=lambda item: item[1].row))

# What the graph is started with: a planner that leaves time for the rest, and an emergency stop.
WORDS = (
    "task:=box_push",
    "samples:=2",
    "horizon:=0.8",
    "rate:=10",
    "seed:=3",
    "params:=bridge.supervisor.heartbeat=true,planner.discovery=0.5,bridge.discovery=0.5",
)
