"""The table of docs/walker.md, made from docs/results/walkers.json."""

from __future__ import annotations

import json
from pathlib import Path

from gpc_ros.evaluation.walker_metrics import Measured, table

RESULTS = "docs/results/walkers.json"


def walker_blocks(root: Path) -> dict[str, str]:
    """Return the table of docs/walker.md from the stored results; empty without results."""
    path = root / RESULTS
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))["walkers"]
    return {"walkers": table({title: Measured(**figures) for title, figures in found.items()})}
