"""Plot of a training: loss and energy score of every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpc_ros.common.svg import svg

if TYPE_CHECKING:
    from gpc_ros.training.proposal.flow_training import Trained


def training_curves(trained: Trained) -> str:
    """Return an SVG of both curves, with the control and the kept epoch."""
    from matplotlib.figure import Figure

    history = trained.history
    epochs = np.arange(1, len(history.loss) + 1)
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    loss, score = figure.subplots(1, 2)
    loss.plot(epochs, history.loss, label="training", color="#2a6fbb")
    loss.plot(epochs, history.validation, label="held out", color="#d1662b")
    loss.set(title="Flow-matching loss", xlabel="epoch")
    score.plot(epochs, history.score, label="flow", color="#d1662b")
    score.axhline(
        trained.control_score, label="unconditional Gaussian", color="#777777", linestyle="--"
    )
    score.axvline(trained.best, label=f"kept: epoch {trained.best}", color="#777777", linewidth=0.8)
    score.set(title="Energy score of samples, held out", xlabel="epoch")
    score.set_ylim(bottom=0.0)
    for axes in (loss, score):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return svg(figure)
