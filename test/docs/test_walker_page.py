"""The table of docs/walker.md has the measured metrics of every shipped walker."""

from __future__ import annotations

import json
from pathlib import Path

from generate import filled_pages

from gpc_ros.locomotion.registry import shipped_walkers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "walker.md").read_text(encoding="utf-8")
RESULTS = ROOT / "docs" / "results" / "walkers.json"


def test_table_matches_the_results() -> None:
    assert filled_pages(ROOT)["docs/walker.md"] == PAGE, "run: python docs/tools/generate.py"
    assert "| falls after impulses of 2 m/s |" in PAGE


def test_every_shipped_walker_is_measured_and_listed() -> None:
    measured = json.loads(RESULTS.read_text(encoding="utf-8"))["walkers"]
    for name in ("trot", *shipped_walkers()):
        assert name in measured
        assert f"| `{name}` |" in PAGE
