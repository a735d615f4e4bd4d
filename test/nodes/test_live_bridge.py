"""Sim, estimator and bridge over real DDS: commands, and reactions to killed nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from nav_msgs.msg import Odometry
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from waiting import until

from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_msgs.msg import SupervisorState
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.types import JointCommand
from gpc_ros.ros import qos
from gpc_ros.ros.convert import robot_msgs, state_msgs

pytestmark = pytest.mark.integration

TASK = ("task:=navigate",)
# Age limits are generous for busy machines; the actual bounds are tested in lockstep.
SIM = (*TASK, "watchdog_timeout:=1.0")
BRIDGE = (
    *TASK,
    "exclusivity_wait:=0.3",
    "supervisor.reading_age:=1.0",
    "supervisor.state_age:=1.5",
    "supervisor.max_loop_pause:=0.5",
)


class Robot:
    """Sim, estimator and bridge as processes; the test publishes the plans."""

    def __init__(self, probe: Any, start_node: Callable[..., Any]) -> None:
        self.probe = probe
        probe.listen("supervisor", SupervisorState, qos.report())
        probe.listen("diagnostics", DiagnosticArray, qos.report())
        probe.listen("ground_truth", SceneStateMsg)
        # The publisher of plans is fixed when the robot is armed.
        probe.announce("plan", PlanMsg)
        self.sim = start_node("sim", *SIM)
        self.estimator = start_node("estimator", *TASK)
        self.bridge = start_node("bridge", *BRIDGE)
        self._id = 0

    def send_plan(self, task: str = "navigate", knot: float = 0.3) -> None:
        """Publish a plan that walks forward for a third of a second."""
        self._id += 1
        now = self.probe.now()
        knots = np.array([[knot, 0.0, 0.0], [knot, 0.0, 0.0]])
        plan = Plan(self._id, task, "go2", now, now, now + 0.35, knots, 0.2, 1, 0.0)
        self.probe.publish("plan", state_msgs.plan_to_msg(plan, PlanMsg()))

    def reaches(self, state: int, meanwhile: Callable[[], None] = lambda: None) -> SupervisorState:
        """Wait until the supervisor is in a state."""
        message: SupervisorState = self.probe.wait(
            "supervisor", lambda m: m.state == state, meanwhile
        )
        return message

    def holds(self, topic: str, node: str) -> None:
        """Wait until the bridge reports that a topic belongs to a node."""
        wanted = f"authority of {topic}", node

        def shown(message: DiagnosticArray) -> bool:
            return wanted in [(v.key, v.value) for v in message.status[0].values]

        self.probe.wait("diagnostics", shown)

    def status_of(
        self, name: str, words: str, meanwhile: Callable[[], None] = lambda: None
    ) -> DiagnosticStatus:
        """Wait until the diagnostics of a node contain some words."""
        message = self.probe.wait(
            "diagnostics",
            lambda m: m.status[0].name == name and words in m.status[0].message,
            meanwhile,
        )
        return message.status[0]


@pytest.fixture
def robot(probe: Any, start_node: Callable[..., Any]) -> Robot:
    """Start the nodes and wait until the robot stands."""
    robot = Robot(probe, start_node)
    robot.holds("plan", "/probe")
    until(lambda: bool(probe.call("arm", Trigger).success), "it is armed")
    robot.reaches(SupervisorState.READY)
    return robot


def height(message: SceneStateMsg) -> float:
    return float(message.pose.position.z)


def test_robot_stands_follows_a_plan_and_stands_again(robot: Robot) -> None:
    probe = robot.probe
    for topic, kind in (("scene_state", SceneStateMsg), ("odom", Odometry), ("tf", TFMessage)):
        probe.listen(topic, kind)
    start = probe.wait("ground_truth")
    robot.reaches(SupervisorState.ACTIVE, robot.send_plan)

    def moved(message: SceneStateMsg) -> bool:
        a, b = message.pose.position, start.pose.position
        return bool(np.hypot(a.x - b.x, a.y - b.y) > 0.15)

    truth = probe.wait("ground_truth", moved, robot.send_plan)
    assert height(truth) > 0.2
    # Without plans it holds and reports the reason.
    held = probe.wait(
        "supervisor", lambda m: m.state == SupervisorState.HOLDING and not m.command.any()
    )
    assert "no plan" in held.reasons[0]
    for topic in ("scene_state", "odom", "tf"):
        probe.wait(topic)
    robot.reaches(SupervisorState.ACTIVE, robot.send_plan)


def test_plans_of_another_task_are_refused_and_counted(robot: Robot) -> None:
    def refused(message: SupervisorState) -> bool:
        counters = dict(zip(message.counter_names, message.counter_values, strict=True))
        return counters["plans_refused"] > 0 and message.state == SupervisorState.READY

    robot.probe.wait("supervisor", refused, lambda: robot.send_plan(task="box_push"))


def test_bad_plan_is_dropped_and_counted(robot: Robot) -> None:
    def send() -> None:
        robot.probe.publish("plan", PlanMsg(id=5, task="navigate", robot="go2", knots=[0.1] * 4))

    def dropped(message: SupervisorState) -> bool:
        counters = dict(zip(message.counter_names, message.counter_values, strict=True))
        return counters.get("rejected plan", 0) > 0 and message.state == SupervisorState.READY

    robot.probe.wait("supervisor", dropped, send)


def test_services_disarm_and_arm(robot: Robot) -> None:
    assert robot.probe.call("disarm", Trigger).success
    robot.reaches(SupervisorState.DISARMED)
    assert robot.probe.call("arm", Trigger).success
    robot.reaches(SupervisorState.READY)
    assert robot.probe.call("stop", Trigger).success
    robot.reaches(SupervisorState.DAMPING)
    assert not robot.probe.call("reset", Trigger).success


def test_robot_stands_when_the_estimator_is_killed(robot: Robot) -> None:
    robot.reaches(SupervisorState.ACTIVE, robot.send_plan)
    robot.estimator.kill()
    held = robot.reaches(SupervisorState.HOLDING, robot.send_plan)
    assert "estimate" in held.reasons[0]
    assert height(robot.probe.wait("ground_truth")) > 0.2


def test_bridge_damps_and_latches_when_sim_is_killed(robot: Robot) -> None:
    robot.sim.kill()
    fault = robot.reaches(SupervisorState.FAULT)
    assert "no reading from the robot" in fault.reasons[0]
    robot.status_of("bridge", "no reading from the robot")
    assert robot.bridge.end() == 0


def test_robot_damps_by_itself_when_the_bridge_is_killed(robot: Robot) -> None:
    robot.bridge.kill()
    robot.status_of("sim", "no joint commands: damping")
    robot.probe.wait("ground_truth", lambda m: height(m) < 0.2)


def test_orderly_end_of_the_bridge_damps_the_robot(robot: Robot) -> None:
    assert robot.bridge.end() == 0
    assert "Traceback" not in robot.bridge.output()
    robot.probe.wait("ground_truth", lambda m: height(m) < 0.2)
    assert robot.sim.end() == 0
    assert robot.estimator.end() == 0


def test_the_second_bridge_refuses(robot: Robot, start_node: Callable[..., Any]) -> None:
    second = start_node("bridge", *TASK, "exclusivity_wait:=5.0")
    assert second.process.wait(60.0) == 2
    assert "already publishes /joint_commands" in second.output()
    # The first bridge held while the second waited for exclusivity, and continues afterwards.
    robot.probe.wait(
        "supervisor", lambda m: not any("another bridge" in reason for reason in m.reasons)
    )
    robot.reaches(SupervisorState.ACTIVE, robot.send_plan)


def test_foreign_command_stream_is_an_error_and_has_no_effect(robot: Robot) -> None:
    intruder = JointCommandMsg(source="intruder")
    robot_msgs.command_to_msg(JointCommand.damping(0.0), intruder, robot.probe.now(), 1)

    def intrude() -> None:
        robot.probe.publish("joint_commands", intruder, qos.stream())

    status = robot.status_of("bridge", "another bridge", intrude)
    assert status.level == DiagnosticStatus.ERROR
    status = robot.status_of("sim", "more than one", intrude)
    assert status.level == DiagnosticStatus.ERROR
    assert height(robot.probe.wait("ground_truth", meanwhile=intrude)) > 0.2


def test_a_command_that_is_not_finite_is_dropped(
    probe: Any, start_node: Callable[..., Any]
) -> None:
    start_node("sim", *TASK)
    probe.listen("diagnostics", DiagnosticArray, qos.report())
    bad = JointCommandMsg(source="test")
    bad.kp[:] = 20.0
    bad.position[3] = float("nan")

    def dropped(message: DiagnosticArray) -> bool:
        values = {v.key: v.value for v in message.status[0].values}
        return int(values.get("rejected joint_commands", 0)) > 0

    message = probe.wait(
        "diagnostics", dropped, lambda: probe.publish("joint_commands", bad, qos.stream())
    )
    assert "held until" in message.status[0].message


def test_dry_run_reads_and_decides_without_sending(
    probe: Any, start_node: Callable[..., Any]
) -> None:
    sim = start_node("sim", *SIM)
    start_node("bridge", *BRIDGE, "auto_arm:=true", "dry_run:=true")
    probe.listen("dry_run/joint_commands", JointCommandMsg, qos.sensor(5))
    probe.listen("joint_commands", JointCommandMsg, qos.sensor(5))
    probe.listen("diagnostics", DiagnosticArray)
    shown = probe.wait("dry_run/joint_commands")
    assert "dry run" in shown.source
    # No command reached the robot: it still waits for the first one.
    probe.wait(
        "diagnostics",
        lambda m: m.status[0].name == "sim" and "held until the first" in m.status[0].message,
    )
    assert next(probe._heard["joint_commands"].drain(), None) is None
    assert sim.process.poll() is None
