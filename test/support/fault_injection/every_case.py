"""All cases in one list, in the order of the fault table, and the graph that they are run on."""

from __future__ import annotations

from fault_injection import (
    cases_authority,
    cases_killed,
    cases_locks,
    cases_mocap,
    cases_plan,
    cases_robot,
    cases_start,
    clock,
)
from fault_injection.cases import CASES, Case

__all__ = ["EVERY_CASE", "words_with"]

_MODULES = (
    clock, cases_killed, cases_locks, cases_mocap, cases_plan, cases_robot, cases_start,
    cases_authority,
)  # fmt: skip
EVERY_CASE: dict[str, Case] = dict(sorted(CASES.items(), key=lambda item: item[1].row))

# Arguments of the graph: a planner with a low load, and an emergency stop.
_WORDS = ("task:=box_push", "num_rollouts:=2", "horizon:=0.8", "rate:=10", "seed:=3")
_PARAMS = (
    "bridge.supervisor.heartbeat=true,planner.exclusivity_wait=1.5,bridge.exclusivity_wait=1.5"
)


def words_with(params: str = "") -> list[str]:
    """Return the arguments of the graph that the cases are run on.

    Args:
        params: more parameters, ``node.parameter=value`` separated by commas.
    """
    return [*_WORDS, f"params:={_PARAMS}{',' if params else ''}{params}"]
