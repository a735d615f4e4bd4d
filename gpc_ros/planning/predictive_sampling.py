"""Predictive sampling: keep the best candidate (Howell et al., arXiv 2212.00541)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array
from gpc_ros.errors import InputError
from gpc_ros.planning.optimizer import Noise, gaussian


@dataclass(frozen=True)
class PredictiveSamplingConfig:
    """Parameters of predictive sampling."""

    noise: Noise = Noise()


class PredictiveSampling:
    """The simplest baseline: a fixed Gaussian, and the best candidate wins."""

    name = "predictive_sampling"

    def __init__(self, config: PredictiveSamplingConfig, knots: int) -> None:
        """Start with the configured Sigma for K knots; it stays as it is."""
        self._config = config
        self.sigma = config.noise.initial(knots)

    def reset(self) -> None:
        """Do nothing: there is no memory."""

    def memory(self) -> Array:
        """Return nothing."""
        return np.zeros(0)

    def restore(self, memory: Array) -> None:
        """Continue from a memory, which must be empty."""
        if memory.size:
            raise InputError(f"{self.name}: has no memory, was given {memory.size} numbers")

    def sample(self, nominal: Array, count: int, rng: np.random.Generator) -> Array:
        """Draw candidates; see :class:`gpc_ros.planning.optimizer.Optimizer`."""
        return gaussian(nominal, self.sigma, count, rng, self._config.noise.correlation)

    def update(self, nominal: Array, knots: Array, costs: Array) -> Array:
        """Return the best candidate (K, 3)."""
        best: Array = knots[int(np.argmin(costs))]
        return best
