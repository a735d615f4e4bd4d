"""Links, FIFOs and odd names in a run's folder cause no write outside of it and no hang."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from odd_bags import points, write_mcap

from gpc_ros.cli.main import main

LINKED = ("report.html", "episode.mp4", "comparison.html", "replay.json")


@pytest.fixture
def run_folder(tmp_path: Path, made_run: Callable[..., Any]) -> Path:
    """Return a run whose output files are links into another folder."""
    folder, victim = tmp_path / "run", tmp_path / "victim"
    made_run(end=0.3).write(folder / "bag")
    victim.mkdir()
    (victim / "tables").mkdir()
    (victim / "bag_mended").mkdir()
    for name in LINKED:
        (victim / name).write_text(f"precious {name}")
        (folder / name).symlink_to(victim / name)
        (folder / f"{name}.part").symlink_to(victim / name)
    (folder / "tables").symlink_to(victim / "tables")
    (folder / "bag_mended").symlink_to(victim / "bag_mended")
    return folder


def content(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        ["report", "RUN", "--no-video"], ["report", "RUN", "RUN"], ["export", "RUN"],
        ["repair", "RUN"],
    ],
)  # fmt: skip
def test_no_output_is_written_through_a_link(
    run_folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(run_folder.parent / "victim")
    assert main(["bag", *(w.replace("RUN", str(run_folder)) for w in words)]) == 2
    assert "is a link" in capsys.readouterr().err
    assert content(run_folder.parent / "victim") == before
    assert not [p for p in run_folder.iterdir() if p.name.startswith(".gpc-")]


def test_links_with_old_temporary_names_are_not_followed(run_folder: Path) -> None:
    before = content(run_folder.parent / "victim")
    for name in LINKED:
        (run_folder / name).unlink()
    assert main(["bag", "report", str(run_folder), "--no-video"]) == 0
    assert content(run_folder.parent / "victim") == before


@pytest.mark.parametrize("command", ["report", "export", "repair", "replay"])
@pytest.mark.parametrize("kind", ["fifo", "in_folder", "metadata", "nul", "long", "device"])
def test_odd_inputs_are_rejected_at_once_in_one_sentence(
    tmp_path: Path, command: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = tmp_path / "b.mcap"
    if kind == "fifo":
        os.mkfifo(bag)
    elif kind == "in_folder":
        bag = tmp_path / "b"
        bag.mkdir()
        os.mkfifo(bag / "b_0.mcap")
    elif kind == "metadata":
        bag = tmp_path / "b"
        write_mcap(bag / "b_0.mcap", points(2))
        os.mkfifo(bag / "metadata.yaml")
    elif kind == "device":
        bag.symlink_to("/dev/zero")
    else:
        bag = tmp_path / ("a\0b.mcap" if kind == "nul" else "x" * 300 + ".mcap")
    code = main(["bag", command, str(bag)])
    error = capsys.readouterr().err
    assert "Traceback" not in error and "unexpected error" not in error
    if kind != "metadata":
        assert code == 2
        assert error.count("\n") == 1
