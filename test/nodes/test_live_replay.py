"""A live run's bag is planned again bit for bit, and played into the nodes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gpc_ros.bag import topics
from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.cli.main import main
from gpc_ros.graph.launcher import end_with_parent
from gpc_ros.replay.cycle_replay import Replay
from gpc_ros.replay.load_run import load_run
from gpc_ros.replay.recorded_parameters import read_settings
from gpc_ros.replay.replay_cycles import Replayed

pytestmark = pytest.mark.integration

TIMEOUT = 300.0
# Age limits are generous for busy machines. The number of samples makes most machines drop some;
# the repetition of drops is tested without a clock in test/planning/test_cycle.py.
RUN = (
    "task:=navigate", "goal:=0.8,0.3,0.5", "num_rollouts:=64", "horizon:=1.0", "rate:=5",
    "report:=false", "duration:=6", "namespace:=go2", "seed:=4",
    "params:=bridge.supervisor.reading_age=1.0,bridge.supervisor.state_age=1.5,"
    "bridge.supervisor.max_loop_pause=0.5,"
    "planner.max_state_age=1.0,planner.plan_timeout=1.0,sim.watchdog_timeout=1.0,"
    "planner.deadline=0.4,planner.record_candidates=5",
)  # fmt: skip


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bag of a short run; whether it succeeds does not matter."""
    folder = tmp_path_factory.mktemp("live") / "run"
    done = gpc("sim", *RUN, f"out:={folder}", domain=101)
    assert done.returncode in (0, 1), done.stdout
    return folder / "bag"


def gpc(*words: str, domain: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in the test's own ROS domain or in a given one."""
    own = {} if domain is None else {"ROS_DOMAIN_ID": str(domain)}
    local = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    return subprocess.run(
        [sys.executable, "-m", "gpc_ros.cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env={**os.environ, **local, **own},
        preexec_fn=end_with_parent(os.getpid()),
    )


def test_replayed_plans_of_a_live_run_are_bit_identical(bag: Path) -> None:
    reader = BagReader(bag)
    replay = Replay(reader)
    results = replay.run()
    assert len(results) > 5
    assert all(result.exact for result in results)
    # Only after a lost record the memory does not follow from the previous cycle.
    assert sum(not result.chained for result in results) <= 1 + replay.lost
    assert all(len(r.record.costs) <= 5 for r in results)
    matches_what_was_published(reader, results)
    assert replay.problems == []
    assert main(["replay", str(bag)]) == 0


def matches_what_was_published(reader: BagReader, results: list[Replayed]) -> None:
    """Compare the replayed plans with the plans that were sent to the bridge."""
    again = {r.again.plan.id: r.again.plan for r in results if r.again.plan}
    matched = 0
    for message in reader.messages([topics.find(reader, topics.PLAN)]):
        plan = again.get(int(message.data.id))
        if plan is None:
            continue
        matched += 1
        assert message.data.knots.tobytes() == plan.knots.tobytes()
        assert (message.data.cost, message.data.knot_dt) == (plan.cost, plan.knot_dt)
        start = message.data.start.sec + 1e-9 * message.data.start.nanosec
        assert abs(start - plan.start) < 1e-6
    assert matched > 5


def test_bag_contains_the_parameters_of_every_node(bag: Path) -> None:
    reader = BagReader(bag)
    found = {settings.node: settings for settings in read_settings(reader)}
    assert set(found) == {"sim", "estimator", "planner", "bridge", "recorder", "monitor"}
    assert found["planner"].parameters["record_candidates"] == 5  # as set by the test
    assert found["planner"].parameters["cem.noise.sigma"] == [0.5, 0.3, 1.0]  # the default
    card = found["planner"].facts["proposal"]
    assert card["task"] == "navigate" and len(card["files"]["safetensors"]["sha256"]) == 64
    assert {"gpc_ros", "mujoco", "numpy"} <= set(reader.info)
    run = load_run(reader)
    assert np.isfinite(run.status["plan_time"]).any()


def test_bag_is_played_into_estimator_planner_and_a_dry_bridge(bag: Path, tmp_path: Path) -> None:
    played = gpc("play", str(bag), "start:=0.5", f"out:={tmp_path}", "namespace:=replay")
    assert played.returncode == 0, played.stdout
    assert "Traceback" not in played.stdout
    reader = BagReader(tmp_path / "bag")
    assert {t.split("/")[1] for t in reader.topics} == {"replay"}
    heard = {name.removeprefix("/replay/") for name in reader.topics}
    # Estimated and planned again with the recorded parameters; no command was sent to a robot.
    assert {"scene_state", "plan", "planner/cycle", "mocap/base/pose", "goal"} <= heard
    assert "joint_commands" not in heard
    found = {settings.node: settings.parameters for settings in read_settings(reader)}
    assert found["planner"]["num_rollouts"] == 64 and found["planner"]["task"] == "navigate"
    assert found["bridge"]["dry_run"] is True
    # On the clock of the recording, the new estimates match the recorded ones in time.
    there, here = load_run(BagReader(bag)), load_run(reader)
    assert abs(there.begin - here.begin) < 5.0
    assert here.problems == []
    times = here.state.base.time + here.begin - there.begin
    inside = (times > there.state.base.time[0] + 1.0) & (times < there.state.base.time[-1])
    assert inside.sum() > 50
    for axis in range(2):
        then = np.interp(times[inside], there.state.base.time, there.state.base.position[:, axis])
        assert np.abs(here.state.base.position[inside, axis] - then).max() < 0.05
    assert main(["replay", str(tmp_path)]) == 0


def test_a_bag_without_inputs_is_refused(tmp_path: Path) -> None:
    BagWriter(tmp_path / "bag", {"task": "navigate"}).close()
    played = gpc("play", str(tmp_path / "bag"), "record:=false")
    assert played.returncode == 2
    assert "contains nothing to play from 0 s on; no such topic" in played.stdout
    assert "Traceback" not in played.stdout
    assert "bag:= is missing" in gpc("play").stdout
