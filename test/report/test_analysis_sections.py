"""Analysis sections of the report: delays, innovations, model error, proposal and events."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.common import config
from gpc_ros.evaluation.lockstep import EpisodeConfig, Lockstep, Observer, PlannerInputs
from gpc_ros.planning.cycle import CycleInputs, CycleRecord
from gpc_ros.replay.load_run import load_run
from gpc_ros.replay.outcome import Outcome
from gpc_ros.replay.recorded_parameters import Settings
from gpc_ros.replay.run import Body, Commands, Delay, Motion, Run
from gpc_ros.report import sections_analysis as analysis
from gpc_ros.report.charts import Canvas
from gpc_ros.report.events import events
from gpc_ros.report.model_error import ModelError, model_error
from gpc_ros.report.plan_paths import followed, plan_paths
from gpc_ros.settings.node_settings import PlannerSettings

Make = Callable[..., Any]


def empty(tmp_path: Path) -> Run:
    folder = tmp_path / "empty"
    if not folder.exists():
        BagWriter(folder).close()
    return Run(BagReader(folder), {})


def record(
    proposed: list[int], costs: list[float], indices: list[int], stamp: float
) -> CycleRecord:
    inputs = CycleInputs(stamp, stamp, np.zeros(19), np.zeros(18), np.zeros(20), np.zeros(3), "")
    return CycleRecord(
        1, 1, inputs, None, None, "", len(costs), np.zeros(0), np.zeros(0),
        np.zeros((len(costs), 1, 3)), np.array(costs), indices, proposed,
    )  # fmt: skip


def test_delays_come_from_stamps_and_times_of_receipt(tmp_path: Path, made_run: Make) -> None:
    run = load_run(BagReader(made_run().write(tmp_path / "bag")))
    for topic in ("scene_state", "plan", "joint_states", "joint_commands"):
        np.testing.assert_allclose(run.delays[topic].delay, 0.001, atol=1e-6)
    text = analysis.delays(Canvas(0.0, 3.0), run)
    assert "joint reading to command" in text and "median 1, p99 1, max 1 ms" in text


def test_late_commands_and_mocap_gaps_are_events_with_their_time(tmp_path: Path) -> None:
    run = empty(tmp_path)
    delay = np.full(50, 0.003)
    delay[20:23], delay[40] = 0.05, 0.03
    run.delays["joint_commands"] = Delay(0.1 * np.arange(50.0), delay)
    times = np.array([0.0, 0.1, 0.2, 0.9, 1.0])
    run.mocap["box"] = Body(time=times, position=np.zeros((5, 3)))
    run.settings = [
        Settings("planner", 1, 0.0, {"rate": 20.0}, {}),
        Settings("planner", 2, 1.5, {"rate": 10.0}, {}),
    ]
    found = [(round(e.time, 2), e.text) for e in events(run, Outcome(None, 5.0, ""))]
    assert found == [
        (0.2, "motion capture did not see box for 0.70 s"),
        (1.5, "planner: rate is now 10.0, was 20.0"),
        (2.0, "a joint command came 50 ms after its reading"),
        (4.0, "a joint command came 30 ms after its reading"),
    ]


def test_innovations_are_capture_minus_estimate_at_the_time_of_capture(tmp_path: Path) -> None:
    run = empty(tmp_path)
    upright = np.tile([1.0, 0.0, 0.0, 0.0], (11, 1))
    time = np.linspace(0.0, 1.0, 11)
    walked = np.column_stack([time, np.zeros((11, 2))])  # 1 m/s along x
    run.state = Motion(Body(time, walked, upright))
    seen = np.array([0.25, 0.55])
    there = np.column_stack([seen + 0.004, np.zeros((2, 2))])  # 4 mm ahead of the estimate
    run.mocap["base"] = Body(seen, there, upright[:2])
    assert "robot rms 4 mm" in analysis.residuals(Canvas(0.0, 1.0), run)
    run.mocap.clear()
    assert "no motion capture" in analysis.residuals(Canvas(0.0, 1.0), run)


def test_the_proposal_section_needs_a_proposal(tmp_path: Path) -> None:
    run = empty(tmp_path)
    run.cycles = [record([], [1.0, 2.0], [0, 1], 0.1 * k) for k in range(10)]
    assert analysis.proposal(Canvas(0.0, 1.0), run) == ""
    # Candidate 3 is the proposal's, and the best in two of ten cycles.
    run.cycles = [record([3], [1.0, 2.0], [3, 0] if k < 2 else [0, 3], 0.1 * k) for k in range(10)]
    assert "the best one in 20 % of the cycles" in analysis.proposal(Canvas(0.0, 1.0), run)


def test_a_plan_is_followed_in_its_own_heading() -> None:
    ahead = followed(np.array([1.0, 2.0, np.pi / 2]), np.array([[0.5, 0.0, 0.0]] * 3), 0.5)
    np.testing.assert_allclose(ahead[[0, -1]], [[1.0, 2.0], [1.0, 2.5]], atol=1e-9)
    turn = followed(np.zeros(3), np.array([[0.5, 0.0, 1.0]] * 3), 0.5)
    radius = np.hypot(turn[:, 0], turn[:, 1] - 0.5)  # a circle of radius v / w = 0.5 m
    np.testing.assert_allclose(radius, 0.5, atol=0.02)


def test_plans_are_fanned_out_in_the_path(tmp_path: Path, made_run: Make) -> None:
    run = load_run(BagReader(made_run().write(tmp_path / "bag")))
    paths = plan_paths(run, count=5)
    assert len(paths) == 5
    assert plan_paths(empty(tmp_path)) == []


class WalkCollector(Observer):
    """Collects the true motion, the executed commands and the inputs of the planner."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.steps: list[float] = []
        self.poses: list[Any] = []
        self.quaternions: list[Any] = []
        self.commands: list[Any] = []
        self.records: list[CycleRecord] = []

    def before_plan(self, lockstep: Lockstep, inputs: PlannerInputs) -> None:
        state, memory, goal, now = inputs
        made = CycleInputs(state.stamp, now, state.qpos(), state.qvel(), memory.copy(), goal, "")
        self.records.append(replace(record([], [], [], 0.0), inputs=made))

    def after_tick(self, lockstep: Lockstep) -> None:
        truth = lockstep.plant.truth()
        self.times.append(truth.stamp)
        self.poses.append(truth.position)
        self.quaternions.append(truth.orientation)
        stamp = lockstep.bridge.walker_stamp
        if not self.steps or stamp != self.steps[-1]:
            self.steps.append(stamp)
            self.commands.append(lockstep.bridge.executed_command.copy())


