"""The status line of an episode."""

from __future__ import annotations

from gpc_ros.evaluation.status_line import Metrics, status_line
from gpc_ros.tasks.task import Progress


def test_status_line_is_short_and_marks_unknown_values() -> None:
    assert "?" in status_line(0.0, None, Metrics())
    progress = Progress(1.0, 0.0, inside=False)
    line = status_line(12.3, progress, Metrics(20.0, 200, 2, 1.234, 0.031, "walking"))
    assert len(line) < 100
    for part in ("12.3 s", "1.00 m", "20.0 Hz", "31 ms", "missed 2 (1.0 %)", "1.234", "walking"):
        assert part in line
