"""Read and write model cards (JSON) and the weight files that they name.

Loading runs no code: weights are safetensors, and their checksum must be that of the card.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpc_ros.common.documents import DocumentError, read_json
from gpc_ros.common.errors import ModelFileError
from gpc_ros.common.files import read_input, write_atomic

# No network of this package is larger [bytes].
_MAX_WEIGHTS = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The entries that the cards of all trained models have in common.

    Attributes:
        files: name and SHA-256 of each file of weights, by kind (safetensors, onnx).
        training: parameters of the training, by dotted name.
        figures: measured results.
        made_with: versions and machine.
        reproduce: the commands that reproduce the model.
    """

    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    made_with: Mapping[str, str] = field(default_factory=dict)
    reproduce: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the card as text."""
        return json.dumps(asdict(self), indent=1) + "\n"


def common_entries(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of :class:`ModelCard` in the entries of a card.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: an entry is missing or malformed.
    """
    return {
        "files": {str(k): dict(v) for k, v in document["files"].items()},
        "training": dict(document["training"]),
        "figures": dict(document["figures"]),
        "made_with": dict(document["made_with"]),
        "reproduce": tuple(str(line) for line in document["reproduce"]),
    }


def write_card(path: Path, card: ModelCard) -> None:
    """Write a card atomically."""
    write_atomic(path, card.to_json())


def write_weights(card_file: Path, arrays: Mapping[str, Any]) -> dict[str, str]:
    """Write arrays as safetensors beside a card, atomically; return their entry in ``files``."""
    from safetensors.numpy import save

    content = save({name: np.ascontiguousarray(value) for name, value in arrays.items()})
    path = card_file.with_suffix(".safetensors")
    write_atomic(path, content)
    return {"name": path.name, "sha256": checksum(content)}


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def read_document(path: Path, what: str, cure: str, expected: str = "") -> dict[str, Any]:
    """Return the entries of a JSON file.

    Args:
        path: of the file.
        what: its kind for errors, such as "the card of a proposal".
        cure: remedy if the file is missing.
        expected: required format; empty accepts any.

    Raises:
        ModelFileError: the file is missing, has other contents or another format.
    """
    try:
        document = read_json(path)
    except FileNotFoundError:
        raise ModelFileError(f"{path}: does not exist; {cure}") from None
    except OSError as error:
        raise ModelFileError(f"{path}: is not {what} ({error.strerror})") from None
    except DocumentError as error:
        raise ModelFileError(f"{path}: is not {what} ({error})") from None
    if not isinstance(document, dict):
        raise ModelFileError(f"{path}: is not {what}: it holds no entries by name")
    if expected and document.get("format") != expected:
        raise ModelFileError(
            f"{path}: is of format {document.get('format')!r}, this version reads {expected!r}; "
            "train it again"
        )
    return document


def parse_weights(path: Path, content: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a safetensors file in single precision.

    Args:
        path: for the message.
        content: of the file.

    Raises:
        ModelFileError: it is damaged, or an array has an element type other than 32 or 64 bit
            floating point, or a value that is not finite.
    """
    import safetensors
    from safetensors.numpy import load

    try:
        found = load(content)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(
            f"{path}: its weights cannot be read ({error}); 32 bit floating point is needed"
        ) from None
    arrays: dict[str, NDArray[np.float32]] = {}
    for name, value in found.items():
        if value.dtype not in (np.float32, np.float64):
            raise ModelFileError(
                f"{path}: weights '{name}' are {value.dtype}; 32 bit floating point is needed"
            )
        with np.errstate(over="ignore"):
            arrays[name] = np.asarray(value, np.float32)
        if not np.isfinite(arrays[name]).all():
            raise ModelFileError(f"{path}: weights '{name}' are not finite")
    return arrays


def invalid_entry(path: Path, error: Exception) -> ModelFileError:
    """Return the error for a file with missing or invalid entries."""
    return ModelFileError(
        f"{path}: has a missing or invalid entry ({type(error).__name__}: {error})"
    )


def read_named(card_file: Path, entry: Mapping[str, str]) -> bytes:
    """Return the file that a card names, after comparing its checksum.

    Args:
        card_file: the card, whose folder it is in.
        entry: ``name`` and ``sha256`` of the file.

    Raises:
        ModelFileError: the file is missing or differs from the one of the card.
    """
    # Only the name, so that a card cannot point into other folders.
    name = Path(str(entry["name"])).name
    if not name or "\0" in name or not isinstance(entry["sha256"], str):
        raise ModelFileError(f"{card_file}: names no file of weights with a checksum")
    path = card_file.with_name(name)
    try:
        content = read_input(path, _MAX_WEIGHTS)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
    if checksum(content) != entry["sha256"]:
        raise ModelFileError(
            f"{path}: is damaged or not the file that {card_file.name} was written for "
            "(its SHA-256 differs); copy both again"
        )
    return content