@pytest.fixture(scope="module")
def walked() -> tuple[list[CycleRecord], Run]:
    """Return cycles and exact motion of two seconds of lockstep walking."""
    planner = replace(EpisodeConfig().planner, num_rollouts=4, horizon=0.5)
    lockstep = Lockstep(EpisodeConfig(task="navigate", duration=2.0, planner=planner), seed=2)
    lockstep.get_ready()
    walk = lockstep.observer = WalkCollector()
    lockstep.run()
    run = Run(None, {})  # type: ignore[arg-type]
    body = Body(np.array(walk.times), np.array(walk.poses), np.array(walk.quaternions))
    run.truth = Motion(body)
    run.commands = Commands(np.array(walk.steps), np.array(walk.commands))
    run.cycles = walk.records
    parameters = {"task": "navigate", "horizon": 0.5, "num_rollouts": 4}
    settings = config.flatten(config.replace(PlannerSettings(), parameters, "test"))
    run.settings = [Settings("planner", 1, 0.0, json.loads(json.dumps(settings)), {})]
    return walk.records, run


def test_the_model_error_starts_near_zero_and_grows(
    walked: tuple[list[CycleRecord], Run],
) -> None:
    _, run = walked
    errors = model_error(run, count=8)
    assert 4 <= len(errors.begin) <= 8
    assert errors.distance["robot"].shape == (len(errors.begin), 25)
    mean = errors.distance["robot"].mean(axis=0)
    assert mean[0] < 0.01  # 20 ms ahead
    assert mean[0] < mean[-1] < 0.08  # half a second ahead, planner's model against the plant
    assert "at the end of the horizon" in analysis.model(errors).lower()


def test_a_wrong_initial_state_increases_the_model_error(
    walked: tuple[list[CycleRecord], Run],
) -> None:
    records, run = walked
    moved = []
    for r in records:
        qpos = r.inputs.qpos.copy()
        qpos[0] += 0.5
        moved.append(replace(r, inputs=replace(r.inputs, qpos=qpos)))
    run = replace(run, cycles=moved)
    assert np.abs(model_error(run, count=4).distance["robot"][:, 0] - 0.5).max() < 0.02


def test_model_error_is_empty_without_cycles_or_settings(
    tmp_path: Path, walked: tuple[list[CycleRecord], Run]
) -> None:
    assert not len(model_error(empty(tmp_path)).begin)
    assert not len(model_error(replace(walked[1], settings=[])).begin)
    assert not len(model_error(replace(walked[1], commands=Commands())).begin)
    assert "lacks planning cycles" in analysis.model(ModelError())
