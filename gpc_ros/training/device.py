"""Selection of the device for training."""

from __future__ import annotations

import torch


def select_device(name: str) -> str:
    """Return the named device, or the GPU if available."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
