"""The interface of the sampling-based optimizers and the noise that all of them share.

An optimizer owns a search distribution over knots; the planner owns the nominal. One planning
cycle is ``sample`` -> rollouts -> ``update``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.errors import InputError

# Part of the candidates that counts as elites.
ELITE_SHARE = 0.25


@dataclass(frozen=True)
class Noise:
    """Standard deviation of the Gaussian around the nominal knots."""

    FORMER_NAMES: ClassVar[dict[str, str]] = {"growth": "noise_ramp"}

    sigma: tuple[float, float, float] = param(
        (0.5, 0.3, 1.0),
        "Standard deviation of vx [m/s], vy [m/s] and yaw rate [rad/s] at the first knot",
        low=0.0,
        high=5.0,
        live=True,
    )
    noise_ramp: float = param(
        1.0,
        "Standard deviation of the last knot relative to the first",
        low=0.1,
        high=10.0,
        live=True,
    )

    correlation: float = param(
        0.4,
        "Fraction of the variance that is common to all knots of a candidate",
        low=0.0,
        high=1.0,
        live=True,
    )

    def initial(self, count: int) -> Array:
        """Return the standard deviations (K, 3) of K knots, growing linearly with time."""
        return np.linspace(1.0, self.noise_ramp, count)[:, None] * np.array(self.sigma)


class Optimizer(Protocol):
    """A search distribution over knots.

    Attributes:
        name: how it is chosen.
        sigma: current standard deviation (K, 3).
    """

    name: str
    sigma: Array

    def sample(self, nominal: Array, count: int, rng: np.random.Generator) -> Array:
        """Draw candidates (count, K, 3) around a nominal (K, 3); the first is the nominal."""
        ...

    def update(self, nominal: Array, knots: Array, costs: Array) -> Array:
        """Move the distribution and return the knots (K, 3) to execute.

        Args:
            nominal: (K, 3) that was sampled around.
            knots: (n, K, 3) candidates.
            costs: (n,); infinite for an invalid candidate, at least one finite.
        """
        ...

    def reset(self) -> None:
        """Return to the initial state, as after a new goal."""
        ...

    def state_dict(self) -> Array:
        """Return the state that the next cycle depends on, a flat array; possibly empty."""
        ...

    def load_state_dict(self, memory: Array) -> None:
        """Resume from a state of :meth:`memory`.

        Raises:
            InputError: the state is of another optimizer or number of knots.
        """
        ...


def gaussian(
    nominal: Array, sigma: Array, count: int, rng: np.random.Generator, correlation: float = 0.0
) -> Array:
    """Draw candidates (count, K, 3) from a Gaussian; candidate 0 is the nominal (K, 3) itself.

    The others come in mirrored pairs around the nominal (antithetic sampling): even with few
    samples, opposite directions are tried equally often.

    Args:
        nominal: mean (K, 3).
        sigma: standard deviations (K, 3).
        count: number of candidates.
        rng: source of randomness.
        correlation: fraction of the variance common to the knots of a candidate; a walk around an
            object needs commands that last longer than the time between knots.
    """
    pairs = count // 2 + 1
    each = rng.standard_normal((pairs, *nominal.shape))
    common = rng.standard_normal((pairs, 1, nominal.shape[1]))
    noise = np.sqrt(1.0 - correlation) * each + np.sqrt(correlation) * common
    # Candidate 0 is the nominal; 1 and 2, 3 and 4, ... are pairs.
    noise = np.stack([noise, -noise], axis=1).reshape(-1, *nominal.shape)[1 : count + 1]
    knots = nominal + sigma * noise
    knots[0] = nominal
    return knots


class FixedGaussian:
    """Base of the optimizers with a fixed distribution.

    Args:
        noise: the Gaussian.
        knots: number of knots K.
    """

    name = ""

    def __init__(self, noise: Noise, knots: int) -> None:
        """Start with the configured Sigma."""
        self._correlation = noise.correlation
        self.sigma = noise.initial(knots)

    def reset(self) -> None:
        """Do nothing: the distribution is fixed."""

    def state_dict(self) -> Array:
        """Return nothing."""
        return np.zeros(0)

    def load_state_dict(self, memory: Array) -> None:
        """Resume from a memory, which must be empty."""
        if memory.size:
            raise InputError(f"{self.name}: has no memory, was given {memory.size} numbers")

    def sample(self, nominal: Array, count: int, rng: np.random.Generator) -> Array:
        """Draw candidates; see :class:`Optimizer`."""
        return gaussian(nominal, self.sigma, count, rng, self._correlation)


def elite_count(candidates: int, share: float = ELITE_SHARE) -> int:
    """Return how many of the best candidates count as elites: at least two."""
    return max(2, round(share * candidates))


def softmin_weights(costs: Array, temperature: float) -> Array:
    """Return weights (n,) proportional to exp(-(cost - best) / temperature); invalid ones get 0."""
    weights = np.exp(-(costs - costs.min()) / max(temperature, 1e-9))
    normalised: Array = weights / weights.sum()
    return normalised
