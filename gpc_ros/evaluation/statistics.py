"""Confidence intervals of metrics over seeds, by the percentile bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import InputError

_RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval, in the unit of the values."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return ``mean (low-high)`` with two decimals."""
        return f"{self.mean:.2f} ({self.low:.2f}-{self.high:.2f})"


def bootstrap(values: Array | list[float], seed: int = 0, resamples: int = _RESAMPLES) -> Interval:
    """Return the mean of values (n,) with its 95 % percentile bootstrap interval.

    Source: Efron & Tibshirani, "An Introduction to the Bootstrap", ch. 13.

    Raises:
        InputError: the values are empty.
    """
    return _percentiles(np.asarray(values, dtype=np.float64), np.mean, seed, resamples)


def paired_difference(
    a: Array | list[float], b: Array | list[float], seed: int = 0, resamples: int = _RESAMPLES
) -> Interval:
    """Return mean(a - b) with its interval, for values (n,) of the same seeds in the same order.

    Raises:
        InputError: the two arrays differ in length or are empty.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise InputError(
            f"paired difference: {len(first)} and {len(second)} values are not paired; "
            "use the same seeds for both"
        )
    return _percentiles(first - second, np.mean, seed, resamples)


def _percentiles(
    values: Array, statistic: Callable[..., Array], seed: int, resamples: int
) -> Interval:
    if not len(values):
        raise InputError("bootstrap: the array of values is empty")
    rng = np.random.default_rng(seed)
    draws = statistic(values[rng.integers(0, len(values), (resamples, len(values)))], axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Interval(float(statistic(values)), float(low), float(high))
