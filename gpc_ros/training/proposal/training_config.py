"""Parameters of the training of a proposal."""

from __future__ import annotations

from dataclasses import dataclass

from gpc_ros.common.config import param
from gpc_ros.training.proposal.cost_to_go import CostConfig
from gpc_ros.training.proposal.dataset import TARGETS


@dataclass(frozen=True)
class TrainConfig:
    """Parameters of the training."""

    target: str = param("executed", "What the knots are trained towards", choices=TARGETS)
    mirror: bool = param(True, "Whether every plan is also used in a left-right mirror")
    hidden: tuple[int, ...] = param((256, 256, 256), "Width of each hidden layer", low=1, high=4096)
    epochs: int = param(60, "Most passes over the data", low=1, high=100_000)
    batch: int = param(512, "Plans in one step", low=1, high=1_000_000)
    rate: float = param(1e-3, "Learning rate at the start; falls as a cosine", low=1e-7, high=1.0)
    decay: float = param(1e-4, "Weight decay of AdamW", low=0.0, high=1.0)
    average: float = param(0.999, "Part of the averaged weights that a step keeps", low=0, high=1)
    sigma_min: float = param(0.01, "Width of the path's end s", low=0.0, high=0.5)
    validation: float = param(0.1, "Part of the episodes that is held out", low=0.01, high=0.9)
    patience: int = param(20, "Epochs without better samples before it stops", low=1, high=100_000)
    cost: CostConfig = CostConfig()
    device: str = param("auto", "Where it is computed", choices=("auto", "cpu", "cuda"))
    threads: int = param(1, "CPU threads; more can change the last digits", low=1, high=1024)
    seed: int = param(0, "Seed of weights, split, order and noise", low=0)
