"""Plot of a training: reward, falls and tracking of every update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.svg import svg

_PANELS = (
    ("Reward a second", (("reward", "all parts"), ("reward.speed", "speed"))),
    ("Falls per minute and robot", (("falls", "falls"),)),
    ("Tracking error", (("speed_error", "speed [m/s]"), ("turning_error", "yaw rate [rad/s]"))),
)
_COLOURS = ("#2a6fbb", "#d1662b")
# Number of updates averaged in a point.
_WINDOW = 20


def training_curves(history: Mapping[str, Sequence[float]]) -> str:
    """Return an SVG of the curves."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 3.2), layout="constrained")
    panels = figure.subplots(1, len(_PANELS))
    for axes, (title, lines) in zip(panels, _PANELS, strict=True):
        for (name, label), colour in zip(lines, _COLOURS, strict=False):
            values = _smooth(np.array(history.get(name, ())))
            axes.plot(np.arange(1, len(values) + 1), values, label=label, color=colour)
        axes.set(title=title, xlabel="update")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return svg(figure)


def _smooth(values: Array) -> Array:
    """Return the moving average of the values."""
    if not len(values):
        return values
    total = np.cumsum(np.concatenate([[0.0], values]))
    end = np.arange(1, len(values) + 1)
    begin = np.maximum(end - _WINDOW, 0)
    smooth: Array = (total[end] - total[begin]) / (end - begin)
    return smooth
