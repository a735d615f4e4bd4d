"""Collection: episodes in lockstep with a randomised plant, one shard each.

A killed run loses at most the episodes in progress: each shard is written atomically at the end of
its episode, and the same call resumes with the missing seeds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.errors import DataError, InputError
from gpc_ros.common.files import exclusive
from gpc_ros.evaluation.evaluate import proposal_used
from gpc_ros.evaluation.lockstep import EpisodeConfig, Lockstep, Observer
from gpc_ros.evaluation.pool import run_jobs
from gpc_ros.evaluation.provenance import difference, made_with, plain_settings
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.optimizers.base import elite_count
from gpc_ros.planning.optimizers.optimizer_registry import make_optimizer
from gpc_ros.planning.plan import Plan
from gpc_ros.tasks import make_task
from gpc_ros.training.proposal.shards import Shard, load_shard, path_of, save_shard, shard_paths

# Keeps the random plant parameters independent of the start and goal of the same seed.
_STREAM = 1


@dataclass(frozen=True)
class CollectConfig:
    """Parameters of a collection."""

    episode: EpisodeConfig = EpisodeConfig()
    randomise: bool = param(True, "Randomise the plant parameters of each episode")
    informed: bool = param(True, "Give the drawn parameters to the planner model")
    keep_failures: bool = param(False, "Keep the plans of failed episodes")
    elites: int = param(8, "Best candidates stored per plan", low=1, high=1024)


@dataclass(frozen=True)
class Collection:
    """Settings of a collection, the same for every seed.

    Attributes:
        config: collection parameters.
        task_overrides: parameters of the task by dotted name; they override the drawn values.
        optimizer: parameters of the optimizer by dotted name.
    """

    config: CollectConfig = CollectConfig()
    task_overrides: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ConfigError for settings that every episode would reject."""
        episode = self.config.episode
        episode.check()
        make_task(episode.task, self.task_overrides)
        make_optimizer(episode.planner.optimizer, episode.planner.knots, self.optimizer)

    def settings(self) -> dict[str, Any]:
        """Return all settings that determine the shards, by dotted name, as JSON values."""
        settings = plain_settings(self.config, self.task_overrides, self.optimizer)
        del settings["episode.planner.threads"]  # does not affect the result
        return settings | proposal_used(self.config.episode)

    def drawn(self, seed: int) -> dict[str, Any]:
        """Return the task parameters for a seed, by dotted name."""
        overrides: dict[str, Any] = {}
        if self.config.randomise:
            task = type(make_task(self.config.episode.task))
            values = task.randomise(np.random.default_rng([seed, _STREAM]))
            overrides |= {f"plant.{name}": value for name, value in values.items()}
            if self.config.informed:
                overrides |= {f"planner.{name}": value for name, value in values.items()}
        return {**overrides, **self.task_overrides}


@dataclass(frozen=True)
class Collected:
    """Result of one seed."""

    seed: int
    success: bool
    plans: int


class _Collector(Observer):
    """Collects the planning cycles of one episode."""

    def __init__(self, elites: int) -> None:
        self._elites = elites
        self._rows: list[tuple[Any, ...]] = []

    def after_plan(self, lockstep: Lockstep, plan: Plan | None, report: PlannerReport) -> None:
        """Append a cycle that produced a plan."""
        costs = report.costs
        finite = np.argsort(costs, kind="stable")[: int(np.isfinite(costs).sum())]
        if not len(finite):
            return
        k = report.candidates.shape[1]
        kept = finite[: self._elites]
        elites = np.full((self._elites, k, 3), np.nan)
        elite_costs = np.full(self._elites, np.nan)
        elites[: len(kept)], elite_costs[: len(kept)] = report.candidates[kept], costs[kept]
        goal = lockstep.episode.goal
        observation = lockstep.task.observation(report.start_qpos, report.start_qvel, goal)
        candidates = report.candidates
        share = candidates[finite[: elite_count(len(costs))]]
        self._rows.append(
            (
                lockstep.time, observation, goal, candidates[0], share.mean(axis=0),
                candidates[finite[0]], elites, elite_costs, costs[0],
            )
        )  # fmt: skip

    def shard(self, meta: dict[str, Any]) -> Shard:
        """Return the shard of all appended cycles."""
        if not self._rows:
            return Shard(meta)
        columns: list[Array] = [
            np.array(column, np.float64) for column in zip(*self._rows, strict=True)
        ]
        return Shard(meta, *columns)


