"""Prepare data for charts: round ticks, resampling, thinning, intervals of equal state."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from gpc_ros.common.arrays import Array, BoolArray

# Longer lines are thinned to the extremes of each step.
_MOST_POINTS = 1_600
# Number of points farthest from the median that thinned points keep.
_OUTLIERS = 60


def spans(times: Array, states: Sequence[str], end: float) -> list[tuple[str, float, float]]:
    """Return name, begin and end [s] of each interval of equal states, up to ``end``."""
    changes = [i for i in range(len(states)) if i == 0 or states[i] != states[i - 1]]
    begins = [float(times[i]) for i in changes]
    ends = [*begins[1:], *(max(end, begin) for begin in begins[-1:])]
    return [(states[i], b, e) for i, b, e in zip(changes, begins, ends, strict=True)]


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """Return round numbers that cover a range in about this many steps."""
    span = high - low
    if not math.isfinite(span) or span <= 0.0:
        return [low, low + 1.0] if math.isfinite(low) else [0.0, 1.0]
    raw = span / count
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * magnitude >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def number(value: float, ticks: Sequence[float]) -> str:
    """Return a tick's number with as many digits as its neighbours need."""
    step = min((b - a for a, b in itertools.pairwise(ticks)), default=1.0)
    digits = next((d for d in range(7) if abs(round(step, d) - step) < step * 1e-6), 6)
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}") if value else "0"


def resample(time: Array, value: Array, grid: Array) -> Array:
    """Return at each time of a grid (G,) the last value before it; NaN before the first."""
    if not len(time):
        return np.full(len(grid), np.nan)
    order = np.argsort(time, kind="stable")
    index = np.searchsorted(time[order], grid, side="right") - 1
    return np.where(index >= 0, value[order][np.maximum(index, 0)], np.nan)


def thin(time: Array, value: Array) -> tuple[Array, Array]:
    """Return a long series reduced to the extremes of each short interval, in order of time."""
    order = np.argsort(time, kind="stable")
    time, value = time[order], value[order]
    if len(time) <= _MOST_POINTS:
        return time, value
    kept: list[int] = []
    for part in np.array_split(np.arange(len(time)), _MOST_POINTS // 2):
        finite = part[np.isfinite(value[part])]
        if len(finite):
            low, high = finite[np.argmin(value[finite])], finite[np.argmax(value[finite])]
            kept += sorted({int(low), int(high)})
        else:
            kept.append(int(part[0]))
    return time[kept], value[kept]


def thin_points(time: Array, value: Array) -> tuple[Array, Array]:
    """Return a long series of points, thinned evenly but with all outliers, in order of time.

    Keeping the extremes, as :func:`thin` does, would draw noise as two bands with a gap.
    """
    order = np.argsort(time, kind="stable")
    time, value = time[order], value[order]
    if len(time) <= _MOST_POINTS:
        return time, value
    kept = np.linspace(0, len(time) - 1, _MOST_POINTS - _OUTLIERS).round().astype(int)
    off = np.nan_to_num(np.abs(value - np.nanmedian(value)), nan=-1.0)
    kept = np.union1d(kept, np.argpartition(off, -_OUTLIERS)[-_OUTLIERS:])
    return time[kept], value[kept]


def stretches(good: BoolArray) -> list[slice]:
    """Return the intervals in which a condition (T,) holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(int), [0]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def pieces(time: Array, value: Array) -> list[tuple[Array, Array]]:
    """Return the intervals of a series with finite times and values."""
    return [(time[run], value[run]) for run in stretches(np.isfinite(value) & np.isfinite(time))]
