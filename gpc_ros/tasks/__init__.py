"""The tasks by name. To add one: write a module beside the others and list its class here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco

from gpc_ros.common.errors import ConfigError, suggest
from gpc_ros.robot.model import Gains, Variant, compile_model, robot_spec
from gpc_ros.tasks.box_push import BoxPush
from gpc_ros.tasks.navigate import Navigate
from gpc_ros.tasks.task import Task

TASKS: dict[str, type[Task]] = {task.name: task for task in (Navigate, BoxPush)}


def make_task(name: str, overrides: Mapping[str, Any] | None = None) -> Task:
    """Return the task of that name with some of its parameters replaced.

    Args:
        name: one of ``TASKS``.
        overrides: dotted parameter name to value, such as ``plant.object.mass``.

    Raises:
        ConfigError: unknown task or parameter (the nearest is named), or a bad value.
    """
    if name not in TASKS:
        raise ConfigError(f"task: unknown task '{name}'; {suggest(name, TASKS)}")
    return TASKS[name](overrides)


def build_model(task: Task, variant: Variant, gains: Gains) -> mujoco.MjModel:
    """Compile the robot in a task's scene, as the plant's or the planner's model."""
    spec = robot_spec(variant, gains)
    task.add_scene(spec, variant)
    return compile_model(spec)
