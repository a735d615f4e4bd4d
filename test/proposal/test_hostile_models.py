"""An impossible card or impossible weights of a proposal are rejected in one sentence."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from gpc_ros.common.errors import ModelFileError
from gpc_ros.common.paths import share
from gpc_ros.locomotion.policy_file import load_walker
from gpc_ros.proposal.flow_model import load_proposal

Change = Callable[[dict[str, Any]], None]


def write(folder: Path, kind: str, name: str, card: Change, weights: Change) -> Path:
    """Write a shipped model with changes to its card and its arrays and a valid checksum."""
    source = share("models", kind, f"{name}.safetensors")
    arrays = {k: v.copy() for k, v in load(source.read_bytes()).items()}
    weights(arrays)
    raw: Any = arrays.pop("raw", None)
    content: bytes = save(arrays) if raw is None else raw
    document = json.loads(source.with_suffix(".json").read_text())
    document["files"]["safetensors"]["sha256"] = hashlib.sha256(content).hexdigest()
    card(document)
    (folder / f"{name}.safetensors").write_bytes(content)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


def entry(name: str, value: Any) -> Change:
    return lambda document: document.update({name: value})


def filled(name: str, value: float) -> Change:
    return lambda arrays: arrays[name].fill(value)


def nothing(_: dict[str, Any]) -> None:
    pass


def as_type(code: str, size: int) -> Change:
    """Weights with an element type that NumPy does not support."""

    def change(arrays: dict[str, Any]) -> None:
        header = json.dumps(
            {"x": {"dtype": code, "shape": [4], "data_offsets": [0, 4 * size]}}
        ).encode()
        arrays["raw"] = struct.pack("<Q", len(header)) + header + b"\0" * (4 * size)

    return change


@pytest.mark.parametrize(
    "card",
    [
        entry("window", float("nan")), entry("window", -1.0), entry("window", "long"),
        entry("knots", 10**9), entry("knots", 0), entry("knots", "4"), entry("knot_dt", 0.0),
        entry("knot_dt", float("nan")), entry("hidden", [-3]), entry("hidden", [10**9]),
        entry("hidden", [1] * 100_000), entry("hidden", "deep"), entry("observation", []),
        entry("observation", 3), entry("spline", []), entry("kind", {}), entry("files", []),
        entry("files", {"safetensors": {"name": "", "sha256": "x"}}),
        entry("files", {"safetensors": {"name": "a\0b", "sha256": "x"}}),
        entry("files", {"safetensors": {"name": [], "sha256": None}}),
        entry("files", {"safetensors": {"name": "/dev/zero", "sha256": "x"}}),
        entry("format", [1]), entry("knots", float("inf")), entry("reproduce", 5),
    ],
)  # fmt: skip
def test_impossible_cards_are_refused(tmp_path: Path, card: Change) -> None:
    path = write(tmp_path, "proposals", "navigate", card, nothing)
    with pytest.raises(ModelFileError) as caught:
        load_proposal(path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "weights",
    [
        filled("observation_std", 0.0), filled("knots_std", 0.0), filled("knots_std", -1.0),
        filled("knots_std", np.inf), filled("layers.0.weight", np.nan),
        filled("layers.0.bias", 3e38), filled("knots_mean", 1e30),
        as_type("BF16", 2), as_type("F8_E4M3", 1), as_type("I64", 8), as_type("F16", 2),
        lambda arrays: arrays.pop("knots_mean"),
        lambda arrays: arrays.update({"raw": b"\xff" * 100}),
        lambda arrays: arrays.update({"knots_mean": arrays["knots_mean"].astype(np.int32)}),
    ],
)  # fmt: skip
def test_impossible_weights_are_refused(tmp_path: Path, weights: Change) -> None:
    path = write(tmp_path, "proposals", "navigate", nothing, weights)
    with pytest.raises(ModelFileError) as caught:
        load_proposal(path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "weights", [as_type("BF16", 2), as_type("I32", 4), filled("0.weight", np.nan)]
)
def test_impossible_walkers_are_refused(tmp_path: Path, weights: Change) -> None:
    path = write(tmp_path, "walkers", "learned", nothing, weights)
    with pytest.raises(ModelFileError):
        load_walker(path)


def test_unchanged_models_are_accepted(tmp_path: Path) -> None:
    load_proposal(write(tmp_path, "proposals", "navigate", nothing, nothing))
    load_walker(write(tmp_path, "walkers", "learned", nothing, nothing))
