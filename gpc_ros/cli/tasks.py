"""``gpc tasks``: the tasks that the robot can do."""

from __future__ import annotations

import argparse

from gpc_ros.cli.parser import CommandParser


def configure(parser: CommandParser) -> None:
    """Describe ``gpc tasks``."""
    parser.description = "Lists the tasks; gpc config TASK shows the parameters of one."


def run(args: argparse.Namespace) -> int:
    """Print one line per task."""
    from gpc_ros.tasks import TASKS

    width = max(len(name) for name in TASKS)
    for name, task in TASKS.items():
        print(f"{name:<{width}}  {task.summary}")
    return 0
