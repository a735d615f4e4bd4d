"""From shards to what a proposal is trained on: observations, target knots, and whose they are."""

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
# Horizons that a plan's cost to go is known for.
COST_WINDOWS = 3


@dataclass(frozen=True)
class Dataset:
    """What a proposal is trained on: P plans of several episodes, d observations, K knots.

    Attributes:
        task: name.
        walker: name.
        knot_dt: time between knots [s].
        spline: kind of curve through them.
        observation: (P, d).
        target: (P, K, 3) [m/s, m/s, rad/s].
        to_go: mean cost that the planner went on to pay (P, W): over the horizon of the plan, and
            over the next ones after it.
        horizon: of the plans [s].
        episode: seed of the episode that a plan is of (P,).
        settings: of the collection, by dotted name.
        problems: what of the folder was left out and why, one sentence each.
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
        """Seeds of all episodes, each once (E,)."""
        return np.unique(self.episode)


def load_dataset(folders: Sequence[Path], target: str = "mean", seed: int = 0) -> Dataset:
    """Read every whole shard of some folders.

    Args:
        folders: of shards, as ``gpc collect`` writes them; of two with a seed the later counts.
        target: what the knots are: ``mean`` of the elites, ``best`` candidate, a random ``elite``,
            or ``executed``, what the closed loop went on to command.
        seed: of the choice of elites.

    Raises:
        DataError: there is no plan, or shards do not fit together.
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
        raise DataError(f"{names}: holds no plan to train on{more}; gpc collect makes them")
    first = _identity(shards[0])
    for shard in shards:
        if _identity(shard) != first:
            raise DataError(
                f"{names}: seed {shard.meta.get('seed')} is of {_identity(shard)}, others of "
                f"{first}; train on one collection at a time"
            )
    task, knot_dt, spline, walker, horizon = first
    if task not in TASKS:
        raise DataError(f"{names}: is of task '{task}', which this version does not have")
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
    """Return observation (P, d) and target (P, K, 3) of the same plans seen in a left-right mirror.

    Robot, box and floor are symmetric, so that each plan is worth two.
    """
    signs = np.array([entry.mirror for entry in TASKS[dataset.task].observed], np.float64)
    return dataset.observation * signs, dataset.target * np.array(COMMANDS_MIRROR)


def split(dataset: Dataset, part: float, seed: int) -> BoolArray:
    """Return which plans are for validation (P,): all of a random part of the episodes.

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
    """Return what all shards of a data set must have in common.

    Raises:
        DataError: the shard does not say.
    """
    try:
        settings = shard.meta["settings"]
        return (
            str(shard.meta["task"]), float(shard.meta["knot_dt"]),
            str(settings["episode.planner.spline"]), str(settings["episode.walker"]),
            float(settings["episode.planner.horizon"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"a shard does not say {error}; collect it again") from None


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
    """Return the predicted costs of this plan and of those made when it has run out (P, W).

    After the last plan its cost goes on: the episode ended with the goal reached.
    """
    cost = shard.elite_costs[:, 0]
    windows = [np.interp(shard.time + w * horizon, shard.time, cost) for w in range(COST_WINDOWS)]
    return np.stack(windows, axis=1)


def executed(shard: Shard, knot_dt: float, order: int) -> Array:
    """Return what was commanded after each plan began, on its own knots (P, K, 3).

    Later plans see further than the horizon of this one, so that this target knows more than any
    plan did. The first knot of each plan's elites, averaged, stands for what was commanded at its
    start; after the last plan its own curve goes on.
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
