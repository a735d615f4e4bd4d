"""The planner that settings describe: what the node runs and what a replay builds again."""

from __future__ import annotations

from gpc_ros import config
from gpc_ros.arguments import parse_assignments
from gpc_ros.locomotion.walker import make_walker
from gpc_ros.nodes.settings import PlannerSettings
from gpc_ros.planning.planner import Planner
from gpc_ros.tasks import make_task


def planner_of(settings: PlannerSettings) -> Planner:
    """Return a planner with its task and walker.

    Raises:
        ConfigError: an unknown task, walker or parameter of the task.
    """
    s = settings
    task = make_task(s.task, parse_assignments(s.task_params, "task_params"))
    return Planner(task, make_walker(s.walker), s, config.flatten(getattr(s, s.optimizer)))
