"""Parameters and checks that several commands have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.config import param
from gpc_ros.common.errors import ConfigError

PROCESSES = "Episodes that run at a time; 0 runs one per core"
SEEDS = "A:B for A to B-1, or a list such as 1,4,7"
TASK = "task to run; gpc tasks lists them"
BAG = "folder of a run or of a bag, or an .mcap file"


def processes() -> Any:
    """Return the parameter ``processes``."""
    return param(0, PROCESSES, low=0, high=4096)


def process_count(value: int) -> int | None:
    """Return a number of processes as the pools take it: None for one per core."""
    return value or None


def required(text: str, option: str) -> Path:
    """Return a path that must be given.

    Raises:
        ConfigError: it is empty.
    """
    if not text:
        raise ConfigError(f"{option} is missing: name what to write, as in {option} FOLDER")
    return Path(text)


def with_task(args: argparse.Namespace, group: str, name: str) -> dict[str, str]:
    """Return the parameters of a group with the task, given as the first word or as --task.

    Raises:
        ConfigError: the task is missing or given twice.
    """
    given: dict[str, str] = dict(args.given[group])
    if args.task is not None and name in given:
        raise ConfigError(f"{args.where}: name one task, not {args.task} and {given[name]}")
    if args.task is not None:
        given[name] = args.task
    if name not in given:
        raise ConfigError(f"{args.where}: name a task; gpc tasks lists them")
    return given


def add_task_and_optimizer(parser: CommandParser) -> None:
    """Add the groups ``task`` and ``optimizer``."""
    from gpc_ros.cli.config import optimizers
    from gpc_ros.cli.graph_command import task_parameters

    parser.add_group(
        "task",
        "parameters of the task: --set task.NAME=VALUE; gpc config TASK lists them",
        task_parameters,
        listed=False,
    )
    parser.add_group(
        "optimizer",
        "parameters of the optimizer: --set optimizer.NAME=VALUE; gpc config cem lists them",
        lambda: list(optimizers().values()),
        listed=False,
    )


def parse_seeds(text: str) -> list[int]:
    """Return ``"3:6"`` as [3, 4, 5] and ``"1,4"`` as [1, 4].

    Raises:
        ConfigError: neither form, negative or empty.
    """
    try:
        if ":" in text:
            first, last = (int(part) for part in text.split(":"))
            seeds = list(range(first, last))
        else:
            seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0:
        raise ConfigError(f"--seeds {text}: write A:B with 0 <= A < B, or a list such as 1,4,7")
    return seeds
