"""The judge: success takes dwell, failure takes time, and leaving the tolerance starts over."""

from __future__ import annotations

import numpy as np
import pytest

from gpc_ros.evaluation.judge import Judge, Metrics, Verdict, status_line
from gpc_ros.tasks import make_task
from gpc_ros.tasks.task import standing_robot

TASK = make_task("navigate", {"success.dwell": 0.5})
GOAL = np.array([1.0, 0.0, 0.0])
AT_GOAL, AWAY = standing_robot(1.0, 0.0, 0.0), standing_robot(0.0, 0.0, 0.0)


def judged(inside: list[bool], step: float = 0.1, duration: float = 5.0) -> Verdict | None:
    """Feed one state per entry, ``step`` seconds apart, and return the first verdict."""
    judge = Judge(TASK, GOAL, duration)
    for i, here in enumerate(inside):
        verdict = judge.update(100.0 + i * step, AT_GOAL if here else AWAY)
        if verdict is not None:
            return verdict
    return None


def test_success_takes_the_dwell_time() -> None:
    assert judged([True] * 5) is None
    verdict = judged([True] * 7)
    assert verdict is not None and verdict.success
    assert verdict.time == pytest.approx(0.5, abs=0.11)


def test_leaving_the_tolerance_starts_the_dwell_again() -> None:
    assert judged([True] * 4 + [False] + [True] * 4) is None


def test_time_runs_out() -> None:
    verdict = judged([False] * 60)
    assert verdict is not None and not verdict.success
    assert verdict.time == pytest.approx(5.0)
    assert "5 s" in verdict.reason


def test_the_line_is_short_and_shows_what_is_not_known_yet() -> None:
    assert "?" in status_line(0.0, None, Metrics())
    judge = Judge(TASK, GOAL, 5.0)
    judge.update(0.0, AWAY)
    line = status_line(12.3, judge.progress, Metrics(20.0, 200, 2, 1.234, 0.031, "walking"))
    assert len(line) < 100
    for part in ("12.3 s", "1.00 m", "20.0 Hz", "31 ms", "missed 2 (1.0 %)", "1.234", "walking"):
        assert part in line
