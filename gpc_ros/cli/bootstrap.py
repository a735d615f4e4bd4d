"""``gpc bootstrap``: rounds of collection and training; a front of gpc_ros.proposal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.cli.evaluate import parse_seeds
from gpc_ros.cli.train import PACKAGES, show_epoch
from gpc_ros.cli.training import require
from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError

if TYPE_CHECKING:
    from gpc_ros.evaluation.lockstep import EpisodeResult
    from gpc_ros.training.proposal.collection import Collected


def add_parser(subparsers: Any) -> None:
    """Add ``bootstrap`` to the command."""
    parser = subparsers.add_parser(
        "bootstrap",
        help="alternate collection with the current proposal and training",
        description="Round 0 collects with plain sampling, every later one with the proposal of "
        "the round before; each trains on everything collected so far and is measured on the same "
        "validation seeds. The same command again goes on where it was stopped.",
    )
    parser.add_argument("task", help="task to run; gpc tasks lists them")
    parser.add_argument("--rounds", type=int, default=2, help="how many")
    parser.add_argument("--episodes", type=int, default=100, help="collected in a round")
    parser.add_argument("--first-seed", type=int, default=200_000, help="of the first round")
    parser.add_argument("--out", type=Path, required=True, help="folder of everything")
    parser.add_argument(
        "--validation-seeds", default="500:530", help="A:B, from A to B-1, or a list"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter, with the prefix 'collect.' (collect.episode.planner.samples=32), "
        "'train.' (train.epochs=100) or 'validation.' (validation.planner.samples=8); may be "
        "given again",
    )  # fmt: skip
    parser.add_argument("--processes", type=int, help="episodes at a time; default: one per core")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the rounds and print what each reached."""
    require(PACKAGES, "train", "training")
    from gpc_ros.common.assignments import split_sets
    from gpc_ros.evaluation.lockstep import EpisodeConfig
    from gpc_ros.training.proposal.bootstrapping import Bootstrap, Watcher, bootstrap
    from gpc_ros.training.proposal.collection import CollectConfig, Collection
    from gpc_ros.training.proposal.training_config import TrainConfig

    if min(args.rounds, args.episodes) < 1 or args.first_seed < 0:
        raise ConfigError("--rounds and --episodes must be at least 1, --first-seed at least 0")
    if args.processes is not None and args.processes < 1:
        raise ConfigError(f"--processes: {args.processes} is less than 1")
    parts = split_sets(args.set, ("collect.", "train.", "validation."))
    where = "gpc bootstrap"
    collection = {"episode.task": args.task, **parts["collect."]}
    plan = Bootstrap(
        Collection(config.replace(CollectConfig(), collection, where)),
        config.replace(TrainConfig(), parts["train."], where),
        args.episodes,
        args.first_seed,
        config.replace(EpisodeConfig(), {"task": args.task, **parts["validation."]}, where),
        tuple(parse_seeds(args.validation_seeds)),
    )

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def on_episode(result: Collected) -> None:
        say(f"  seed {result.seed}: {f'{result.plans} plans' if result.success else 'failure'}")

    def on_result(result: EpisodeResult) -> None:
        say(f"  seed {result.seed}: {f'{result.time:.1f} s' if result.success else 'failure'}")

    watcher = Watcher(say, on_episode, show_epoch, on_result)
    try:
        summaries = bootstrap(plan, args.rounds, args.out, args.processes, watcher)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from there")
        return 130
    for k, found in enumerate(summaries):
        print(f"{'plain' if k == 0 else f'round {k - 1}'}: {found}")
    return 0
