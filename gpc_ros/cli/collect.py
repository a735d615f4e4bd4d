"""``gpc collect``: the planner's own sequences over many episodes; a front of gpc_ros.proposal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gpc_ros.cli.progress import Bar
from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError


def add_parser(subparsers: Any) -> None:
    """Add ``collect`` to the command."""
    parser = subparsers.add_parser(
        "collect",
        help="collect what the planner finds, to train a proposal on",
        description="Runs episodes in lockstep on all cores, each with a plant of its own "
        "(mass, friction, size), and writes what every plan found into one shard an episode. "
        "The same command again goes on where it was stopped.",
    )
    parser.add_argument("task", help="task to run; gpc tasks lists them")
    parser.add_argument("--episodes", type=int, default=100, help="how many")
    parser.add_argument(
        "--first-seed", type=int, default=100_000,
        help="seed of the first; keep clear of those that you evaluate on",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the collection (episode.planner.samples=32, keep_failures=true) or, "
        "with the prefix 'task.' or 'optimizer.', of these; may be given again",
    )
    parser.add_argument("--processes", type=int, help="episodes at a time; default: one per core")
    parser.add_argument(
        "--ray", default="", metavar="ADDRESS",
        help="run the episodes on this Ray cluster (auto, or host:port); needs the same gpc_ros "
        "on its machines and, here, pip install 'gpc_ros[cluster]'",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Collect with a progress bar and say what there is."""
    from gpc_ros.common.assignments import split_sets
    from gpc_ros.training.proposal.collection import CollectConfig, Collected, Collection, collect
    from gpc_ros.training.proposal.shards import load_folder

    if args.episodes < 1 or args.first_seed < 0:
        raise ConfigError("--episodes must be at least 1 and --first-seed at least 0")
    if args.processes is not None and args.processes < 1:
        raise ConfigError(f"--processes: {args.processes} is less than 1")
    parts = split_sets(args.set, ("task.", "optimizer.", ""))
    chosen = config.replace(
        CollectConfig(), {"episode.task": args.task, **parts[""]}, "gpc collect"
    )
    collection = Collection(chosen, parts["task."], parts["optimizer."])
    seeds = range(args.first_seed, args.first_seed + args.episodes)
    bar = Bar(len(seeds))

    def show(result: Collected) -> None:
        word = f"{result.plans} plans" if result.success else "failure"
        bar.add(result.success, f"seed {result.seed}: {word}")

    interrupted = False
    try:
        collect(collection, seeds, args.out, args.processes, show, args.ray)
    except KeyboardInterrupt:
        interrupted = True
    bar.end()
    found = load_folder(args.out)
    for problem in found.problems:
        print(f"skipped: {problem}")
    print(
        f"{args.out}: {found.plans} plans of {len(found.shards)} episodes"
        + (f", {len(found.problems)} files skipped" if found.problems else "")
    )
    if interrupted:
        print("interrupted; the same command goes on from there")
        return 130
    return 0
