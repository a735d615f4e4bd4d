"""The examples of docs/analysis.md run, in their order, on a bag of lockstep walking."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.common import config
from gpc_ros.evaluation.lockstep import EpisodeConfig, Lockstep, Observer, PlannerInputs
from gpc_ros.planning.cycle import make_cycle_inputs, make_cycle_record
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.plan import Plan
from gpc_ros.replay.cycle_records import cycle_fields
from gpc_ros.settings.node_settings import PlannerSettings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "analysis.md"
MSGS = "gpc_msgs/msg/"
SET = {"task": "navigate", "num_rollouts": 4, "horizon": 0.4, "rate": 10.0}


class LockstepBag(Observer):
    """Writes the messages of a run in lockstep into a bag, as the recorder does live."""

    def __init__(self, folder: Path, encoded: Callable[..., bytes]) -> None:
        self._encoded = encoded
        self.writer = BagWriter(folder, {"task": "navigate", "seed": "1"})
        planner = replace(EpisodeConfig().planner, num_rollouts=4, horizon=0.4)
        self.lockstep = Lockstep(EpisodeConfig("navigate", planner=planner, duration=2.0), seed=1)
        self._cycles = 0
        self._walked = 0.0

    def write(self) -> None:
        settings = config.flatten(config.replace(PlannerSettings(), {**SET, "seed": 1}, "test"))
        said = {"node": "planner", "serial": 1, "parameters": settings}
        self._say("parameters", "std_msgs/msg/String", 0.0, data=json.dumps(said))
        self.lockstep.get_ready()
        x, y, yaw = self.lockstep.episode.goal
        now = self.lockstep.plant.time
        pose = {
            "position": {"x": x, "y": y},
            "orientation": {"z": np.sin(yaw / 2), "w": np.cos(yaw / 2)},
        }
        self._say("goal", "geometry_msgs/msg/PoseStamped", now, stamp=now, pose=pose)

        self.lockstep.observer = self
        self.lockstep.run()
        self.writer.close()

    def before_plan(self, lockstep: Lockstep, inputs: PlannerInputs) -> None:
        self._inputs = make_cycle_inputs(lockstep.planner, *inputs)

    def after_plan(self, lockstep: Lockstep, plan: Plan | None, report: PlannerReport) -> None:
        """Write record, plan and status of a cycle."""
        assert plan is not None
        now = self._inputs.now
        self._cycles += 1
        record = make_cycle_record(
            self._inputs, plan, report, limited=False, cycle=self._cycles, settings=1
        )
        self._say("planner/cycle", MSGS + "PlannerCycle", now, header={}, **cycle_fields(record))
        self._say(
            "plan", MSGS + "Plan", now, id=plan.id, knots=plan.knots.ravel(), order=plan.order,
            knot_dt=plan.knot_dt, stamp=now, start=_time(plan.start), expiry=_time(plan.expiry),
        )  # fmt: skip
        self._say(
            "planner/status", MSGS + "PlannerStatus", now, stamp=now, id=plan.id,
            task="navigate", plan_time=report.plan_time, best_cost=report.best_cost,
            term_names=list(report.terms), term_values=list(report.terms.values()),
        )  # fmt: skip

    def after_tick(self, lockstep: Lockstep) -> None:
        """Write state and command when the walker has made a step."""
        bridge = self.lockstep.bridge
        if bridge.walker_stamp == self._walked:
            return
        self._walked = bridge.walker_stamp
        truth = self.lockstep.plant.truth()
        pose = {
            "position": dict(zip("xyz", truth.position, strict=True)),
            "orientation": dict(zip("wxyz", truth.orientation, strict=True)),
        }
        for topic in ("scene_state", "ground_truth"):
            self._say(
                topic, MSGS + "SceneState", truth.stamp, stamp=truth.stamp, pose=pose,
                joint_position=truth.joint_position,
            )  # fmt: skip
        self._say(
            "walker_state", MSGS + "WalkerState", self._walked, stamp=self._walked,
            command=bridge.executed_command,
        )  # fmt: skip

    def _say(self, topic: str, kind: str, when: float, **fields: Any) -> None:
        self.writer.add_topic(f"/{topic}", kind)
        self.writer.write(f"/{topic}", self._encoded(kind, **fields), round(when * 1e9))


def _time(seconds: float) -> dict[str, int]:
    nanoseconds = round(seconds * 1e9)
    return {"sec": nanoseconds // 10**9, "nanosec": nanoseconds % 10**9}


@pytest.fixture
def bag(tmp_path: Path, encoded: Callable[..., bytes]) -> Path:
    LockstepBag(tmp_path / "bag", encoded).write()
    return tmp_path / "bag"


def test_every_example_runs_in_its_order(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 6
    scope: dict[str, Any] = {"bag": bag, "folder": tmp_path / "tables"}
    for i, example in enumerate(examples):
        exec(compile(example, f"{DOCS.name}, example {i + 1}", "exec"), scope)
    said = capsys.readouterr().out
    assert re.search(r"^navigate, \d\.\d s, 20 cycles$", said, re.MULTILINE)
    assert "False" in said and "from the goal at the end" in said
    assert re.search(r"robot off by 0\.0\d+ m after 0\.4 s", said)
    # Other samples, other costs; which are lower in so few cycles is for no test to say.
    assert len(scope["gain"]) == 20 and np.isfinite(scope["gain"]).all() and any(scope["gain"])
    assert "20 states" not in said and scope["state"].num_rows > 50
