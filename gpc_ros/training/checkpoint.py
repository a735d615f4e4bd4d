"""The state of an interrupted training in a file: arrays and one JSON text, no code."""

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
    """Where a training stands.

    Attributes:
        identity: what it is a training of; another one does not go on from here.
        progress: plain values.
        arrays: weights and the optimizer's memory, by name.
    """

    identity: Mapping[str, Any]
    progress: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        text = json.dumps({"identity": self.identity, "progress": self.progress})
        write_atomic(path, save(dict(self.arrays), {"training": text}))

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Return what a file holds; None if there is none or it is of no use: begin anew then."""
        try:
            with safe_open(path, framework="numpy") as opened:
                text = load_json((opened.metadata() or {})["training"])
            return cls(text["identity"], text["progress"], load(path.read_bytes()))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            return None
