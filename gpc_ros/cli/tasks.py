"""``gpc tasks``: what the robot can be asked to do."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add ``tasks`` to the command."""
    parser = subparsers.add_parser(
        "tasks",
        help="list the tasks",
        description="Lists the tasks; gpc config TASK shows the parameters of one.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print one line a task."""
    from gpc_ros.tasks import TASKS

    width = max(len(name) for name in TASKS)
    for name, task in TASKS.items():
        print(f"{name:<{width}}  {task.summary}")
    return 0
