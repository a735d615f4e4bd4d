"""The file of marker offsets: written atomically, validated strictly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gpc_ros.common.arrays import Array
from gpc_ros.common.documents import DocumentError, read_yaml
from gpc_ros.common.errors import ConfigError
from gpc_ros.common.files import write_atomic
from gpc_ros.mocap.mocap_map import Offset

_HEADER = """\
# Pose of each body in its marker frame, z up: position [m], orientation (w, x, y, z).
# Read by the node mocap (parameter offsets); gpc calibrate-mocap writes the offset of the base.
"""


def read_offsets(path: Path) -> dict[str, Offset]:
    """Return the offsets in a file, by body.

    Raises:
        ConfigError: the file is missing, is not YAML, or contains other entries than offsets.
    """
    try:
        data = read_yaml(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: the offsets cannot be read ({error.strerror}); gpc calibrate-mocap makes them"
        ) from None
    except DocumentError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping from bodies to offsets")
    return {str(body): _offset(entry, f"{path}: {body}") for body, entry in data.items()}


def _offset(entry: Any, where: str) -> Offset:
    if not isinstance(entry, dict) or set(entry) != {"position", "orientation"}:
        raise ConfigError(f"{where}: expected position and orientation and nothing else")
    position = _numbers(entry["position"], 3, f"{where}: position")
    orientation = _numbers(entry["orientation"], 4, f"{where}: orientation")
    norm = float(np.linalg.norm(orientation))
    if abs(norm - 1.0) > 0.01:
        raise ConfigError(f"{where}: orientation (w, x, y, z) has norm {norm:.3f}, not 1")
    return Offset(position, orientation / norm)


def _numbers(values: Any, size: int, where: str) -> Array:
    good = isinstance(values, list) and len(values) == size
    if not good or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values
    ):
        raise ConfigError(f"{where}: expected {size} finite numbers, got {values!r}")
    return np.array(values, dtype=np.float64)


def write_offsets(path: Path, offsets: Mapping[str, Offset]) -> None:
    """Write offsets by body atomically.

    Raises:
        ConfigError: the file cannot be written; the old one is untouched.
    """
    plain = {
        body: {
            "position": [round(float(v), 5) for v in offset.position],
            "orientation": [round(float(v), 7) for v in offset.orientation],
        }
        for body, offset in offsets.items()
    }
    try:
        write_atomic(path, _HEADER + yaml.safe_dump(plain, sort_keys=True, default_flow_style=None))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None
