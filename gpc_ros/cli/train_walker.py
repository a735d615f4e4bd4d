"""``gpc walker train``: train a walker that tracks velocity commands."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpc_ros.cli.options import required
from gpc_ros.cli.parser import CommandParser
from gpc_ros.cli.training import checkpoint_path, interrupted, require, show
from gpc_ros.common import config
from gpc_ros.common.config import param

if TYPE_CHECKING:
    from gpc_ros.training.walker.ppo import Trainer

_PACKAGES = ("matplotlib", "rsl_rl", "torch")


@dataclass(frozen=True)
class Options:
    """Options of ``gpc walker train``."""

    out: str = param("", "Stem of the files to write, such as go2 (required)")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc walker train``."""
    parser.description = (
        "Trains a small network to walk, by reinforcement learning in randomised simulations.\n"
        "Writes OUT.json (the card), OUT.safetensors and curves OUT.svg. After Ctrl-C, the same\n"
        "command continues from the last checkpoint. Needs the walker extra: make training, or\n"
        "pip install 'gpc_ros[walker]'."
    )
    parser.usage = f"{parser.prog} --out OUT [--NAME VALUE ...] [--set NAME=VALUE ...]"
    parser.add_options(Options())
    parser.main = "train"
    parser.add_group("train", "parameters of the training", walk_config)


def walk_config() -> Sequence[Any]:
    """Return the parameters of the training of a walker."""
    from gpc_ros.training.walker.walker_config import WalkConfig

    return [WalkConfig()]


def run(args: argparse.Namespace) -> int:
    """Train with a line every few updates, and write the walker."""
    require(_PACKAGES, "walker", "training a walker")
    from gpc_ros.training.walker.ppo import Trainer
    from gpc_ros.training.walker.walker_config import WalkConfig
    from gpc_ros.training.walker.walker_store import store

    chosen = config.replace(WalkConfig(), args.given["train"], args.where)
    out = required(args.options.out, "--out")
    path = out if out.suffix == ".json" else out.with_name(f"{out.name}.json")
    checkpoint = checkpoint_path(path)
    trainer = Trainer(chosen, checkpoint)
    if trainer.done:
        print(f"continuing after update {trainer.done}")
    try:
        trainer.run(show_update)
    except KeyboardInterrupt:
        return interrupted()
    words = "".join(f" --set {shlex.quote(s)}" for s in args.sets)
    card = store(path, trainer, [f"gpc walker train --out {shlex.quote(str(out))}{words}"])
    checkpoint.unlink(missing_ok=True)
    figures = ", ".join(f"{name} {value}" for name, value in card.figures.items())
    print(f"{path}: {figures}")
    return 0


def show_update(trainer: Trainer) -> None:
    """Show the progress: in place on a terminal, else every 25th update."""
    h, total = trainer.history, trainer.config.iterations
    recent = h["seconds"][-20:]
    left = (total - trainer.done) * sum(recent) / len(recent)
    text = (
        f"update {trainer.done}/{total}: reward {h['reward'][-1]:.2f}/s, falls "
        f"{h['falls'][-1]:.2f}/min, errors {h['speed_error'][-1]:.3f} m/s "
        f"{h['turning_error'][-1]:.3f} rad/s, {left / 60.0:.0f} min left"
    )
    show(text, trainer.done, 25, trainer.done == total)
