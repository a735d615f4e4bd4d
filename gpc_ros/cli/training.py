"""What the commands that train have in common."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from gpc_ros.common.errors import ConfigError

# Exit code of a training that Ctrl-C stopped.
INTERRUPTED = 130


def require(packages: tuple[str, ...], extra: str, what: str) -> None:
    """Refuse with the cure where what a training needs is not installed.

    Args:
        packages: that it imports.
        extra: of this package that brings them.
        what: the training, in words.

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
    """Return the file beside a card that its training goes on from."""
    return card.with_name(f".{card.stem}.training")


def interrupted() -> int:
    """Say how an interrupted training goes on; return the exit code."""
    print("\ninterrupted; the same command goes on from the last checkpoint")
    return INTERRUPTED


def show(text: str, done: int, every: int, last: bool) -> None:
    """Show how far a training is: in place on a terminal, else now and then.

    Args:
        text: one line.
        done: steps so far.
        every: steps between two lines where there is no terminal.
        last: whether there are no more steps.
    """
    if sys.stderr.isatty():
        print(f"\r{text} ", end="\n" if last else "", file=sys.stderr, flush=True)
    elif done % every == 0 or last:
        print(text, file=sys.stderr, flush=True)
