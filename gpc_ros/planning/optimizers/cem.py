"""The cross-entropy method with a diagonal Gaussian, one update a planning cycle.

With elites E, the best e of the pool, and one Sigma per knot and command axis:

    mean   <- the best candidate (the planner shifts it in time)
    Sigma  <- a Sigma + (1 - a) max(std(E), floor * Sigma_0)

Sigma returns to Sigma_0 when the best cost has stopped falling, so that the search does not stall
in a local minimum (common practice; arXiv 2510.14643 bootstraps such a search).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.errors import InputError
from gpc_ros.planning.optimizers.base import ELITE_SHARE, Noise, elite_count, gaussian


@dataclass(frozen=True)
class CemConfig:
    """Parameters of the cross-entropy method."""

    FORMER_NAMES: ClassVar[dict[str, str]] = {
        "elites": "elite_fraction",
        "floor": "sigma_min_ratio",
    }

    elite_fraction: float = param(
        ELITE_SHARE,
        "Fraction of the candidates that Sigma is fitted to",
        low=0.01,
        high=1.0,
        live=True,
    )
    smoothing: float = param(0.5, "Weight a of the previous Sigma", low=0.0, high=0.99, live=True)
    sigma_min_ratio: float = param(
        0.6, "Smallest Sigma relative to its initial value", low=0.0, high=1.0, live=True
    )
    patience: int = param(
        10, "Cycles without a better best cost before Sigma is reset", low=1, high=1000, live=True
    )
    noise: Noise = Noise()


class Cem:
    """Cross-entropy method; see the module."""

    name = "cem"

    def __init__(self, config: CemConfig, knots: int) -> None:
        """Start with the configured Sigma for K knots."""
        self._config = config
        self._start = config.noise.initial(knots)
        self.reset()

    def reset(self) -> None:
        """Return to the initial Sigma."""
        self.sigma = self._start.copy()
        self._best = np.inf
        self._stalled = 0

    def sample(self, nominal: Array, count: int, rng: np.random.Generator) -> Array:
        """Draw candidates; see :class:`gpc_ros.planning.optimizers.base.Optimizer`."""
        return gaussian(nominal, self.sigma, count, rng, self._config.noise.correlation)

    def update(self, nominal: Array, knots: Array, costs: Array) -> Array:
        """Fit Sigma to the elites and return the best candidate (K, 3)."""
        c = self._config
        order = np.argsort(costs, kind="stable")
        wanted = elite_count(len(costs), c.elite_fraction)
        elites = knots[order[: min(wanted, int(np.isfinite(costs).sum()))]]
        spread = np.maximum(elites.std(axis=0), c.sigma_min_ratio * self._start)
        self.sigma = c.smoothing * self.sigma + (1.0 - c.smoothing) * spread
        self._watch(float(costs[order[0]]))
        best: Array = knots[order[0]]
        return best

    def state_dict(self) -> Array:
        """Return Sigma, the best cost and the cycles since it fell."""
        return np.concatenate([self.sigma.ravel(), [self._best, self._stalled]])

    def load_state_dict(self, memory: Array) -> None:
        """Resume from a memory; see :class:`gpc_ros.planning.optimizers.base.Optimizer`."""
        size = self._start.size
        if memory.shape != (size + 2,):
            raise InputError(f"cem: a memory has {size + 2} numbers, not {memory.size}")
        self.sigma = memory[:size].reshape(self._start.shape).copy()
        self._best, self._stalled = float(memory[size]), int(memory[size + 1])

    def _watch(self, best: float) -> None:
        """Reset Sigma when the best cost stalls."""
        self._stalled = 0 if best < self._best else self._stalled + 1
        self._best = min(best, self._best)
        if self._stalled >= self._config.patience:
            self.sigma = self._start.copy()
            self._best, self._stalled = best, 0
