"""Predictive sampling: keep the best candidate (Howell et al., arXiv 2212.00541)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.planning.optimizers.base import FixedGaussian, Noise


@dataclass(frozen=True)
class PredictiveSamplingConfig:
    """Parameters of predictive sampling."""

    noise: Noise = Noise()


class PredictiveSampling(FixedGaussian):
    """The simplest baseline: a fixed Gaussian, and the best candidate wins."""

    name = "predictive_sampling"

    def __init__(self, config: PredictiveSamplingConfig, knots: int) -> None:
        """Start with the configured Sigma for K knots, which stays constant."""
        super().__init__(config.noise, knots)

    def update(self, nominal: Array, knots: Array, costs: Array) -> Array:
        """Return the best candidate (K, 3)."""
        best: Array = knots[int(np.argmin(costs))]
        return best
