"""A short real run for the tests of the viewer: planner, bridge core and plant in lockstep."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from rclpy.serialization import serialize_message

from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import PlannerStatus, SupervisorState, WalkerState
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_ros.bag.bag_writer import BagWriter, Qos
from gpc_ros.bag.message_types import Codec
from gpc_ros.evaluation.lockstep import EpisodeConfig, Lockstep
from gpc_ros.locomotion.registry import DEFAULT_WALKER
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.plan import Plan
from gpc_ros.planning.planner import PlannerConfig
from gpc_ros.proposal.sampler import ProposalConfig
from gpc_ros.ros.convert import msgs, robot_msgs, state_msgs
from gpc_ros.ros.convert.status_msgs import CycleContext, status_to_msg

T0 = 1_790_000_000.0  # clock time at which the goal is set [s]
MSGS = "gpc_msgs/msg/"
# Fields of a planner's record that the viewer reads.
CYCLE_TEXT = """\
uint64 id
float64[] knots
float64[] candidates
float64[] costs
uint32[] indices
uint32[] proposed
float64[] start_qpos
float64[] start_qvel
"""
CYCLE_TYPE = MSGS + "PlannerCycle"


class Recorder:
    """Records a lockstep episode as the nodes would publish it."""

    def __init__(self, folder: Path, task: str) -> None:
        self.writer = BagWriter(folder, {"task": task, "seed": "7"})
        self._cycles = Codec(CYCLE_TYPE, CYCLE_TEXT)
        self.writer.add_foreign_topic(
            "/planner/cycle", CYCLE_TYPE, CYCLE_TEXT, "", "ros2msg", Qos()
        )

    def write(self, topic: str, kind: str, time: float, message: Any) -> None:
        self.writer.add_topic(f"/{topic}", kind)
        self.writer.write(f"/{topic}", bytes(serialize_message(message)), _ns(time))

    def cycle(self, time: float, plan: Plan, report: PlannerReport) -> None:
        message = self._cycles.make(
            CYCLE_TYPE,
            id=plan.id,
            knots=plan.knots.ravel(),
            candidates=report.candidates.ravel(),
            costs=report.costs,
            indices=np.arange(len(report.costs), dtype=np.uint32),
            proposed=np.zeros(0, dtype=np.uint32),
            start_qpos=report.start_qpos,
            start_qvel=report.start_qvel,
        )
        self.writer.write("/planner/cycle", self._cycles.encode(message), _ns(time))


@dataclass
class MadeBag:
    """A recorded run with its plans, planner reports and goal."""

    path: Path
    plans: list[Plan]
    reports: list[PlannerReport]
    goal: np.ndarray


def _ns(time: float) -> int:
    return round((T0 + time + 0.001) * 1e9)


@pytest.fixture(scope="session")
def pushing(tmp_path_factory: pytest.TempPathFactory) -> MadeBag:
    """Return a bag of six seconds in which the robot walks to a box and begins to push."""
    # Without a proposal a cost is a mean over the horizon alone, which the tests work out again.
    planner = PlannerConfig(num_rollouts=16, horizon=2.0, proposal=ProposalConfig(file="none"))
    config = EpisodeConfig(planner=planner)
    lockstep = Lockstep(config, 7)
    lockstep.get_ready()
    folder = tmp_path_factory.mktemp("run") / "bag"
    recorder = Recorder(folder, "box_push")
    begin, goal = lockstep.plant.time, lockstep.episode.goal
    plans: list[Plan] = []
    reports: list[PlannerReport] = []
    recorder.write("goal", "geometry_msgs/msg/PoseStamped", 0.0, msgs.goal_to_msg(goal, T0))
    mode = SupervisorState(state=SupervisorState.ACTIVE, name="ACTIVE")
    msgs.set_time(mode.header.stamp, T0)
    recorder.write("supervisor", MSGS + "SupervisorState", 0.0, mode)
    for cycle in range(60):
        time = lockstep.plant.time - begin
        state = lockstep.plant.truth()
        plan, report = lockstep.planner.plan(
            state, lockstep.bridge.walker_state, goal, lockstep.plant.time
        )
        assert plan is not None
        lockstep.bridge.set_plan(plan, lockstep.plant.time)
        shown = Plan(**{**vars(plan), **{n: T0 - begin + getattr(plan, n) for n in _TIMES}})
        plans.append(shown)
        reports.append(report)
        recorder.write("plan", MSGS + "Plan", time, state_msgs.plan_to_msg(shown, PlanMsg()))
        recorder.cycle(time, plan, report)
        context = CycleContext(
            stamp=T0 + time, plan_id=plan.id, cycles=cycle + 1, misses=0, task="box_push",
            optimizer="cem", horizon=2.0, period=0.1, deadline=0.095, goal=goal, state=state,
            dropped_states=0,
        )  # fmt: skip
        status = status_to_msg(report, context, PlannerStatus())
        recorder.write("planner/status", MSGS + "PlannerStatus", time, status)
        for tick in range(config.plan_ticks):
            if tick % 5 == 0:
                _write_state(recorder, lockstep, begin)
            lockstep.tick()
    recorder.writer.close()
    return MadeBag(folder, plans, reports, goal)


_TIMES = ("stamp", "start", "expiry")


def _write_state(recorder: Recorder, lockstep: Lockstep, begin: float) -> None:
    time = lockstep.plant.time - begin
    state = lockstep.plant.truth()
    state.stamp = T0 + time
    message = state_msgs.scene_state_to_msg(state, SceneStateMsg())
    recorder.write("scene_state", MSGS + "SceneState", time, message)
    recorder.write("ground_truth", MSGS + "SceneState", time, message)
    memory = robot_msgs.walker_state_to_msg(
        T0 + time, np.zeros(3), lockstep.bridge.walker_state, WalkerState(walker=DEFAULT_WALKER)
    )
    recorder.write("walker_state", MSGS + "WalkerState", time, memory)
    for pose in lockstep.plant.poses():
        sample = msgs.pose_to_msg(T0 + time, pose.position, pose.quaternion, PoseStamped())
        topic = f"mocap/{pose.body}/pose"
        recorder.write(topic, "geometry_msgs/msg/PoseStamped", time, sample)


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Return a function that finds a free port."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find
