"""``gpc bag repair``: the readable part of a damaged bag becomes a new bag."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.cli.main import main

# A serialised std_msgs/msg/String "ok": encapsulation, length, text.
_OK = b"\x00\x01\x00\x00" + struct.pack("<I", 3) + b"ok\x00"


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    writer = BagWriter(tmp_path / "run" / "bag", {"task": "none"}, compression="none")
    writer.add_topic("/said", "std_msgs/msg/String")
    for k in range(300):
        writer.write("/said", _OK, k * 1_000_000)
        if k % 10 == 9:
            writer.flush()
    writer.close()
    return tmp_path / "run"


def test_a_cut_bag_is_mended_beside_itself(
    run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run_folder / "bag" / "bag.mcap"
    cut = file.read_bytes()[: file.stat().st_size // 2]
    file.write_bytes(cut)
    assert main(["repair", str(run_folder)]) == 0
    mended = BagReader(run_folder / "bag_mended")
    assert mended.complete
    assert 0 < mended.count < 300
    said = capsys.readouterr().out
    assert "lost: bag.mcap" in said
    assert f"bag_mended: {mended.count} messages of 1 topics" in said
    assert file.read_bytes() == cut


def test_a_whole_bag_is_copied_and_said_to_be_whole(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "copy"
    assert main(["repair", str(run_folder / "bag"), "--out", str(out)]) == 0
    assert "was whole" in capsys.readouterr().out
    assert list(BagReader(out).raw()) == list(BagReader(run_folder).raw())


def test_nothing_is_overwritten(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run_folder / "bag_mended").mkdir()
    (run_folder / "bag_mended" / "mine.txt").write_text("mine")
    assert main(["repair", str(run_folder)]) == 2
    assert "is not empty; choose another folder" in capsys.readouterr().err
    assert (run_folder / "bag_mended" / "mine.txt").read_text() == "mine"


def test_what_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repair", str(tmp_path / "gone")]) == 2
    assert "does not exist" in capsys.readouterr().err
