"""The planner that settings describe: what the node runs and what a replay builds again."""

from __future__ import annotations

from gpc_ros.common import config
from gpc_ros.common.assignments import parse_assignments
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.planning.planner import Planner
from gpc_ros.settings.node_settings import PlannerSettings
from gpc_ros.tasks import make_task
from gpc_ros.tasks.task import same_scene


def make_planner(settings: PlannerSettings) -> Planner:
    """Return a planner with its task and walker.

    Raises:
        ConfigError: an unknown task, walker or parameter of the task.
    """
    s = settings
    task = make_task(s.task, parse_assignments(s.task_params, "task_params"))
    return Planner(task, make_walker(s.walker), s, optimizer_overrides(s))


def optimizer_overrides(settings: PlannerSettings) -> dict[str, object]:
    """Return the parameters of the chosen optimizer by dotted name."""
    return config.flatten(getattr(settings, settings.optimizer))


def reconfigured(planner: Planner, settings: PlannerSettings) -> Planner:
    """Return the planner for settings that were changed while it runs, itself where it can go on.

    A new one keeps walker and proposal and forgets the plan found so far.

    Raises:
        ConfigError: one of the settings cannot change now; nothing has changed then.
    """
    s = settings
    given = parse_assignments(s.task_params, "task_params")
    task = same_scene(planner.task, make_task(s.task, given))
    if planner.configure(s, optimizer_overrides(s), task):
        return planner
    return Planner(task, planner.walker, s, optimizer_overrides(s), proposal=planner.proposal)
