"""``gpc train``: a proposal from collected plans; a front of gpc_ros.proposal."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.cli.training import checkpoint_path, interrupted, require, show
from gpc_ros.common import config

if TYPE_CHECKING:
    from gpc_ros.training.proposal.dataset import Dataset
    from gpc_ros.training.proposal.flow_training import Trainer

# What training a proposal needs besides.
PACKAGES = ("matplotlib", "onnx", "torch")


def add_parser(subparsers: Any) -> None:
    """Add ``train`` to the command."""
    parser = subparsers.add_parser(
        "train",
        help="train a proposal on collected plans",
        description="Trains a conditional flow-matching model and a cost to go on the shards of "
        "gpc collect. Writes FILE.safetensors, FILE.onnx, a card FILE.json, curves FILE.svg and, "
        "as FILE_gaussian.json, the unconditional control. Stopped with Ctrl-C, the same command "
        "goes on from the last checkpoint. Needs the training extra: make training, or "
        "pip install 'gpc_ros[train]'.",
    )
    parser.add_argument("folder", type=Path, nargs="+", help="shards of gpc collect")
    parser.add_argument("--out", type=Path, required=True, help="what to write, such as box_push")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter of the training (target=best, epochs=200, cost.windows=0); may be given "
        "again",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train with a line an epoch and say what came out."""
    require(PACKAGES, "train", "training")
    from gpc_ros.common.assignments import parse_assignments
    from gpc_ros.proposal.card import card_path
    from gpc_ros.training.proposal.dataset import load_dataset
    from gpc_ros.training.proposal.flow_training import train
    from gpc_ros.training.proposal.proposal_store import store
    from gpc_ros.training.proposal.training_config import TrainConfig

    sets = parse_assignments(",".join(args.set), "--set")
    chosen = config.replace(TrainConfig(), sets, "gpc train")
    dataset = load_dataset(args.folder, chosen.target, chosen.seed)
    for problem in dataset.problems:
        print(f"skipped: {problem}")
    print(f"{len(dataset)} plans of {len(dataset.episodes)} episodes of {dataset.task}")
    card_file = card_path(args.out)
    checkpoint = checkpoint_path(card_file)
    try:
        trained = train(dataset, chosen, checkpoint, show_epoch)
    except KeyboardInterrupt:
        return interrupted()
    how = [reproduce_collection(dataset, args.folder), command_line(args)]
    card = store(card_file, dataset, chosen, trained, how)
    checkpoint.unlink(missing_ok=True)
    figures = ", ".join(f"{name} {value}" for name, value in card.figures.items())
    print(f"{card_file}: {figures}")
    return 0


def show_epoch(trainer: Trainer) -> None:
    """Show how far the training is: in place on a terminal, else every tenth epoch."""
    h, c = trainer.history, trainer.config
    done = len(h.loss)
    text = (
        f"epoch {done}/{c.epochs}: loss {h.loss[-1]:.4f}, held out {h.validation[-1]:.4f}, "
        f"energy score {h.score[-1]:.4f} (best {min(h.score):.4f})"
    )
    show(text, done, 10, trainer.done)


def reproduce_collection(dataset: Dataset, folders: list[Path]) -> str:
    """Return the collection as a command; what it did not set had the default."""
    from gpc_ros.proposal.sampler import NONE
    from gpc_ros.training.proposal.collection import CollectConfig

    settings = {"episode.planner.proposal.file": NONE, **dataset.settings}
    defaults = config.flatten(
        config.replace(CollectConfig(), {"episode.task": dataset.task}, "gpc train")
    )
    sets = [
        f" --set {name}={value}"
        for name, value in settings.items()
        if defaults.get(name, settings[name]) != value
    ]
    first, last = int(dataset.episodes.min()), int(dataset.episodes.max())
    return (
        f"gpc collect {dataset.task} --episodes {last - first + 1} --first-seed {first} "
        f"--out {folders[0]}{''.join(sets)}"
    )


def command_line(args: argparse.Namespace) -> str:
    """Return this training as a command."""
    folders = " ".join(shlex.quote(str(folder)) for folder in args.folder)
    sets = "".join(f" --set {shlex.quote(s)}" for s in args.set)
    return f"gpc train {folders} --out {shlex.quote(str(args.out))}{sets}"