def collect_episode(collection: Collection, folder: Path, seed: int) -> Collected:
    """Run one seed and write its shard; by default a failed one has no plans."""
    return _keep(folder, run_episode(collection, seed))


def _keep(folder: Path, shard: Shard) -> Collected:
    """Write the shard of an episode."""
    seed, success = int(shard.meta["seed"]), bool(shard.meta["success"])
    save_shard(path_of(folder, seed), shard)
    return Collected(seed, success, len(shard))


def run_episode(collection: Collection, seed: int) -> Shard:
    """Run one seed and return its shard; by default a failed one has no plans."""
    config = collection.config
    drawn = collection.drawn(seed)
    collector = _Collector(config.elites)
    lockstep = Lockstep(config.episode, seed, drawn, collection.optimizer, observer=collector)
    lockstep.get_ready()
    result = lockstep.run()
    meta = {
        "task": config.episode.task,
        "seed": seed,
        "success": result.success,
        "time": result.time,
        "drawn": drawn,
        "settings": collection.settings(),
        "knot_dt": lockstep.planner.knot_dt,
        "made_with": made_with(),
    }
    keep = result.success or config.keep_failures
    return collector.shard(meta) if keep else Shard(meta)


def collect(
    collection: Collection,
    seeds: Sequence[int],
    folder: Path,
    processes: int | None = None,
    on_result: Callable[[Collected], None] | None = None,
    ray: str = "",
) -> list[Collected]:
    """Collect all seeds; seeds with an intact shard in the folder are not repeated.

    Args:
        collection: settings.
        seeds: seeds of the episodes.
        folder: output folder of the shards; created if missing.
        processes: number of concurrent episodes; None uses one per core.
        on_result: called with every result, including results found in the folder.
        ray: address of a Ray cluster; its workers send their shards to this process, so that no
            shared folder is needed. Empty for the cores of this machine.

    Raises:
        ConfigError: a setting is invalid; no episode was run.
        InputError: the folder contains shards of other settings, or another process writes it.
        KeyboardInterrupt: on Ctrl-C; finished shards are in the folder.
    """
    collection.check()
    with exclusive(folder, "gpc proposal collect", folder=True):
        return _collect(collection, seeds, folder, processes, on_result, ray)


def _collect(
    collection: Collection,
    seeds: Sequence[int],
    folder: Path,
    processes: int | None,
    on_result: Callable[[Collected], None] | None,
    ray: str,
) -> list[Collected]:
    """Collect the seeds that the folder lacks; only this process writes into it."""
    known = _known(collection, folder, set(seeds))
    results = [known[seed] for seed in dict.fromkeys(seeds) if seed in known]
    for result in results:
        if on_result:
            on_result(result)
    todo = [seed for seed in dict.fromkeys(seeds) if seed not in known]
    for result in _results(collection, folder, todo, processes or os.cpu_count() or 1, ray):
        results.append(result)
        if on_result:
            on_result(result)
    return results


def _results(
    collection: Collection, folder: Path, seeds: Sequence[int], processes: int, ray: str
) -> Iterator[Collected]:
    """Run the episodes here or on a cluster and yield each finished result."""
    if not ray:
        yield from run_jobs(partial(collect_episode, collection, folder), seeds, processes)
        return
    from gpc_ros.evaluation.ray_pool import run_jobs_on_ray

    for shard in run_jobs_on_ray(partial(run_episode, collection), seeds, ray):
        yield _keep(folder, shard)


def _known(collection: Collection, folder: Path, seeds: set[int]) -> dict[int, Collected]:
    """Return the seeds with an intact shard in the folder."""
    wanted = collection.settings()
    known: dict[int, Collected] = {}
    for path in shard_paths(folder):
        try:
            shard = load_shard(path)
            meta = shard.meta
            there, seed, success = meta["settings"], int(meta["seed"]), bool(meta["success"])
        except (DataError, KeyError, TypeError, ValueError):
            continue
        different = difference(there, wanted)
        if different:
            raise InputError(
                f"{path}: was collected with other settings ({different}); choose another --out"
            )
        if seed in seeds:
            known[seed] = Collected(seed, success, len(shard))
    return known
