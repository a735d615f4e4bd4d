"""Two runs on one page: metrics, differing settings, and missing data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.cli.main import main
from gpc_ros.report import comparison
from gpc_ros.report.comparison import (
    render_comparison,
    setting_differences,
    side,
    side_metrics,
)

Make = Callable[..., Any]


def test_the_better_value_is_bold_and_the_seed_is_listed(tmp_path: Path, made_run: Make) -> None:
    fast, slow = made_run(reach=1.0), made_run(reach=2.0)
    slow.info["seed"] = "8"
    sides = (side(fast.write(tmp_path / "a"), "fast"), side(slow.write(tmp_path / "b"), "slow"))
    assert side_metrics(sides[0])["time"][0] < side_metrics(sides[1])["time"][0]
    assert setting_differences(sides) == [("seed", "7", "8")]
    page = render_comparison(sides)
    row = page.partition("<th>time</th>")[2].partition("</tr>")[0]
    first, second = row.split("</td>")[:2]
    assert "<b>" in first and "<b>" not in second
    assert "fast: robot" in page and "slow: box" in page
    assert "http://" not in page and "https://" not in page  # nothing is loaded from elsewhere


def test_the_same_run_twice_has_no_differences(tmp_path: Path, made_run: Make) -> None:
    bag = made_run().write(tmp_path / "a")
    page = render_comparison((side(bag, "one"), side(bag, "two")))
    assert "All settings and versions are the same." in page
    figures = page.partition("<h2>Metrics</h2>")[2].partition("</table>")[0]
    assert "<b>" not in figures


@pytest.mark.parametrize("topic", ["planner/status", "ground_truth", "goal", "supervisor", "plan"])
def test_one_run_may_lack_any_topic(tmp_path: Path, made_run: Make, topic: str) -> None:
    poor = made_run()
    poor.leave_out = {topic, "scene_state"}
    whole = side(made_run().write(tmp_path / "whole"), "whole")
    assert "<h1>Two runs compared" in render_comparison(
        (side(poor.write(tmp_path / "poor"), "poor"), whole)
    )


def test_an_empty_bag_has_no_metrics(tmp_path: Path) -> None:
    BagWriter(tmp_path / "bag").close()
    empty = side(tmp_path / "bag", "empty")
    known = {name for name, (value, _, _) in side_metrics(empty).items() if np.isfinite(value)}
    assert known <= {"time"}
    assert "Neither bag contains a state of the robot." in render_comparison((empty, empty))


def test_the_command_writes_the_comparison(
    tmp_path: Path, made_run: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in (("one", "1"), ("two", "2")):
        made = made_run(end=1.0)
        made.info["seed"] = seed
        made.write(tmp_path / name / "bag")
    assert main(["report", str(tmp_path / "one"), str(tmp_path / "two")]) == 0
    page = tmp_path / "one" / "comparison.html"
    assert capsys.readouterr().out.strip() == str(page)
    assert "<b>two</b>" in page.read_text()


def test_runs_of_different_tasks_are_not_ranked(tmp_path: Path, made_run: Make) -> None:
    pushed, walked = made_run(reach=1.0), made_run(reach=2.0)
    walked.info["task"] = "navigate"
    page = render_comparison(
        (side(pushed.write(tmp_path / "a"), "a"), side(walked.write(tmp_path / "b"), "b"))
    )
    assert "The tasks differ" in page and "box_push and navigate" in page
    assert "<b>" not in page.partition("<h2>Metrics</h2>")[2].partition("</table>")[0]


def test_values_that_look_equal_are_not_bold(
    tmp_path: Path, made_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bag = made_run(end=1.0).write(tmp_path / "a")
    sides = (side(bag, "one"), side(bag, "two"))
    values = {"one": {"time": (1.2345, "s", True)}, "two": {"time": (1.2346, "s", True)}}
    monkeypatch.setattr(comparison, "side_metrics", lambda s: values[s.name])
    row = comparison._figures(sides).partition("<th>time</th>")[2].partition("</tr>")[0]
    assert row.count("1.23 s") == 2 and "<b>" not in row
