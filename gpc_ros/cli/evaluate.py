"""``gpc evaluate``: success and time of a task over many seeds, in lockstep."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.cli.options import (
    SEEDS,
    TASK,
    add_task_and_optimizer,
    parse_seeds,
    process_count,
    processes,
    with_task,
)
from gpc_ros.cli.parser import CommandParser
from gpc_ros.cli.progress import Bar
from gpc_ros.common import config
from gpc_ros.common.config import param

if TYPE_CHECKING:
    from gpc_ros.evaluation.lockstep import EpisodeResult

__all__ = ["parse_seeds"]


@dataclass(frozen=True)
class Options:
    """Options of ``gpc evaluate``."""

    seeds: str = param("0:10", f"Seeds: {SEEDS}")
    processes: int = processes()
    out: str = param("", "JSON file for the results; an existing one is continued")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc evaluate``."""
    parser.description = (
        "Runs a task over many seeds in lockstep (no clock, true state) and gives success rate\n"
        "and time to success with 95 % bootstrap intervals. With --out, every finished episode\n"
        "is kept: the same command continues an interrupted run."
    )
    parser.usage = "gpc evaluate TASK [--NAME VALUE ...] [--set GROUP.NAME=VALUE ...]"
    parser.add_argument("task", nargs="?", help=TASK)
    parser.add_options(Options())
    parser.main = "episode"
    parser.aliases = {"proposal": "episode.planner.proposal.file"}
    parser.add_group("episode", "parameters of the episode", episode_config)
    add_task_and_optimizer(parser)


def episode_config() -> Sequence[Any]:
    """Return the parameters of an episode."""
    from gpc_ros.evaluation.lockstep import EpisodeConfig

    return [EpisodeConfig()]


def run(args: argparse.Namespace) -> int:
    """Evaluate with a progress bar and print the metrics."""
    from gpc_ros.evaluation.evaluate import Evaluation, evaluate, summarise
    from gpc_ros.evaluation.lockstep import EpisodeConfig

    overrides = with_task(args, "episode", "task")
    chosen = config.replace(EpisodeConfig(), overrides, args.where)
    evaluation = Evaluation(chosen, args.given["task"], args.given["optimizer"])
    seeds = parse_seeds(args.options.seeds)
    out = Path(args.options.out) if args.options.out else None
    bar = Bar(len(seeds))
    finished: list[EpisodeResult] = []

    def show(result: EpisodeResult) -> None:
        finished.append(result)
        outcome = f"success after {result.time:.1f} s" if result.success else "failure"
        bar.add(result.success, f"seed {result.seed}: {outcome}")

    try:
        results = evaluate(evaluation, seeds, out, process_count(args.options.processes), show)
    except KeyboardInterrupt:
        bar.end()
        if finished:
            print(f"interrupted: {summarise(finished)}")
        if out is not None:
            print(f"finished episodes are in {out}; the same command continues from there")
        return 130
    bar.end()
    print(summarise(results))
    return 0
