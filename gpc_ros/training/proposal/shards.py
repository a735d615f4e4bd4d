"""Shards: the plans of one episode in one file, written atomically.

A shard is a .npz archive of plain arrays and one JSON text; loading it runs no code. A checksum of
the whole content detects damage.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.documents import load_json
from gpc_ros.common.errors import DataError
from gpc_ros.common.files import write_atomic

FORMAT = "gpc_ros shard 1"
_META, _CHECKSUM = "meta", "sha256"


def _rows(*shape: int) -> Any:
    return field(default_factory=lambda: np.zeros((0, *shape)))


@dataclass
class Shard:
    """Every plan of one episode; P plans, d observations, K knots, E elites.

    The training chooses its target knots among them.

    Attributes:
        meta: provenance: seed, outcome, settings, versions.
        time: time since the start of the episode (P,) [s].
        observation: observation at the start of the plan (P, d).
        goal: x [m], y [m], yaw [rad] (P, 3).
        nominal: shifted previous plan (P, K, 3), velocity commands [m/s, m/s, rad/s].
        mean: mean of the elites (P, K, 3).
        best: best candidate (P, K, 3).
        elites: best candidates, best first (P, E, K, 3); NaN where there were fewer.
        elite_costs: costs of the elites (P, E).
        nominal_cost: cost of the shifted previous plan (P,).
    """

    meta: dict[str, Any] = field(default_factory=dict)
    time: Array = _rows()
    observation: Array = _rows(0)
    goal: Array = _rows(3)
    nominal: Array = _rows(0, 3)
    mean: Array = _rows(0, 3)
    best: Array = _rows(0, 3)
    elites: Array = _rows(0, 0, 3)
    elite_costs: Array = _rows(0)
    nominal_cost: Array = _rows()

    def __len__(self) -> int:
        """Return the number of plans."""
        return len(self.time)


# Exceptions that reading a damaged archive, array header or JSON text can raise.
_DAMAGE = (
    OSError, ValueError, KeyError, EOFError, AttributeError, TypeError, SyntaxError,
    RuntimeError, MemoryError,
    zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
_ARRAYS = tuple(f.name for f in fields(Shard) if f.name != "meta")


def path_of(folder: Path, seed: int) -> Path:
    """Return the path of the shard of a seed."""
    return folder / f"seed_{seed:08d}.npz"


def save_shard(path: Path, shard: Shard) -> None:
    """Write a shard atomically.

    Raises:
        OSError: the folder cannot be written or the disk is full.
    """
    meta = json.dumps({"format": FORMAT, **shard.meta}, sort_keys=True)
    arrays = {name: np.ascontiguousarray(getattr(shard, name)) for name in _ARRAYS}
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        allow_pickle=False,
        **{_META: _text(meta), _CHECKSUM: _text(_checksum(meta, arrays)), **arrays},
    )
    write_atomic(path, stream.getvalue())


def load_shard(path: Path) -> Shard:
    """Read a shard and verify its checksum.

    Raises:
        DataError: the file is damaged, truncated, or not a shard; the message names it.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            meta = archive[_META].tobytes().decode()
            expected = archive[_CHECKSUM].tobytes().decode()
            arrays = {name: archive[name] for name in _ARRAYS}
        document = load_json(meta)
        kind = document.pop("format")
    except FileNotFoundError:
        raise DataError(f"{path}: does not exist") from None
    except _DAMAGE as error:
        raise DataError(
            f"{path}: is damaged or not a shard ({error}); delete it and collect its seed again"
        ) from None
    if kind != FORMAT:
        raise DataError(f"{path}: is a '{kind}', this version reads '{FORMAT}'; collect again")
    if _checksum(meta, arrays) != expected:
        raise DataError(f"{path}: its checksum is wrong; delete it and collect its seed again")
    return Shard(document, **arrays)


@dataclass
class Folder:
    """The shards of a folder.

    Attributes:
        shards: every intact shard, by seed.
        problems: reasons of skipped files, one sentence each.
    """

    shards: dict[int, Shard] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def plans(self) -> int:
        """Number of plans in all shards."""
        return sum(len(shard) for shard in self.shards.values())


def shard_paths(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder with the name of a shard, ordered by seed."""
    yield from sorted(folder.glob("seed_*.npz"))


def load_folder(folder: Path) -> Folder:
    """Read all shards of a folder; damaged files are listed and skipped."""
    found = Folder()
    for path in shard_paths(folder):
        try:
            shard = load_shard(path)
            found.shards[int(shard.meta["seed"])] = shard
        except DataError as error:
            found.problems.append(str(error))
        except (KeyError, TypeError, ValueError):
            found.problems.append(f"{path}: has no seed")
    return found


def _text(text: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(text.encode(), np.uint8)


def _checksum(meta: str, arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256(meta.encode())
    for name in _ARRAYS:
        values = arrays[name]
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
