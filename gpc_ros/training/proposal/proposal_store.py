"""Write a trained proposal: weights, ONNX graph, control, curves, and finally the card."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.common.config import flatten
from gpc_ros.common.files import write_atomic
from gpc_ros.common.model_files import checksum, write_card, write_weights
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.proposal.card import Card, card_path, card_stem
from gpc_ros.training.proposal.dataset import Dataset
from gpc_ros.training.proposal.flow_training import Trained, blank_card
from gpc_ros.training.proposal.loss_curves import training_curves
from gpc_ros.training.proposal.onnx_export import sampler_graph
from gpc_ros.training.proposal.training_config import TrainConfig

# Euler steps of the ONNX graph.
ONNX_STEPS = 4


def control_path(path: Path) -> Path:
    """Return the card of the unconditional control stored beside a proposal."""
    card = card_path(path)
    return card.with_name(f"{card.stem}_gaussian.json")


def store(
    path: Path,
    dataset: Dataset,
    config: TrainConfig,
    trained: Trained,
    reproduce: Sequence[str] = (),
) -> Card:
    """Write all files of a proposal beside each other and return its card.

    The card is written last, so that an interrupted write leaves no valid proposal.

    Args:
        path: path of the card, or the stem of all files.
        dataset: training data.
        config: training parameters.
        trained: result of the training.
        reproduce: the commands that reproduce it.
    """
    target, stem = card_path(path), card_stem(path)
    common: dict[str, Any] = {
        "training": _plain(config),
        "data": _provenance(dataset, trained),
        "made_with": {**made_with(), **_versions()},
        "reproduce": tuple(reproduce),
    }
    onnx = sampler_graph(blank_card(dataset, config), trained.weights, ONNX_STEPS)
    write_atomic(target.with_name(f"{stem}.svg"), training_curves(trained))
    write_atomic(target.with_name(f"{stem}.onnx"), onnx)
    control = control_path(target)
    files = {"safetensors": write_weights(control, trained.gaussian)}
    figures = {"energy_score": round(trained.control_score, 4)}
    card = dataclasses.replace(
        blank_card(dataset, config, "gaussian"), files=files, figures=figures, **common
    )
    write_card(control, card)
    files = {
        "safetensors": write_weights(target, trained.weights),
        "onnx": {"name": f"{stem}.onnx", "sha256": checksum(onnx)},
    }
    figures = _figures(trained)
    card = dataclasses.replace(blank_card(dataset, config), files=files, figures=figures, **common)
    write_card(target, card)
    return card


def _plain(config: TrainConfig) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in flatten(config).items()}


def _provenance(dataset: Dataset, trained: Trained) -> Mapping[str, Any]:
    episodes = dataset.episodes
    return {
        "seeds": [int(episodes.min()), int(episodes.max())],
        "episodes": len(episodes),
        "plans": len(dataset),
        "plans_with_mirror_in_training": trained.plans[0],
        "plans_held_out": trained.plans[1],
        "collected_with": dict(dataset.settings),
    }


def _figures(trained: Trained) -> dict[str, Any]:
    history, best, error = trained.history, trained.best - 1, trained.cost_error
    return {
        "epochs": len(history.loss),
        "best_epoch": trained.best,
        "seconds": round(trained.seconds, 1),
        "validation_loss": round(history.validation[best], 4),
        "energy_score": round(history.score[best], 4),
        "energy_score_of_control": round(trained.control_score, 4),
        "cost_to_go_error": None if np.isnan(error) else round(error, 4),
    }


def _versions() -> dict[str, str]:
    import onnx
    import torch

    return {"torch": torch.__version__, "onnx": onnx.__version__}
