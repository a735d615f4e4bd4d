"""The card of a proposal: a JSON file beside its weights with its kind, task and walker.

A proposal of another task, observation, walker, kind of command or format is rejected with the
reason, as are weights with another checksum; see :mod:`gpc_ros.common.model_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpc_ros.common import splines
from gpc_ros.common.errors import ModelFileError
from gpc_ros.common.model_files import (
    ModelCard,
    common_entries,
    invalid_entry,
    read_document,
    read_named,
)
from gpc_ros.locomotion.walker import Walker
from gpc_ros.tasks.task import Task

FORMAT = "gpc_ros proposal 1"
# The axes of a walker's command; their signs in a left-right mirror.
COMMANDS = ("vx", "vy", "yaw rate")
COMMANDS_MIRROR = (1.0, -1.0, -1.0)
KINDS = ("flow", "gaussian")
_MAX_KNOTS, _MAX_LAYERS, _MAX_WIDTH = 1000, 64, 65_536


@dataclass(frozen=True)
class Card(ModelCard):
    """The card of a proposal.

    Attributes:
        kind: flow (conditional flow matching) or gaussian (unconditional, the control).
        task: task of the training.
        walker: walker of the training.
        observation: names of the entries of an observation (d).
        knots: number of knots K.
        knot_dt: time between them [s].
        spline: kind of curve through them.
        hidden: width of each hidden layer; empty for gaussian.
        window: duration of its cost-to-go [s]; zero without one.
        cost_hidden: width of each hidden layer of the cost-to-go.
        data: training data: seeds, plans, settings of the collection.
        commands: axes of a knot.
        format: of the file.
    """

    kind: str
    task: str
    walker: str
    observation: tuple[str, ...]
    knots: int
    knot_dt: float
    spline: str
    hidden: tuple[int, ...] = ()
    window: float = 0.0
    cost_hidden: tuple[int, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    commands: tuple[str, ...] = COMMANDS
    format: str = FORMAT

    @property
    def order(self) -> int:
        """Order of the spline."""
        return splines.spline_order(self.spline)


def card_path(path: Path) -> Path:
    """Return the card of a proposal named by its card, its weights or the stem of both."""
    return path if path.suffix == ".json" else path.with_name(card_stem(path) + ".json")


def card_stem(path: Path) -> str:
    """Return the name that the files of a proposal share."""
    known = (".json", ".safetensors", ".onnx", ".svg")
    return path.stem if path.suffix in known else path.name


def load_card(path: Path) -> Card:
    """Read a card.

    Raises:
        ModelFileError: the file is missing, malformed or of another format.
    """
    document = read_document(path, "the card of a proposal", "gpc proposal train makes one", FORMAT)
    try:
        _check_types(document)
        card = Card(
            kind=str(document["kind"]),
            task=str(document["task"]),
            walker=str(document["walker"]),
            observation=tuple(str(name) for name in document["observation"]),
            knots=int(document["knots"]),
            knot_dt=float(document["knot_dt"]),
            spline=str(document["spline"]),
            hidden=tuple(int(width) for width in document["hidden"]),
            window=float(document["window"]),
            cost_hidden=tuple(int(width) for width in document["cost_hidden"]),
            data=dict(document["data"]),
            commands=tuple(str(name) for name in document["commands"]),
            **common_entries(document),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise invalid_entry(path, error) from None
    invalid = _invalid(card)
    if invalid:
        raise ModelFileError(f"{path}: {invalid}")
    return card


def _check_types(document: Mapping[str, Any]) -> None:
    """Raise TypeError for an entry of another type than the card's."""
    numbers: dict[str, Any] = {"knots": int, "knot_dt": (int, float), "window": (int, float)}
    texts = dict.fromkeys(("kind", "task", "walker", "spline"), str)
    lists = dict.fromkeys(("observation", "hidden", "cost_hidden", "reproduce", "commands"), list)
    for name, kind in {**numbers, **texts, **lists}.items():
        value = document[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{name} is {value!r:.40}")
    for name in ("observation", "commands"):
        if not all(isinstance(text, str) for text in document[name]):
            raise TypeError(f"{name} holds something other than names")
    for name in ("hidden", "cost_hidden"):
        if not all(type(width) is int for width in document[name]):
            raise TypeError(f"{name} holds something other than whole numbers")


def _invalid(card: Card) -> str:
    """Return the first invalid entry of a card as a sentence; empty for a valid card."""
    if card.kind not in KINDS:
        return f"kind '{card.kind}' is not one of {', '.join(KINDS)}"
    if not 1 <= card.knots <= _MAX_KNOTS or not 1e-4 <= card.knot_dt < 1e3:
        return f"{card.knots} knots {card.knot_dt:g} s apart do not make a plan"
    if not 0.0 <= card.window < 1e3:
        return f"a window of {card.window:g} s is not between 0 and 1000 s"
    widths = (*card.hidden, *card.cost_hidden)
    if len(widths) > _MAX_LAYERS or not all(1 <= width <= _MAX_WIDTH for width in widths):
        return f"layers of {widths} units are not possible"
    if not 1 <= len(card.observation) <= _MAX_WIDTH:
        return f"{len(card.observation)} entries are not an observation"
    if card.spline not in splines.ORDERS:
        return f"spline '{card.spline}' is not one of {', '.join(splines.ORDERS)}"
    if "safetensors" not in card.files or not {"name", "sha256"} <= set(card.files["safetensors"]):
        return "the card names no file of weights"
    return ""


def read_weights(card_file: Path, card: Card) -> bytes:
    """Return the weights of a card after a check of their checksum.

    Raises:
        ModelFileError: the file is missing or has another checksum.
    """
    return read_named(card_file, card.files["safetensors"])


def incompatibility(card: Card, task: Task, walker: Walker) -> str:
    """Return why a proposal cannot be used for a task and walker; empty if it can."""
    if card.task != task.name:
        return f"was trained for task '{card.task}', not '{task.name}'"
    expected = tuple(entry.name for entry in task.observed)
    if card.observation != expected:
        return (
            f"expects the observation ({', '.join(card.observation)}), task {task.name} gives "
            f"({', '.join(expected)})"
        )
    if card.commands != COMMANDS:
        return f"gives the commands ({', '.join(card.commands)}), not ({', '.join(COMMANDS)})"
    if card.walker != walker.name:
        return f"was trained on the walker '{card.walker}', not '{walker.name}'"
    return ""
