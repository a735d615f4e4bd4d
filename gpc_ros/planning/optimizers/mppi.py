"""Model predictive path integral control: the plan is the softmin-weighted mean of all candidates.

    w_i ~ exp(-(J_i - min J) / lambda),   mean <- sum_i w_i U_i

(Williams et al., "Information-theoretic MPC", T-RO 2018, with equal weights on control effort.)
lambda is given relative to the spread of the costs, so that it needs no tuning per task.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.planning.optimizers.base import FixedGaussian, Noise, softmin_weights


@dataclass(frozen=True)
class MppiConfig:
    """Parameters of MPPI."""

    temperature: float = param(
        0.1,
        "lambda relative to the standard deviation of the costs",
        low=1e-3,
        high=100.0,
        live=True,
    )
    noise: Noise = Noise()


class Mppi(FixedGaussian):
    """Model predictive path integral; see the module."""

    name = "mppi"

    def __init__(self, config: MppiConfig, knots: int) -> None:
        """Start with the configured Sigma for K knots, which stays constant."""
        super().__init__(config.noise, knots)
        self._temperature = config.temperature

    def update(self, nominal: Array, knots: Array, costs: Array) -> Array:
        """Return the weighted mean (K, 3)."""
        spread = float(costs[np.isfinite(costs)].std())
        weights = softmin_weights(costs, self._temperature * spread)
        mean: Array = np.einsum("n,nka->ka", weights, knots)
        return mean
