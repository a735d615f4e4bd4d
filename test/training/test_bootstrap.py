"""Bootstrapping rounds, and the commands that collect, train and compare."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gpc_ros.cli.main import main
from gpc_ros.proposal.card import load_card
from gpc_ros.training.proposal.shards import load_folder

pytest.importorskip("torch", reason="needs the training extra: make training")

SMALL = [
    "collect.episode.duration=0.5", "collect.episode.planner.num_rollouts=4",
    "collect.episode.planner.horizon=0.4", "collect.keep_failures=true",
    "train.hidden=[8,8]", "train.epochs=2", "train.validation=0.3", "train.device=cpu",
    "validation.duration=0.3", "validation.planner.num_rollouts=4",
    "validation.planner.horizon=0.4",
]  # fmt: skip


def test_every_round_collects_with_the_proposal_of_the_one_before(tmp_path: Path) -> None:
    out = tmp_path / "rounds"
    command = [
        "bootstrap", "navigate", "--rounds", "2", "--episodes", "3", "--out", str(out),
        "--validation-seeds", "7:9", "--first-seed", "50", "--processes", "1",
        "--set", ",".join(SMALL),
    ]  # fmt: skip
    assert main(command) == 0
    first, second = (load_folder(out / f"round_{k}" / "shards").shards for k in range(2))
    assert sorted(first) == [50, 51, 52]
    assert sorted(second) == [53, 54, 55]
    assert "proposal_sha256" not in first[50].meta["settings"]
    card = load_card(out / "round_0" / "proposal.json")
    used = second[53].meta["settings"]["proposal_sha256"]
    assert used == card.files["safetensors"]["sha256"]
    assert load_card(out / "round_1" / "proposal.json").data["episodes"] == 6
    table = json.loads((out / "rounds.json").read_text())
    assert [row["name"] for row in table["rounds"]] == ["plain", "round 0", "round 1"]
    assert table["validation_seeds"] == [7, 8]

    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.suffix in (".npz", ".onnx")}
    assert main(command) == 0
    after = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.suffix in (".npz", ".onnx")}
    assert after == before


def test_the_command_trains_on_collected_shards(
    taught: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    sets = ["--set", "hidden=[8,8]", "--set", "epochs=3", "--set", "device=cpu"]
    assert main(["train", str(taught), "--out", str(out), *sets]) == 0
    card = load_card(out.with_suffix(".json"))
    collected = "gpc proposal collect navigate --episodes 12 --first-seed 0"
    assert card.reproduce[0].startswith(collected)
    assert card.reproduce[1] == (
        f"gpc proposal train {taught} --out {out} --set 'hidden=[8,8]' --set epochs=3 "
        "--set device=cpu"
    )
    assert sorted(p.name for p in tmp_path.glob("made*")) == [
        "made.json", "made.onnx", "made.safetensors", "made.svg", "made_gaussian.json",
        "made_gaussian.safetensors",
    ]  # fmt: skip
    assert "720 plans of 12 episodes of navigate" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["train", "{}", "--out", "x", "--set", "epoch=3"], "'epoch'.*did you mean 'epochs'"),
        (["train", "{}", "--out", "x"], "holds no plan to train on"),
        (
            ["bootstrap", "navigate", "--out", "x", "--set", "epochs=3"],
            "'epochs' is ambiguous: write one of train.epochs",
        ),
        (
            ["compare", "navigate", "--out", "x", "--samples", "4,b"],
            "num_rollouts: expected int, got 'b'",
        ),
        (["compare", "navigate", "--out", "x", "--methods", "plan"], "did you mean 'plain'"),
    ],
)
def test_wrong_arguments_are_named(
    command: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([part.format(tmp_path) for part in command]) == 2
    assert re.search(reason, capsys.readouterr().err)
