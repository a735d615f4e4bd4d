"""Bootstrapping: collect with the current proposal, train the next one and validate each round.

Round 0 collects with plain sampling. Each later round collects new seeds with the proposal of the
previous round and trains on all shards so far.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.common import config
from gpc_ros.common.files import write_atomic
from gpc_ros.evaluation.evaluate import Evaluation, Summary, evaluate, summarise
from gpc_ros.evaluation.lockstep import EpisodeConfig, EpisodeResult
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.proposal.sampler import NONE
from gpc_ros.training.proposal.collection import Collected, Collection, collect
from gpc_ros.training.proposal.dataset import load_dataset
from gpc_ros.training.proposal.flow_training import train
from gpc_ros.training.proposal.proposal_store import store
from gpc_ros.training.proposal.training_config import TrainConfig

if TYPE_CHECKING:
    from gpc_ros.training.proposal.flow_training import Trainer


@dataclass(frozen=True)
class Bootstrap:
    """Settings of a bootstrapping run.

    Attributes:
        collection: collection of each round; its proposal is replaced.
        training: training parameters of each round.
        episodes: number of collected episodes per round.
        first_seed: first seed of round 0; later rounds use the following seeds.
        validation: evaluation of each round; its proposal is replaced.
        validation_seeds: seeds of every validation.
    """

    collection: Collection
    training: TrainConfig
    episodes: int
    first_seed: int
    validation: EpisodeConfig
    validation_seeds: tuple[int, ...]


@dataclass
class Watcher:
    """Progress callbacks; every member may be replaced."""

    on_step: Callable[[str], None] = lambda text: None
    on_episode: Callable[[Collected], None] = lambda result: None
    on_epoch: Callable[[Trainer], None] = lambda trainer: None
    on_result: Callable[[EpisodeResult], None] = lambda result: None


def bootstrap(
    plan: Bootstrap, rounds: int, folder: Path, processes: int | None, watcher: Watcher
) -> list[Summary]:
    """Run all rounds; finished parts in the folder are not repeated.

    Returns:
        Metrics of plain sampling and then of each round, on the same seeds.

    Raises:
        ConfigError: a setting is invalid.
        InputError: the folder contains files of other settings.
        DataError: too little training data.
        KeyboardInterrupt: on Ctrl-C; finished parts are in the folder.
    """
    watcher.on_step("plain sampling: validation")
    summaries = [_validate(plan, NONE, folder / "plain.json", processes, watcher)]
    proposal = NONE
    for k in range(rounds):
        here = folder / f"round_{k}"
        seeds = range(
            plan.first_seed + k * plan.episodes, plan.first_seed + (k + 1) * plan.episodes
        )
        watcher.on_step(f"round {k}: collection")
        collection = _with_proposal(plan.collection, proposal)
        collect(collection, seeds, here / "shards", processes, watcher.on_episode)
        card = here / "proposal.json"
        if not card.exists():
            watcher.on_step(f"round {k}: training")
            folders = [folder / f"round_{j}" / "shards" for j in range(k + 1)]
            dataset = load_dataset(folders, plan.training.target, plan.training.seed)
            checkpoint = here / ".proposal.training"
            trained = train(dataset, plan.training, checkpoint, watcher.on_epoch)
            store(card, dataset, plan.training, trained)
            checkpoint.unlink(missing_ok=True)
        proposal = str(card)
        watcher.on_step(f"round {k}: validation")
        summaries.append(_validate(plan, proposal, here / "validation.json", processes, watcher))
        _report(folder, plan, summaries)
    return summaries


def _with_proposal(collection: Collection, proposal: str) -> Collection:
    chosen = config.replace(
        collection.config, {"episode.planner.proposal.file": proposal}, "gpc proposal bootstrap"
    )
    return dataclasses.replace(collection, config=chosen)


def _validate(
    plan: Bootstrap, proposal: str, out: Path, processes: int | None, watcher: Watcher
) -> Summary:
    chosen = config.replace(
        plan.validation, {"planner.proposal.file": proposal}, "gpc proposal bootstrap"
    )
    evaluation = Evaluation(chosen)
    return summarise(evaluate(evaluation, plan.validation_seeds, out, processes, watcher.on_result))


def _report(folder: Path, plan: Bootstrap, summaries: list[Summary]) -> None:
    """Write the metrics of each round."""
    names = ["plain", *(f"round {k}" for k in range(len(summaries) - 1))]
    rows: list[dict[str, Any]] = [
        {"name": name, "success": vars(s.success), "time": vars(s.time), "falls": s.falls}
        for name, s in zip(names, summaries, strict=True)
    ]
    seeds = [plan.validation_seeds[0], plan.validation_seeds[-1]]
    document = {"validation_seeds": seeds, "rounds": rows, "made_with": made_with()}
    write_atomic(folder / "rounds.json", json.dumps(document, indent=1) + "\n")
