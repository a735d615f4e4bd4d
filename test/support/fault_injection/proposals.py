"""Useless proposals made from the shipped ones: shuffled, misleading, of another task."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from gpc_ros.common.model_files import checksum, write_card
from gpc_ros.common.paths import share
from gpc_ros.proposal.card import Card, load_card, read_weights
from gpc_ros.proposal.flow_model import Weights


def shipped(task: str) -> tuple[Card, Weights]:
    """Return card and weights of a shipped proposal."""
    path = share("models", "proposals", f"{task}.json")
    card = load_card(path)
    return card, load(read_weights(path, card))


def shuffled(weights: Weights, seed: int) -> Weights:
    """Return weights with the entries of every layer in another order."""
    rng = np.random.default_rng(seed)
    # Sorted by name: the order in the file varies, and the same seed must shuffle alike.
    return {
        name: rng.permutation(value.ravel()).reshape(value.shape)
        if name.split(".")[0] in ("layers", "cost")
        else value
        for name, value in sorted(weights.items())
    }


def transplanted(card: Card, other: Card, weights: Weights) -> Weights:
    """Return another task's weights in the shape of a card; unknown inputs have zero weights."""
    size, d = 3 * other.knots, len(other.observation)
    place = [card.observation.index(name) for name in other.observation]
    result = dict(weights)
    first = weights["layers.0.weight"]
    wide = np.zeros((len(first), len(card.observation)), np.float32)
    wide[:, place] = first[:, size : size + d]
    result["layers.0.weight"] = np.hstack([first[:, :size], wide, first[:, size + d :]])
    cost = np.zeros((len(weights["cost.0.weight"]), len(card.observation)), np.float32)
    cost[:, place] = weights["cost.0.weight"]
    result["cost.0.weight"] = cost
    for name, neutral in (("observation_mean", 0.0), ("observation_std", 1.0)):
        filled = np.full(len(card.observation), neutral, np.float32)
        filled[place] = weights[name]
        result[name] = filled
    return result


def write(path: Path, card: Card, weights: Weights) -> Path:
    """Write card and weights side by side and return the card's path."""
    content = save({name: np.ascontiguousarray(value) for name, value in weights.items()})
    stored = path.with_suffix(".safetensors")
    stored.write_bytes(content)
    entry = {"name": stored.name, "sha256": checksum(content)}
    write_card(path, dataclasses.replace(card, files={"safetensors": entry}))
    return path


def write_misleading(path: Path, task: str = "box_push") -> Path:
    """Write a task's shipped proposal that always walks backwards and sideways and turns."""
    card, weights = shipped(task)
    away = np.array([-2.0, 2.0, 3.0], np.float32)
    return write(path, card, {**weights, "knots_mean": weights["knots_mean"] + away})


def write_shuffled(path: Path, task: str = "box_push", seed: int = 0) -> Path:
    """Write a task's shipped proposal with shuffled weights and return the card's path."""
    card, weights = shipped(task)
    return write(path, card, shuffled(weights, seed))


def write_transplanted(path: Path, task: str = "box_push", other: str = "navigate") -> Path:
    """Write another task's shipped proposal with a card that claims this task."""
    card, _ = shipped(task)
    foreign, weights = shipped(other)
    return write(path, card, transplanted(card, foreign, weights))
