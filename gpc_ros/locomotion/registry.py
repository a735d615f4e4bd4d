"""The walkers by name: ``trot``, the trained ones in ``models/walkers``, or a card (.json)."""

from __future__ import annotations

from pathlib import Path

from gpc_ros.common.errors import ConfigError, suggest
from gpc_ros.common.paths import share_roots
from gpc_ros.locomotion.policy_file import load_walker
from gpc_ros.locomotion.trot import Trot
from gpc_ros.locomotion.walker import Walker

DEFAULT_WALKER = "learned"
WALKER_CHOICE = "Low-level walker: learned, trot, or the card (.json) of another trained one"


def shipped_walkers() -> dict[str, Path]:
    """Return the card of every trained walker in ``models/walkers``, by name."""
    found: dict[str, Path] = {}
    for root in share_roots():
        for card in sorted((root / "models" / "walkers").glob("*.json")):
            found.setdefault(card.stem, card)
    return found


def make_walker(name: str) -> Walker:
    """Return a walker.

    Args:
        name: ``trot``, a walker in ``models/walkers``, or the card (.json) of a trained walker.

    Raises:
        ConfigError: no walker has that name; the nearest is named.
        ModelFileError: its file is missing, damaged or of another robot.
    """
    if name == "trot":
        return Trot()
    if name.endswith(".json"):
        return load_walker(Path(name))
    shipped = shipped_walkers()
    if name not in shipped:
        known = ["trot", *sorted(shipped)]
        raise ConfigError(f"walker: unknown walker '{name}'; {suggest(name, known)}")
    return load_walker(shipped[name])
