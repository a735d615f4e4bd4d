"""Functions shared by the training commands."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from gpc_ros.common.errors import ConfigError

# Exit code after Ctrl-C.
INTERRUPTED = 130


def require(packages: tuple[str, ...], extra: str, what: str) -> None:
    """Refuse with the remedy where a package for training is not installed.

    Args:
        packages: modules that the training imports.
        extra: extra of gpc_ros that installs them.
        what: name of the training for the error.

    Raises:
        ConfigError: one of the packages is missing.
    """
    for name in packages:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ConfigError(
                f"{error.name} is not installed, and {what} needs it: make training, or "
                f"pip install 'gpc_ros[{extra}]'"
            ) from None


def checkpoint_path(card: Path) -> Path:
    """Return the checkpoint file beside a card."""
    return card.with_name(f".{card.stem}.training")


def interrupted() -> int:
    """Print how to continue an interrupted training; return the exit code."""
    print("\ninterrupted; the same command continues from the last checkpoint")
    return INTERRUPTED


def show(text: str, done: int, every: int, last: bool) -> None:
    """Show the progress of a training: in place on a terminal, else every few steps.

    Args:
        text: one line.
        done: steps so far.
        every: steps between two lines without a terminal.
        last: whether this is the last step.
    """
    if sys.stderr.isatty():
        print(f"\r{text} ", end="\n" if last else "", file=sys.stderr, flush=True)
    elif done % every == 0 or last:
        print(text, file=sys.stderr, flush=True)
