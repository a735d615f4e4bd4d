"""Checkpoint of a training in a file: arrays and one JSON text, no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from gpc_ros.common.documents import load_json
from gpc_ros.common.files import write_atomic


@dataclass(frozen=True)
class Checkpoint:
    """State of a training.

    Attributes:
        identity: settings of the training; a training with other settings rejects the checkpoint.
        progress: plain JSON values.
        arrays: weights and optimizer state, by name.
    """

    identity: Mapping[str, Any]
    progress: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    def save(self, path: Path) -> None:
        """Write the checkpoint atomically."""
        text = json.dumps({"identity": self.identity, "progress": self.progress})
        write_atomic(path, save(dict(self.arrays), {"training": text}))

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Return the checkpoint of a file; None if it is missing or unreadable."""
        try:
            with safe_open(path, framework="numpy") as opened:
                text = load_json((opened.metadata() or {})["training"])
            return cls(text["identity"], text["progress"], load(path.read_bytes()))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            return None
