"""Trained walkers as files: a card (JSON) that describes, and weights (safetensors) beside it.

Loading runs no code. A card of another format or robot, weights whose checksum is another's, and
layers that do not fit are refused with the reason.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.common.errors import ModelFileError
from gpc_ros.common.files import write_atomic
from gpc_ros.common.model_files import (
    checksum,
    invalid_entry,
    parse_weights,
    read_document,
    read_named,
)
from gpc_ros.locomotion.network import Layer, Mlp, OnnxNetwork, check_layers
from gpc_ros.locomotion.policy import Description, PolicyWalker
from gpc_ros.locomotion.policy_ranges import check_weights

FORMAT = "gpc_ros walker 1"
ROBOT = "go2"


@dataclass(frozen=True)
class WalkerCard:
    """What a trained walker is.

    Attributes:
        description: how its network is connected to the robot.
        files: name and SHA-256 of each file of weights, by kind.
        training: parameters of the training, by dotted name.
        figures: what was measured.
        made_with: versions and machine.
        reproduce: the commands that make it again.
        robot: that it was trained for.
        format: of the file.
    """

    description: Description
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    made_with: Mapping[str, str] = field(default_factory=dict)
    reproduce: tuple[str, ...] = ()
    robot: str = ROBOT
    format: str = FORMAT


def read_card(path: Path) -> WalkerCard:
    """Read a card.

    Raises:
        ModelFileError: it is missing, is no card, or of another format or robot.
    """
    document = read_document(path, "the card of a walker", "gpc walker train makes one", FORMAT)
    if document.get("robot") != ROBOT:
        raise ModelFileError(f"{path}: is for robot {document.get('robot')!r}, not {ROBOT!r}")
    try:
        return WalkerCard(
            description=parse_description(document["description"], path),
            files={str(k): dict(v) for k, v in document["files"].items()},
            training=dict(document["training"]),
            figures=dict(document["figures"]),
            made_with=dict(document["made_with"]),
            reproduce=tuple(str(line) for line in document["reproduce"]),
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
    """Return somebody's ONNX network as a walker.

    Args:
        path: of the network.
        adapter: a JSON file with the entries of :class:`Description`.

    Raises:
        ConfigError: onnxruntime is not installed.
        ModelFileError: a file is missing, damaged or does not fit.
    """
    description = parse_description(
        read_document(adapter, "an adapter", "docs/walker.md says what it holds"), adapter
    )
    return PolicyWalker(description, OnnxNetwork(description, path))


def note_figures(path: Path, figures: Mapping[str, Any]) -> None:
    """Add figures to a card, in place of those of the same names.

    Raises:
        ModelFileError: the card cannot be read.
    """
    card = read_card(path)
    written = dataclasses.replace(card, figures={**card.figures, **figures})
    write_atomic(path, json.dumps(dataclasses.asdict(written), indent=1) + "\n")


def save_walker(path: Path, card: WalkerCard, layers: Sequence[Layer]) -> WalkerCard:
    """Write weights and then the card, each whole or not at all; return the card as written."""
    from safetensors.numpy import save

    check_layers(card.description, layers)
    arrays: dict[str, Any] = {}
    for i, (weight, bias) in enumerate(layers):
        arrays[f"{i}.weight"] = np.ascontiguousarray(weight, np.float32)
        arrays[f"{i}.bias"] = np.ascontiguousarray(bias, np.float32)
    content = save(arrays)
    weights = path.with_suffix(".safetensors")
    write_atomic(weights, content)
    files = {"safetensors": {"name": weights.name, "sha256": checksum(content)}}
    written = dataclasses.replace(card, files=files)
    write_atomic(path, json.dumps(dataclasses.asdict(written), indent=1) + "\n")
    return written
