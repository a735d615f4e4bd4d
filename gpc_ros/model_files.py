"""Files of weights beside a card that names them with their checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from gpc_ros.errors import ModelFileError


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def read_named(card_file: Path, entry: Mapping[str, str]) -> bytes:
    """Return the file that a card names, after comparing its checksum.

    Args:
        card_file: the card, whose folder it is in.
        entry: ``name`` and ``sha256`` of the file.

    Raises:
        ModelFileError: it is missing, or not the one that the card was written for.
    """
    # Only a name: a card does not reach into other folders.
    path = card_file.with_name(Path(entry["name"]).name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
    if checksum(content) != entry["sha256"]:
        raise ModelFileError(
            f"{path}: is damaged or not the file that {card_file.name} was written for "
            "(its SHA-256 differs); copy both again"
        )
    return content
