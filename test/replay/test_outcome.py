"""A recorded run is judged by the live criterion: inside the tolerance for the dwell time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.replay.load_run import load_run
from gpc_ros.replay.outcome import Outcome, judge, run_task
from gpc_ros.replay.run import Run

Make = Callable[..., Any]


def outcome_of(folder: Path) -> tuple[Outcome, Run]:
    run = load_run(BagReader(folder))
    return judge(run, run_task(run)), run


def test_success_needs_the_dwell_time(tmp_path: Path, made_run: Make) -> None:
    # The box is within 0.15 m after 85 % of the way, at 1.7 s; the dwell time adds 0.5 s.
    outcome, _ = outcome_of(made_run(reach=2.0, end=3.0).write(tmp_path / "bag"))
    assert outcome.success is True
    assert outcome.time == pytest.approx(2.2, abs=0.03)
    assert outcome.distance[-1] == pytest.approx(0.0, abs=1e-6)


def test_a_short_stay_inside_is_a_failure(tmp_path: Path, made_run: Make) -> None:
    outcome, _ = outcome_of(made_run(reach=2.0, end=2.0).write(tmp_path / "bag"))
    assert outcome.success is False
    assert outcome.time == pytest.approx(2.0, abs=0.03)


def test_failure_names_the_remaining_distance(tmp_path: Path, made_run: Make) -> None:
    outcome, _ = outcome_of(made_run(reach=10.0, end=2.0).write(tmp_path / "bag"))
    assert outcome.success is False
    assert "0.80 m and 0.00 rad from the goal" in outcome.reason


def test_a_fault_is_named(tmp_path: Path, made_run: Make) -> None:
    made = made_run(reach=10.0, end=2.0)
    made.modes.append((1.5, 6, "FAULT", ["FL_calf_joint over its torque limit"]))
    outcome, _ = outcome_of(made.write(tmp_path / "bag"))
    assert outcome.success is False
    assert "FL_calf_joint over its torque limit" in outcome.reason


def test_a_fault_before_the_goal_is_a_failure(tmp_path: Path, made_run: Make) -> None:
    made = made_run(end=1.0)
    made.leave_out = {"goal"}
    made.modes.append((-0.2, 6, "FAULT", ["no robot state for 60 ms"]))
    outcome, _ = outcome_of(made.write(tmp_path / "bag"))
    assert outcome.success is False
    assert "no robot state for 60 ms" in outcome.reason


def test_recorded_task_parameters_are_used(tmp_path: Path, made_run: Make) -> None:
    made = made_run(reach=10.0, end=2.0)
    made.info["task_params"] = "success.distance=0.99,success.dwell=0.1"
    outcome, _ = outcome_of(made.write(tmp_path / "bag"))
    assert outcome.success is True


def test_without_truth_the_estimate_is_judged(tmp_path: Path, made_run: Make) -> None:
    made = made_run()
    made.leave_out = {"ground_truth"}
    outcome, _ = outcome_of(made.write(tmp_path / "bag"))
    assert outcome.success is True


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [({"goal"}, "no goal was set"), ({"scene_state", "ground_truth"}, "no state after the goal")],
)
def test_without_data_the_outcome_is_unknown(
    tmp_path: Path, made_run: Make, left_out: set[str], reason: str
) -> None:
    made = made_run()
    made.leave_out = left_out
    outcome, _ = outcome_of(made.write(tmp_path / "bag"))
    assert outcome.success is None
    assert reason in outcome.reason


def test_with_an_unknown_task_the_planner_status_is_used(tmp_path: Path, made_run: Make) -> None:
    made = made_run()
    made.info["task"] = "box_psh"
    outcome, run = outcome_of(made.write(tmp_path / "bag"))
    assert outcome.success is None
    assert "did you mean 'box_push'" in run.problems[0]
    made.status = {"success": True}
    outcome, _ = outcome_of(made.write(tmp_path / "again"))
    assert outcome.success is True
    assert "planner reported" in outcome.reason
