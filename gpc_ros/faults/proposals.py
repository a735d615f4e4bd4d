"""Proposals that know nothing: the shipped ones with their weights in another order."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from gpc_ros.model_files import checksum
from gpc_ros.paths import share
from gpc_ros.proposal.card import Card, load_card, read_weights, save_card
from gpc_ros.proposal.model import Weights


def shipped(task: str) -> tuple[Card, Weights]:
    """Return card and weights of a shipped proposal."""
    path = share("models", "proposals", f"{task}.json")
    card = load_card(path)
    return card, load(read_weights(path, card))


def shuffled(weights: Weights, seed: int) -> Weights:
    """Return weights with the entries of every layer in another order."""
    rng = np.random.default_rng(seed)
    # By name: a file is read in another order each time, and the same seed is to shuffle alike.
    return {
        name: rng.permutation(value.ravel()).reshape(value.shape)
        if name.split(".")[0] in ("layers", "cost")
        else value
        for name, value in sorted(weights.items())
    }


def write(path: Path, card: Card, weights: Weights) -> Path:
    """Write card and weights side by side and return the card's path."""
    content = save(weights)
    stored = path.with_suffix(".safetensors")
    stored.write_bytes(content)
    entry = {"name": stored.name, "sha256": checksum(content)}
    save_card(path, dataclasses.replace(card, files={"safetensors": entry}))
    return path


def write_misleading(path: Path, task: str = "box_push") -> Path:
    """Write a task's shipped proposal so that it always walks back, aside and turns."""
    card, weights = shipped(task)
    away = np.array([-2.0, 2.0, 3.0], np.float32)
    return write(path, card, {**weights, "knots_mean": weights["knots_mean"] + away})


def write_shuffled(path: Path, task: str = "box_push", seed: int = 0) -> Path:
    """Write a task's shipped proposal with shuffled weights and return the card's path."""
    card, weights = shipped(task)
    return write(path, card, shuffled(weights, seed))
