"""The exceptions of gpc_ros; each message names the fault, the place and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# Exit code of a node or process that refused to start.
REFUSED = 2


class GpcError(Exception):
    """Base of every error that a user can cause and correct."""


class ConfigError(GpcError):
    """A parameter has an unknown name, a wrong type or a value out of its range."""


class ModelFileError(GpcError):
    """A model file (MJCF, weights) is missing, damaged or made for something else."""


class InputError(GpcError):
    """An array or message has the wrong length, is not finite or is out of bounds."""


class UnreachableGoalError(GpcError):
    """A goal lies outside the workspace of its task."""


class BagError(GpcError):
    """A bag cannot be written, or a part of it cannot be read."""


class DataError(GpcError):
    """A file of collected data is missing, damaged or of another kind."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known entries closest to a misspelt name.

    Args:
        name: the misspelt name.
        known: every accepted spelling.

    Returns:
        ``"did you mean 'x'?"`` if a name is close, else the list of accepted names.
    """
    options = sorted(known)
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    return "known: " + ", ".join(options)
