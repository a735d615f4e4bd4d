"""Files are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpc_ros.common.errors import InputError
from gpc_ros.common.files import exclusive, mendable, new_path, open_input, write_atomic


def test_content_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_atomic(path, "one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_a_failure_leaves_the_old_content_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.txt"
    write_atomic(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo", "folder"])
def test_only_regular_files_are_replaced(tmp_path: Path, kind: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "out"
    victim.write_text("precious")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(victim if kind == "link" else tmp_path / "nowhere")
    before = sorted(p.name for p in tmp_path.iterdir())
    for write in (lambda: write_atomic(path, "x"), lambda: _by_program(path)):
        with pytest.raises(OSError, match=r"is a (link|FIFO|folder), and only files are replaced"):
            write()
    assert victim.read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def _by_program(path: Path, content: str = "new") -> None:
    with new_path(path) as made:
        made.write_text(content)


def test_a_program_writes_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    _by_program(path)
    assert path.read_text() == "new"
    with pytest.raises(OSError, match="nothing was written"):
        _by_program(path, "")
    with pytest.raises(KeyError), new_path(path) as made:
        made.write_text("half")
        raise KeyError
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    child = subprocess.run(
        [sys.executable, "-c", "import os, sys; from pathlib import Path\n"
         "from gpc_ros.common.files import new_file\n"
         "with new_file(Path(sys.argv[1])) as s:\n    s.write(b'half'); s.flush(); os._exit(9)",
         str(path)],
    )  # fmt: skip
    assert child.returncode == 9
    assert len(list(tmp_path.iterdir())) == 1
    write_atomic(path, "whole")
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_impossible_names_are_os_errors(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError):
        write_atomic(tmp_path / name, "x")
    with pytest.raises(OSError):
        open_input(tmp_path / name)


def test_a_name_of_the_greatest_length_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    with exclusive(path, "gpc evaluate"):
        write_atomic(path, "x")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("folder", [False, True])
def test_a_second_writer_is_refused_until_the_first_ends(tmp_path: Path, folder: bool) -> None:
    out = tmp_path / "out"
    with (
        exclusive(out, "gpc evaluate", folder),
        pytest.raises(InputError, match=f"another gpc evaluate writes it .process {os.getpid()}"),
        exclusive(out, "gpc evaluate", folder),
    ):
        pass
    with exclusive(out, "gpc evaluate", folder):
        pass
    assert not any(tmp_path.rglob("*.lock"))


def test_the_lock_of_a_killed_process_does_not_block(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    code = (
        "import os, sys; from pathlib import Path\nfrom gpc_ros.common.files import exclusive\n"
        "with exclusive(Path(sys.argv[1]), 'x'):\n    os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(out)]).returncode == 9
    assert any(tmp_path.glob(".*.lock"))
    with exclusive(out, "gpc evaluate"):
        pass


def test_an_error_names_the_target_not_the_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(OSError) as caught:
        write_atomic(path, "x")
    assert mendable(caught.value).startswith(f"{path}: folder is a folder")
    assert mendable(OSError("odd")) == ""
