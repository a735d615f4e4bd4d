"""Parameters of the training of a proposal."""

from __future__ import annotations

from dataclasses import dataclass

from gpc_ros.common.config import param
from gpc_ros.training.proposal.dataset import COST_WINDOWS, TARGETS


@dataclass(frozen=True)
class CostConfig:
    """Parameters of the cost-to-go."""

    windows: int = param(
        1,
        "Length of the cost window in horizons of a collected plan; 0 disables the cost-to-go",
        low=0,
        high=COST_WINDOWS,
    )
    hidden: tuple[int, ...] = param((128, 128), "Width of each hidden layer", low=1, high=4096)
    epochs: int = param(60, "Passes over the data; the best epoch on held-out plans is kept", low=1)
    batch: int = param(512, "Plans in one step", low=1, high=1_000_000)
    rate: float = param(2e-3, "Initial learning rate; cosine decay", low=1e-7, high=1.0)
    decay: float = param(1e-2, "Weight decay of AdamW", low=0.0, high=1.0)


@dataclass(frozen=True)
class TrainConfig:
    """Parameters of the training."""

    target: str = param("executed", "Training target of the knots", choices=TARGETS)
    mirror: bool = param(True, "Add the left-right mirror of every plan")
    hidden: tuple[int, ...] = param((256, 256, 256), "Width of each hidden layer", low=1, high=4096)
    epochs: int = param(60, "Maximum passes over the data", low=1, high=100_000)
    batch: int = param(512, "Plans in one step", low=1, high=1_000_000)
    rate: float = param(1e-3, "Initial learning rate; cosine decay", low=1e-7, high=1.0)
    decay: float = param(1e-4, "Weight decay of AdamW", low=0.0, high=1.0)
    average: float = param(
        0.999, "Decay of the exponential moving average of the weights", low=0, high=1
    )
    sigma_min: float = param(
        0.01, "Standard deviation sigma_min at the end of the path", low=0.0, high=0.5
    )
    validation: float = param(0.1, "Fraction of held-out episodes", low=0.01, high=0.9)
    patience: int = param(20, "Epochs without improvement before stopping", low=1, high=100_000)
    cost: CostConfig = CostConfig()
    device: str = param("auto", "Where it is computed", choices=("auto", "cpu", "cuda"))
    threads: int = param(
        1, "CPU threads; a different number can change the last digits", low=1, high=1024
    )
    seed: int = param(0, "Seed of initial weights, split, order and noise", low=0)
