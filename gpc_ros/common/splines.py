"""Splines over command knots: bases, evaluation, time shift and resampling.

Knots (K, A) lie at times 0, dt, 2 dt, ... A spline's value is linear in its knots, so that
one matrix product with a basis (T, K) evaluates a population of candidates. Past the last knot
its value is held.
"""

from __future__ import annotations

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import ConfigError, InputError, suggest

# Names of spline orders: piecewise constant, piecewise linear, Catmull-Rom cubic.
ORDERS = {"zero": 0, "linear": 1, "cubic": 3}


def spline_order(name: str) -> int:
    """Return the order of a named spline.

    Raises:
        ConfigError: the name is unknown; the nearest is named.
    """
    if name not in ORDERS:
        raise ConfigError(f"spline: unknown kind '{name}'; {suggest(name, ORDERS)}")
    return ORDERS[name]


def knot_interval(horizon: float, count: int, order: int) -> float:
    """Return the time between knots [s] so that they cover a horizon [s].

    A piecewise-constant spline holds its last knot for one more interval.
    """
    return horizon / (count if order == 0 else max(count - 1, 1))


def basis(times: Array, count: int, interval: float, order: int) -> Array:
    """Return B (T, K) with spline(times) = B @ knots.

    Args:
        times: (T,) [s] since the first knot; clamped to the knots' span.
        count: number of knots K.
        interval: time between knots [s].
        order: 0, 1 or 3.

    Raises:
        InputError: the order has another value.
    """
    rows = np.arange(len(times))
    result = np.zeros((len(times), count))
    # The small offset keeps a time on a knot from being rounded to the interval before it.
    position = np.clip(np.asarray(times) / interval + 1e-9, 0.0, count - 1.0)
    left = np.minimum(position.astype(np.intp), max(count - 2, 0))
    u = position - left
    if order == 0:
        result[rows, position.astype(np.intp)] = 1.0
    elif count == 1:
        result[:, 0] = 1.0
    elif order == 1:
        result[rows, left] += 1.0 - u
        result[rows, left + 1] += u
    elif order == 3:
        # Catmull-Rom: cubic Hermite with central differences as slopes; knots beyond the ends
        # repeat the end knots.
        weights = (
            (-1, 0.5 * (-u + 2 * u**2 - u**3)),
            (0, 0.5 * (2 - 5 * u**2 + 3 * u**3)),
            (1, 0.5 * (u + 4 * u**2 - 3 * u**3)),
            (2, 0.5 * (-(u**2) + u**3)),
        )
        for offset, weight in weights:
            np.add.at(result, (rows, np.clip(left + offset, 0, count - 1)), weight)
    else:
        raise InputError(f"spline order {order} is not one of {sorted(ORDERS.values())}")
    return result


def shift(knots: Array, delay: float, interval: float, order: int) -> Array:
    """Shift the knots (K, A) of a curve to a later time (the warm start).

    Args:
        knots: (K, A).
        delay: time shift [s].
        interval: time between knots [s].
        order: 0, 1 or 3.
    """
    count = len(knots)
    return basis(np.arange(float(count)) * interval + delay, count, interval, order) @ knots


def resample(knots: Array, interval: float, order: int, count: int, new_interval: float) -> Array:
    """Return K' knots (K', A) on another grid that follow the same curve."""
    return basis(np.arange(float(count)) * new_interval, len(knots), interval, order) @ knots
