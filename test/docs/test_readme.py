"""The README stays short, its Python runs, and its picture is one that moves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_has_at_most_150_lines() -> None:
    assert len(TEXT.splitlines()) <= 150


def test_python_of_the_readme_plans_one_cycle(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    scope: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), scope)
    command = r"\[\s*(-?\d+\.\d*)\s+(-?\d+\.\d*)\s+(-?\d+\.\d*)\s*\] (\d+\.\d+)\n"
    printed = re.fullmatch(command, capsys.readouterr().out)
    assert printed is not None
    assert any(abs(float(value)) > 0.01 for value in printed.groups()[:3])


def test_picture_of_the_readme_moves_and_is_small() -> None:
    (name,) = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)
    assert (ROOT / name).stat().st_size < 3e6
    with Image.open(ROOT / name) as picture:
        assert getattr(picture, "n_frames", 1) > 50
        assert picture.info["loop"] == 0  # for ever
