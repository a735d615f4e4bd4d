"""Trained walkers as files: a card (JSON) and weights (safetensors) beside it.

A card of another format or robot, weights with another checksum and layers of the wrong size are
rejected with the reason; see :mod:`gpc_ros.common.model_files`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.common.errors import ModelFileError
from gpc_ros.common.model_files import (
    ModelCard,
    common_entries,
    invalid_entry,
    parse_weights,
    read_document,
    read_named,
    write_card,
    write_weights,
)
from gpc_ros.locomotion.network import Layer, Mlp, OnnxNetwork, check_layers
from gpc_ros.locomotion.policy import Description, PolicyWalker
from gpc_ros.locomotion.policy_ranges import check_weights

FORMAT = "gpc_ros walker 1"
ROBOT = "go2"


@dataclass(frozen=True)
class WalkerCard(ModelCard):
    """The card of a trained walker.

    Attributes:
        description: connection of its network to the robot.
        robot: robot of the training.
        format: of the file.
    """

    description: Description
    robot: str = ROBOT
    format: str = FORMAT


def read_card(path: Path) -> WalkerCard:
    """Read a card.

    Raises:
        ModelFileError: the file is missing, malformed, or of another format or robot.
    """
    document = read_document(path, "the card of a walker", "gpc walker train makes one", FORMAT)
    if document.get("robot") != ROBOT:
        raise ModelFileError(f"{path}: is for robot {document.get('robot')!r}, not {ROBOT!r}")
    try:
        return WalkerCard(
            description=parse_description(document["description"], path),
            **common_entries(document),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise invalid_entry(path, error) from None


def parse_description(values: Any, path: Path) -> Description:
    """Return a description from a card or an adapter file.

    Raises:
        ModelFileError: an entry is missing, unknown or wrong.
    """
    try:
        known = {f.name for f in dataclasses.fields(Description)}
        if unknown := set(values) - known:
            raise ModelFileError(f"{path}: unknown entry {', '.join(sorted(unknown))}")
        given: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        given["features"] = tuple((str(name), float(scale)) for name, scale in given["features"])
        return Description(**given)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise invalid_entry(path, error) from None


def load_walker(path: Path) -> PolicyWalker:
    """Return the trained walker of a card.

    Raises:
        ModelFileError: a file is missing, damaged or does not fit.
    """
    card = read_card(path)
    try:
        arrays: dict[str, Any] = dict(
            parse_weights(path, read_named(path, card.files["safetensors"]))
        )
        count = sum(name.endswith(".weight") for name in arrays)
        check_weights(card.description.name, arrays)
        layers = [(arrays[f"{i}.weight"], arrays[f"{i}.bias"]) for i in range(count)]
    except (KeyError, TypeError, ValueError) as error:
        raise invalid_entry(path, error) from None
    return PolicyWalker(card.description, Mlp(card.description, layers))


def load_onnx(path: Path, adapter: Path) -> PolicyWalker:
    """Return an external ONNX network as a walker.

    Args:
        path: of the network.
        adapter: a JSON file with the entries of :class:`Description`.

    Raises:
        ConfigError: onnxruntime is not installed.
        ModelFileError: a file is missing, damaged or does not fit.
    """
    description = parse_description(
        read_document(adapter, "an adapter", "docs/walker.md lists its entries"), adapter
    )
    return PolicyWalker(description, OnnxNetwork(description, path))


def note_figures(path: Path, figures: Mapping[str, Any]) -> None:
    """Add figures to a card; existing figures of the same names are replaced.

    Raises:
        ModelFileError: the card cannot be read.
    """
    card = read_card(path)
    write_card(path, dataclasses.replace(card, figures={**card.figures, **figures}))


def save_walker(path: Path, card: WalkerCard, layers: Sequence[Layer]) -> WalkerCard:
    """Write weights and then the card, each atomically; return the card as written."""
    check_layers(card.description, layers)
    arrays: dict[str, Any] = {}
    for i, (weight, bias) in enumerate(layers):
        arrays[f"{i}.weight"] = np.asarray(weight, np.float32)
        arrays[f"{i}.bias"] = np.asarray(bias, np.float32)
    written = dataclasses.replace(card, files={"safetensors": write_weights(path, arrays)})
    write_card(path, written)
    return written
