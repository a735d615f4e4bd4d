"""Where trainings compute."""

from __future__ import annotations

import torch


def select_device(name: str) -> str:
    """Return where to compute: the GPU if there is one, unless another is named."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
