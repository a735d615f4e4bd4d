"""A bag becomes arrays on one clock and in our conventions; missing topics become empty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded_runs import T0, encoded

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter, Qos
from gpc_ros.replay.load_run import load_run

Make = Callable[..., Any]


def test_every_topic_is_loaded(tmp_path: Path, made_run: Make) -> None:
    run = load_run(BagReader(made_run().write(tmp_path / "bag")))
    assert run.problems == []
    assert run.task == "box_push"
    assert run.begin == pytest.approx(1_790_000_000.0)
    assert run.state.base.time[0] == pytest.approx(-1.0, abs=1e-6)
    assert len(run.goals) == 1
    assert run.goals[0][0] == pytest.approx(0.0, abs=1e-6)
    assert run.goals[0][1] == pytest.approx([1.5, 0.5, 0.4])
    time, qpos = run.truth.qpos(("box",))
    assert qpos.shape == (len(time), 26)
    assert qpos[-1, :3] == pytest.approx([0.6, 0.0, 0.3])
    assert qpos[-1, 3:7] == pytest.approx([1.0, 0.0, 0.0, 0.0])  # w, x, y, z
    assert qpos[-1, 7:19] == pytest.approx(np.tile([0.0, 0.8, -1.5], 4))
    assert qpos[-1, 19:22] == pytest.approx([1.5, 0.5, 0.175])
    assert run.truth.objects["box"].planar[-1] == pytest.approx([1.5, 0.5, 0.4])
    assert run.state.base.deviation[0] == pytest.approx([0.01] * 3)
    assert run.modes.name == ["STANDING_UP", "READY", "ACTIVE"]
    assert run.modes.counters == {"plans refused": 2}
    assert len(run.plans.knots) == len(run.status.time) == 30
    assert run.plans.knots[0].shape == (4, 3)
    assert run.plans.expiry - run.plans.start == pytest.approx(np.full(30, 0.3))
    assert list(run.status.terms) == ["distance", "yaw", "fall"]
    assert np.flatnonzero(run.status.missed).tolist() == [5]
    assert run.status["sigma"].shape == (30, 3)
    assert run.commands.command[-1] == pytest.approx([0.25, 0.0, 0.0])
    assert run.targets.position.shape[1] == run.readings.effort.shape[1] == 12


def test_topics_in_a_namespace_are_loaded(tmp_path: Path, made_run: Make) -> None:
    run = load_run(BagReader(made_run(prefix="/lab/go2/").write(tmp_path / "bag")))
    assert len(run.state.base.time) and len(run.status.time) and run.goals


@pytest.mark.parametrize(
    "topic",
    ["scene_state", "ground_truth", "goal", "plan", "planner/status", "supervisor", "walker_state",
     "joint_commands", "joint_states"],
)  # fmt: skip
def test_a_missing_topic_is_an_empty_array(tmp_path: Path, made_run: Make, topic: str) -> None:
    made = made_run(end=1.0)
    made.leave_out = {topic}
    run = load_run(BagReader(made.write(tmp_path / "bag")))
    assert run.problems == []
    found: dict[str, Any] = {
        "scene_state": run.state.base.time, "ground_truth": run.truth.base.time, "goal": run.goals,
        "plan": run.plans.id, "planner/status": run.status.time, "supervisor": run.modes.time,
        "walker_state": run.commands.time, "joint_commands": run.targets.time,
        "joint_states": run.readings.time,
    }  # fmt: skip
    assert {name for name, value in found.items() if not len(value)} == {topic}
    assert len(run.motion.base.time)


def test_messages_of_another_version_are_a_problem(
    tmp_path: Path, made_run: Make, message_of: Make
) -> None:
    folder = tmp_path / "bag"
    writer = BagWriter(folder)
    text = "std_msgs/Header header\nfloat64 speed\n"
    text += "=" * 80 + "\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
    text += "=" * 80 + "\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
    writer.add_foreign_topic("/scene_state", "gpc_msgs/msg/SceneState", text, "", "ros2msg", Qos())
    writer.write("/scene_state", message_of("gpc_msgs/msg/SceneState", text, speed=1.0), 5)
    writer.close()
    run = load_run(BagReader(folder))
    assert len(run.state.base.time) == 0
    problem = "/scene_state: 1 messages are skipped: they are of another version"
    assert run.problems[0].startswith(problem)


def test_stamps_of_another_clock_are_ignored(tmp_path: Path, made_run: Make) -> None:
    made = made_run(end=1.0)
    made.status = {"stamp": 12.5}
    run = load_run(BagReader(made.write(tmp_path / "bag")))
    # The synthetic recorder takes 1 ms.
    assert run.status.time == pytest.approx(np.arange(0.0, 1.0, 0.1) + 0.001, abs=1e-5)


def test_an_object_may_appear_later(tmp_path: Path, made_run: Make) -> None:
    run = load_run(BagReader(made_run(end=1.0).write(tmp_path / "bag")))
    for body in ("time", "position", "orientation"):
        value = getattr(run.truth.objects["box"], body)
        setattr(run.truth.objects["box"], body, value[10:])
    time, qpos = run.truth.qpos(("box",))
    assert len(time) == len(run.truth.base.time) - 10
    assert qpos[0, 0] == pytest.approx(run.truth.base.position[10, 0])


def test_a_command_without_gain_has_no_target(tmp_path: Path, made_run: Make) -> None:
    made = made_run(end=1.0)
    made.gain = 0.0
    run = load_run(BagReader(made.write(tmp_path / "bag")))
    assert np.isnan(run.targets.position).all()
    assert np.isfinite(run.readings.position).all()


BAD_STATES: list[dict[str, Any]] = [
    {"pose": {"position": {"x": value}, "orientation": {"w": 1.0}}}
    for value in (np.nan, np.inf, 1e9, 1e308)
] + [{"pose": {"orientation": {"w": w}}} for w in (0.0, np.nan, 1e300)]
BAD_PLANS: list[dict[str, Any]] = [
    {"knots": np.zeros(7)}, {"knots": []}, {"knots": np.zeros(30_000)}, {"knots": [np.nan] * 3},
    {"knots": [1e308] * 3}, {"knot_dt": 0.0}, {"knot_dt": np.nan}, {"knot_dt": np.inf},
    {"order": 200},
]  # fmt: skip


@pytest.mark.parametrize(
    ("topic", "kind", "fields"),
    [("scene_state", "SceneState", f) for f in BAD_STATES]
    + [("plan", "Plan", f) for f in BAD_PLANS],
)
def test_impossible_values_are_skipped_and_counted(
    tmp_path: Path, made_run: Make, topic: str, kind: str, fields: dict[str, Any]
) -> None:
    folder = made_run(end=0.5).write(tmp_path / "whole")
    source = BagReader(folder)
    writer = BagWriter(tmp_path / "bag", source.info)
    given = {"knot_dt": 0.5, "order": 1, "knots": np.zeros(12)} if topic == "plan" else {}
    bad = encoded(f"gpc_msgs/msg/{kind}", stamp=T0, **{**given, **fields})
    for i, (name, time, data) in enumerate(source.raw()):
        writer.add_topic(name, source.topics[name].type)
        writer.write(name, data, time)
        if name == f"/{topic}" and (i % 20 == 0 or topic == "plan"):
            writer.write(name, bad, time + 10_500_000)
    writer.close()
    whole, run = load_run(source), load_run(BagReader(tmp_path / "bag"))
    assert any(p.startswith(f"/{topic}: ") and "skipped" in p for p in run.problems)
    assert len(run.plans.id) == len(whole.plans.id) > 0
    # The report reads 100 messages a second, so some valid messages are missing too.
    assert len(run.state.base.time) >= 0.9 * len(whole.state.base.time) > 0
    assert np.isfinite(run.state.base.position).all()


def test_a_first_time_of_zero_does_not_stretch_the_run(tmp_path: Path, made_run: Make) -> None:
    folder = made_run(end=1.0).write(tmp_path / "whole")
    source = BagReader(folder)
    writer = BagWriter(tmp_path / "bag", source.info)
    for i, (name, time, data) in enumerate(source.raw()):
        writer.add_topic(name, source.topics[name].type)
        writer.write(name, data, time if i else 0)
    writer.close()
    assert load_run(BagReader(tmp_path / "bag")).duration == pytest.approx(2.0, abs=0.2)
