"""``gpc train-walker``: a walker of one's own; a front of gpc_ros.walking."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.cli.training import checkpoint_path, interrupted, require, show
from gpc_ros.common import config

if TYPE_CHECKING:
    from gpc_ros.training.walker.ppo import Trainer

_PACKAGES = ("matplotlib", "rsl_rl", "torch")


def add_parser(subparsers: Any) -> None:
    """Add ``train-walker`` to the command."""
    parser = subparsers.add_parser(
        "train-walker",
        help="train a walker that tracks velocity commands",
        description="Trains a small network to walk, by reinforcement learning in randomised "
        "simulations. Writes FILE.json (the card), FILE.safetensors and curves FILE.svg. Stopped "
        "with Ctrl-C, the same command goes on from the last checkpoint. Needs the walker extra: "
        "make training, or pip install 'gpc_ros[walker]'.",
    )
    parser.add_argument("--out", type=Path, required=True, help="what to write, such as go2")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter of the training (iterations=500, reward.slip=1, random.payload=5); may "
        "be given again",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train with a line now and then, and write the walker."""
    require(_PACKAGES, "walker", "training a walker")
    from gpc_ros.common.assignments import parse_assignments
    from gpc_ros.training.walker.ppo import Trainer
    from gpc_ros.training.walker.walker_config import WalkConfig
    from gpc_ros.training.walker.walker_store import store

    sets = parse_assignments(",".join(args.set), "--set")
    chosen = config.replace(WalkConfig(), sets, "gpc train-walker")
    path = args.out if args.out.suffix == ".json" else args.out.with_name(f"{args.out.name}.json")
    checkpoint = checkpoint_path(path)
    trainer = Trainer(chosen, checkpoint)
    if trainer.done:
        print(f"going on after update {trainer.done}")
    try:
        trainer.run(show_update)
    except KeyboardInterrupt:
        return interrupted()
    words = "".join(f" --set {shlex.quote(s)}" for s in args.set)
    card = store(path, trainer, [f"gpc train-walker --out {shlex.quote(str(args.out))}{words}"])
    checkpoint.unlink(missing_ok=True)
    figures = ", ".join(f"{name} {value}" for name, value in card.figures.items())
    print(f"{path}: {figures}")
    return 0


def show_update(trainer: Trainer) -> None:
    """Show how far the training is: in place on a terminal, else every 25th update."""
    h, total = trainer.history, trainer.config.iterations
    recent = h["seconds"][-20:]
    left = (total - trainer.done) * sum(recent) / len(recent)
    text = (
        f"update {trainer.done}/{total}: reward {h['reward'][-1]:.2f}/s, falls "
        f"{h['falls'][-1]:.2f}/min, errors {h['speed_error'][-1]:.3f} m/s "
        f"{h['turning_error'][-1]:.3f} rad/s, {left / 60.0:.0f} min left"
    )
    show(text, trainer.done, 25, trainer.done == total)
