"""``gpc proposal train``: train a proposal on collected plans."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.cli.options import required
from gpc_ros.cli.parser import CommandParser
from gpc_ros.cli.training import checkpoint_path, interrupted, require, show
from gpc_ros.common import config
from gpc_ros.common.config import param

if TYPE_CHECKING:
    from gpc_ros.training.proposal.dataset import Dataset
    from gpc_ros.training.proposal.flow_training import Trainer

# Packages that training a proposal imports.
PACKAGES = ("matplotlib", "onnx", "torch")


@dataclass(frozen=True)
class Options:
    """Options of ``gpc proposal train``."""

    out: str = param("", "Stem of the files to write, such as box_push (required)")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc proposal train``."""
    parser.description = (
        "Trains a conditional flow-matching model and a cost-to-go on the shards of gpc proposal\n"
        "collect. Writes OUT.safetensors, OUT.onnx, a card OUT.json, curves OUT.svg and the\n"
        "unconditional control OUT_gaussian.json. After Ctrl-C, the same command continues from\n"
        "the last checkpoint. Needs the training extra: make training, or\n"
        "pip install 'gpc_ros[train]'."
    )
    parser.usage = f"{parser.prog} FOLDER ... --out OUT [--NAME VALUE ...] [--set NAME=VALUE]"
    parser.add_argument("folder", type=Path, nargs="+", help="shards of gpc proposal collect")
    parser.add_options(Options())
    parser.main = "train"
    parser.add_group("train", "parameters of the training", train_config)


def train_config() -> Sequence[Any]:
    """Return the parameters of a training."""
    from gpc_ros.training.proposal.training_config import TrainConfig

    return [TrainConfig()]


def run(args: argparse.Namespace) -> int:
    """Train with one line per epoch and print the card's metrics."""
    require(PACKAGES, "train", "training")
    from gpc_ros.proposal.card import card_path
    from gpc_ros.training.proposal.dataset import load_dataset
    from gpc_ros.training.proposal.flow_training import train
    from gpc_ros.training.proposal.proposal_store import store
    from gpc_ros.training.proposal.training_config import TrainConfig

    out = required(args.options.out, "--out")
    chosen = config.replace(TrainConfig(), args.given["train"], args.where)
    dataset = load_dataset(args.folder, chosen.target, chosen.seed)
    for problem in dataset.problems:
        print(f"skipped: {problem}")
    print(f"{len(dataset)} plans of {len(dataset.episodes)} episodes of {dataset.task}")
    card_file = card_path(out)
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
    """Show the progress: in place on a terminal, else every tenth epoch."""
    h, c = trainer.history, trainer.config
    done = len(h.loss)
    text = (
        f"epoch {done}/{c.epochs}: loss {h.loss[-1]:.4f}, held out {h.validation[-1]:.4f}, "
        f"energy score {h.score[-1]:.4f} (best {min(h.score):.4f})"
    )
    show(text, done, 10, trainer.done)


def reproduce_collection(dataset: Dataset, folders: list[Path]) -> str:
    """Return the command that collects the data again; only settings unlike the defaults."""
    from gpc_ros.proposal.sampler import NONE
    from gpc_ros.training.proposal.collection import CollectConfig

    settings = {"episode.planner.proposal.file": NONE, **dataset.settings}
    defaults = config.flatten(
        config.replace(CollectConfig(), {"episode.task": dataset.task}, "gpc proposal train")
    )
    sets = [
        f" --set {name}={value}"
        for name, value in settings.items()
        if defaults.get(name, settings[name]) != value
    ]
    first, last = int(dataset.episodes.min()), int(dataset.episodes.max())
    return (
        f"gpc proposal collect {dataset.task} --episodes {last - first + 1} --first-seed {first} "
        f"--out {folders[0]}{''.join(sets)}"
    )


def command_line(args: argparse.Namespace) -> str:
    """Return the command that trains again."""
    folders = " ".join(shlex.quote(str(folder)) for folder in args.folder)
    sets = "".join(f" --set {shlex.quote(s)}" for s in args.sets)
    return f"gpc proposal train {folders} --out {shlex.quote(args.options.out)}{sets}"
