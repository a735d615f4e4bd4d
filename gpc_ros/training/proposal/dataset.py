"""Training data of a proposal from shards: observations, target knots and their episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.common import splines
from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.common.errors import DataError
from gpc_ros.proposal.card import COMMANDS_MIRROR
from gpc_ros.tasks import TASKS
from gpc_ros.training.proposal.shards import Folder, Shard, load_folder

TARGETS = ("mean", "best", "elite", "executed")
# Number of horizons for which the cost-to-go of a plan is stored.
COST_WINDOWS = 3


@dataclass(frozen=True)
class Dataset:
    """Training data of a proposal: P plans of several episodes, d observations, K knots.

    Attributes:
        task: name of the task.
        walker: name of the walker.
        knot_dt: time between knots [s].
        spline: kind of the spline.
        observation: observations (P, d).
        target: target knots (P, K, 3) [m/s, m/s, rad/s].
        to_go: mean cost after the start of the plan (P, W): over its horizon and over each of the
            following horizons.
        horizon: horizon of the plans [s].
        episode: seed of the episode of each plan (P,).
        settings: settings of the collection, by dotted name.
        problems: rejected files with their reason, one sentence each.
    """

    task: str
    walker: str
    knot_dt: float
    spline: str
    observation: Array
    target: Array
    to_go: Array
    horizon: float
    episode: Array
    settings: Mapping[str, Any]
    problems: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of plans."""
        return len(self.target)

    @property
    def episodes(self) -> Array:
        """Return the unique seeds of all episodes (E,)."""
        return np.unique(self.episode)


def load_dataset(folders: Sequence[Path], target: str = "mean", seed: int = 0) -> Dataset:
    """Read every intact shard of some folders.

    Args:
        folders: folders of shards; for duplicate seeds the later folder counts.
        target: source of the knots: ``mean`` of the elites, ``best`` candidate, a random ``elite``,
            or ``executed``, the commands of the closed loop after the plan.
        seed: seed of the choice of elites.

    Raises:
        DataError: no plan found, or the shards are incompatible.
    """
    found = Folder()
    for folder in folders:
        held = load_folder(folder)
        found.shards |= held.shards
        found.problems += held.problems
    names = ", ".join(map(str, folders))
    shards = [shard for shard in found.shards.values() if len(shard)]
    if not shards:
        more = f" ({found.problems[0]})" if found.problems else ""
        raise DataError(
            f"{names}: holds no plan to train on{more}; gpc proposal collect makes them"
        )
    first = _identity(shards[0])
    for shard in shards:
        if _identity(shard) != first:
            raise DataError(
                f"{names}: seed {shard.meta.get('seed')} is of {_identity(shard)}, others of "
                f"{first}; train on one collection at a time"
            )
    task, knot_dt, spline, walker, horizon = first
    if task not in TASKS:
        raise DataError(f"{names}: is of task '{task}', which this version lacks")
    rng = np.random.default_rng(seed)
    return Dataset(
        task=task,
        walker=walker,
        knot_dt=knot_dt,
        spline=spline,
        observation=np.concatenate([shard.observation for shard in shards]),
        target=np.concatenate([_target(shard, target, knot_dt, spline, rng) for shard in shards]),
        to_go=np.concatenate([_cost_to_go(shard, horizon) for shard in shards]),
        horizon=horizon,
        episode=np.concatenate([np.full(len(s), int(s.meta["seed"])) for s in shards]),
        settings=dict(shards[0].meta["settings"]),
        problems=tuple(found.problems),
    )


def mirrored(dataset: Dataset) -> tuple[Array, Array]:
    """Return observation (P, d) and target (P, K, 3) of the left-right mirrored plans.

    Robot, box and floor are symmetric, so that each plan gives two samples.
    """
    signs = np.array([entry.mirror for entry in TASKS[dataset.task].observed], np.float64)
    return dataset.observation * signs, dataset.target * np.array(COMMANDS_MIRROR)


def split(dataset: Dataset, part: float, seed: int) -> BoolArray:
    """Return a mask (P,) of the validation plans: all plans of randomly chosen episodes.

    Raises:
        DataError: fewer than two episodes cannot be split.
    """
    episodes = dataset.episodes
    if len(episodes) < 2:
        raise DataError("one episode cannot be split into training and validation; collect more")
    count = min(max(1, round(part * len(episodes))), len(episodes) - 1)
    chosen = np.random.default_rng(seed).permutation(episodes)[:count]
    held: BoolArray = np.isin(dataset.episode, chosen)
    return held


def _identity(shard: Shard) -> tuple[str, float, str, str, float]:
    """Return the values that all shards of a data set must share.

    Raises:
        DataError: the shard lacks one of them.
    """
    try:
        settings = shard.meta["settings"]
        return (
            str(shard.meta["task"]), float(shard.meta["knot_dt"]),
            str(settings["episode.planner.spline"]), str(settings["episode.walker"]),
            float(settings["episode.planner.horizon"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"a shard lacks {error}; collect it again") from None


def _target(
    shard: Shard, target: str, knot_dt: float, spline: str, rng: np.random.Generator
) -> Array:
    if target == "mean":
        return shard.mean
    if target == "best":
        return shard.best
    if target == "elite":
        there = np.isfinite(shard.elite_costs).sum(axis=1)
        choice = (rng.random(len(shard)) * np.maximum(there, 1)).astype(int)
        chosen: Array = shard.elites[np.arange(len(shard)), choice]
        return chosen
    if target == "executed":
        return executed(shard, knot_dt, splines.spline_order(spline))
    raise DataError(f"target '{target}' is not one of {', '.join(TARGETS)}")


def _cost_to_go(shard: Shard, horizon: float) -> Array:
    """Return the predicted costs of each plan and of the plans after its horizon (P, W).

    The cost of the last plan continues after the end: the episode ended at the goal.
    """
    cost = shard.elite_costs[:, 0]
    windows = [np.interp(shard.time + w * horizon, shard.time, cost) for w in range(COST_WINDOWS)]
    return np.stack(windows, axis=1)


def executed(shard: Shard, knot_dt: float, order: int) -> Array:
    """Return the commands after the start of each plan, sampled at its knots (P, K, 3).

    Later plans see beyond the horizon of this plan, so that this target has more information than
    any single plan. The mean first knot of the elites approximates the command at the start of a
    plan; after the last plan its own spline continues.
    """
    last = shard.time[-1]
    k = shard.mean.shape[1]
    first = shard.mean[:, 0]
    result = np.empty_like(shard.mean)
    for j in range(k):
        when = shard.time + j * knot_dt
        known = np.stack([np.interp(when, shard.time, first[:, a]) for a in range(3)], axis=1)
        beyond = np.maximum(when - last, 0.0)
        tail = splines.basis(beyond, k, knot_dt, order) @ shard.mean[-1]
        result[:, j] = np.where((beyond > 0.0)[:, None], tail, known)
    return result
