"""``gpc proposal collect``: collect the planner's own plans over many episodes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpc_ros.cli.options import (
    TASK,
    add_task_and_optimizer,
    process_count,
    processes,
    required,
    with_task,
)
from gpc_ros.cli.parser import CommandParser
from gpc_ros.cli.progress import Bar
from gpc_ros.common import config
from gpc_ros.common.config import param


@dataclass(frozen=True)
class Options:
    """Options of ``gpc proposal collect``."""

    episodes: int = param(100, "Episodes to run", low=1, high=10**7)
    first_seed: int = param(
        100_000, "Seed of the first episode; keep clear of the evaluation's seeds", low=0
    )
    out: str = param("", "Folder for the shards (required)")
    processes: int = processes()
    ray: str = param(
        "",
        "Run the episodes on this Ray cluster (auto, or host:port); needs the same gpc_ros on its "
        "machines and, here, pip install 'gpc_ros[cluster]'",
    )


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc proposal collect``."""
    parser.description = (
        "Runs episodes in lockstep on all cores, each with its own randomised plant (mass,\n"
        "friction, size), and writes the plans into one shard per episode. The same command\n"
        "continues an interrupted collection."
    )
    parser.usage = f"{parser.prog} TASK --out FOLDER [--NAME VALUE ...] [--set GROUP.NAME=VALUE]"
    parser.add_argument("task", nargs="?", help=TASK)
    parser.add_options(Options())
    parser.main = "collect"
    parser.aliases = {"proposal": "collect.episode.planner.proposal.file"}
    parser.add_group("collect", "parameters of the collection", collect_config)
    add_task_and_optimizer(parser)


def collect_config() -> Sequence[Any]:
    """Return the parameters of a collection."""
    from gpc_ros.training.proposal.collection import CollectConfig

    return [CollectConfig()]


def run(args: argparse.Namespace) -> int:
    """Collect with a progress bar and print a summary of the folder."""
    from gpc_ros.training.proposal.collection import CollectConfig, Collected, Collection, collect
    from gpc_ros.training.proposal.shards import load_folder

    options = args.options
    out = required(options.out, "--out")
    overrides = with_task(args, "collect", "episode.task")
    chosen = config.replace(CollectConfig(), overrides, args.where)
    collection = Collection(chosen, args.given["task"], args.given["optimizer"])
    seeds = range(options.first_seed, options.first_seed + options.episodes)
    bar = Bar(len(seeds))

    def show(result: Collected) -> None:
        outcome = f"{result.plans} plans" if result.success else "failure"
        bar.add(result.success, f"seed {result.seed}: {outcome}")

    interrupted = False
    try:
        collect(collection, seeds, out, process_count(options.processes), show, options.ray)
    except KeyboardInterrupt:
        interrupted = True
    bar.end()
    found = load_folder(out)
    for problem in found.problems:
        print(f"skipped: {problem}")
    print(
        f"{out}: {found.plans} plans of {len(found.shards)} episodes"
        + (f", {len(found.problems)} files skipped" if found.problems else "")
    )
    if interrupted:
        print("interrupted; the same command continues from there")
        return 130
    return 0
