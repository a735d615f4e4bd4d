"""Make the planner from its settings, for the node and for replay."""

from __future__ import annotations

from gpc_ros.common import config
from gpc_ros.common.assignments import parse_assignments
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.planning.planner import Planner
from gpc_ros.settings.node_settings import PlannerSettings
from gpc_ros.tasks import make_task
from gpc_ros.tasks.task import same_scene


def make_planner(settings: PlannerSettings, first_id: int = 1) -> Planner:
    """Return a planner with its task and walker; ids of plans count up from the first one.

    Raises:
        ConfigError: an unknown task, walker or parameter of the task.
    """
    s = settings
    task = make_task(s.task, parse_assignments(s.task_params, "task_params"))
    return Planner(task, make_walker(s.walker), s, optimizer_overrides(s), first_id=first_id)


def optimizer_overrides(settings: PlannerSettings) -> dict[str, object]:
    """Return the parameters of the chosen optimizer by dotted name."""
    return config.flatten(getattr(settings, settings.optimizer))


def reconfigured(planner: Planner, settings: PlannerSettings) -> Planner:
    """Return the planner for changed settings: the same one if possible, else a new one.

    A new planner keeps walker, proposal and plan ids, and starts without a plan.

    Raises:
        ConfigError: a setting cannot change at run time; nothing has changed.
    """
    s = settings
    given = parse_assignments(s.task_params, "task_params")
    task = same_scene(planner.task, make_task(s.task, given))
    if planner.configure(s, optimizer_overrides(s), task):
        return planner
    return Planner(
        task, planner.walker, s, optimizer_overrides(s), proposal=planner.proposal,
        first_id=planner.next_id,
    )  # fmt: skip
