"""Proposals with random weights and shards of a synthetic teacher, without simulation."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from gpc_ros.common.model_files import checksum, write_card
from gpc_ros.proposal.card import Card
from gpc_ros.proposal.flow_model import Weights, expected_shapes
from gpc_ros.tasks import TASKS
from gpc_ros.training.proposal.shards import Shard


def blank(task: str = "box_push", kind: str = "flow", **changes: object) -> Card:
    """Return a card of a small network."""
    entries: dict[str, object] = {
        "kind": kind,
        "task": task,
        "walker": "trot",
        "observation": tuple(entry.name for entry in TASKS[task].observed),
        "knots": 4,
        "knot_dt": 2.0 / 3.0,
        "spline": "linear",
        "hidden": (16, 16),
        **changes,
    }
    return Card(**entries)  # type: ignore[arg-type]


def drawn_weights(card: Card, seed: int = 0) -> Weights:
    """Return random weights of the right shapes; scales are small and positive."""
    rng = np.random.default_rng(seed)
    weights = {
        name: (0.3 * rng.standard_normal(shape)).astype(np.float32)
        for name, shape in expected_shapes(card).items()
    }
    for name in ("observation_std", "knots_std"):
        weights[name] = np.abs(weights[name]) + np.float32(0.1)
    if card.window:
        weights["cost_scale"] = np.array([1.0, 0.5], np.float32)
    return weights


def write(path: Path, card: Card, weights: Weights) -> Path:
    """Write card and weights like ``gpc proposal train``; return the path of the card."""
    content = save(weights)
    path.with_suffix(".safetensors").write_bytes(content)
    entry = {"name": path.with_suffix(".safetensors").name, "sha256": checksum(content)}
    write_card(path, dataclasses.replace(card, files={"safetensors": entry}))
    return path


def taught_shard(seed: int, plans: int = 60) -> Shard:
    """Return a shard whose teacher turns towards the side of the goal, with a little noise."""
    rng = np.random.default_rng(seed)
    observation = rng.standard_normal((plans, 7))
    way = np.sign(observation[:, 1])[:, None, None] * np.array([0.0, 0.3, 0.9])
    knots = way + np.array([0.4, 0.0, 0.0]) + 0.05 * rng.standard_normal((plans, 4, 3))
    cost = np.abs(observation[:, 0])
    meta = {
        "task": "navigate",
        "seed": seed,
        "success": True,
        "knot_dt": 2.0 / 3.0,
        "settings": {
            "episode.task": "navigate",
            "episode.planner.spline": "linear",
            "episode.walker": "trot",
            "episode.planner.horizon": 2.0,
        },
    }
    return Shard(
        meta,
        time=0.1 * np.arange(float(plans)),
        observation=observation,
        goal=np.zeros((plans, 3)),
        nominal=knots,
        mean=knots,
        best=knots + 0.01,
        elites=np.repeat(knots[:, None], 3, axis=1),
        elite_costs=np.repeat(cost[:, None], 3, axis=1),
        nominal_cost=cost,
    )
