"""``gpc proposal bootstrap``: rounds of collection and training."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpc_ros.cli.collect import collect_config
from gpc_ros.cli.evaluate import episode_config
from gpc_ros.cli.options import SEEDS, TASK, parse_seeds, process_count, processes, required
from gpc_ros.cli.parser import CommandParser
from gpc_ros.cli.train import PACKAGES, show_epoch, train_config
from gpc_ros.cli.training import require
from gpc_ros.common import config
from gpc_ros.common.config import param

if TYPE_CHECKING:
    from gpc_ros.evaluation.lockstep import EpisodeResult
    from gpc_ros.training.proposal.collection import Collected


@dataclass(frozen=True)
class Options:
    """Options of ``gpc proposal bootstrap``."""

    rounds: int = param(2, "Rounds of collection and training", low=1, high=1000)
    episodes: int = param(100, "Episodes collected in a round", low=1, high=10**7)
    first_seed: int = param(200_000, "First seed of the first round", low=0)
    validation_seeds: str = param("500:530", f"Validation seeds: {SEEDS}")
    out: str = param("", "Folder for everything (required)")
    processes: int = processes()


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc proposal bootstrap``."""
    parser.description = (
        "Round 0 collects with plain sampling, every later round with the proposal of the round\n"
        "before. Each round trains on everything collected so far and is measured on the same\n"
        "validation seeds. The same command continues an interrupted run."
    )
    parser.usage = f"{parser.prog} TASK --out FOLDER [--NAME VALUE ...] [--set GROUP.NAME=VALUE]"
    parser.epilog = (
        "--set takes the groups collect (collect.episode.planner.num_rollouts=32), train\n"
        f"(train.epochs=100) and validation; {parser.prog.replace('gpc', 'gpc config', 1)} lists "
        "all."
    )
    parser.add_argument("task", help=TASK)
    parser.add_options(Options())
    parser.add_group("collect", "parameters of the collection", collect_config)
    parser.add_group("train", "parameters of the training", train_config)
    parser.add_group("validation", "parameters of the validation", episode_config)


def run(args: argparse.Namespace) -> int:
    """Run the rounds and print the result of each."""
    require(PACKAGES, "train", "training")
    from gpc_ros.evaluation.lockstep import EpisodeConfig
    from gpc_ros.training.proposal.bootstrapping import Bootstrap, Watcher, bootstrap
    from gpc_ros.training.proposal.collection import CollectConfig, Collection
    from gpc_ros.training.proposal.training_config import TrainConfig

    options, given = args.options, args.given
    out = required(options.out, "--out")
    collection = {"episode.task": args.task, **given["collect"]}
    validation = {"task": args.task, **given["validation"]}
    plan = Bootstrap(
        Collection(config.replace(CollectConfig(), collection, args.where)),
        config.replace(TrainConfig(), given["train"], args.where),
        options.episodes,
        options.first_seed,
        config.replace(EpisodeConfig(), validation, args.where),
        tuple(parse_seeds(options.validation_seeds)),
    )

    def show(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def on_episode(result: Collected) -> None:
        show(f"  seed {result.seed}: {f'{result.plans} plans' if result.success else 'failure'}")

    def on_result(result: EpisodeResult) -> None:
        show(f"  seed {result.seed}: {f'{result.time:.1f} s' if result.success else 'failure'}")

    watcher = Watcher(show, on_episode, show_epoch, on_result)
    try:
        count = process_count(options.processes)
        summaries = bootstrap(plan, options.rounds, out, count, watcher)
    except KeyboardInterrupt:
        print("interrupted; the same command continues from there")
        return 130
    for k, found in enumerate(summaries):
        print(f"{'plain' if k == 0 else f'round {k - 1}'}: {found}")
    return 0
