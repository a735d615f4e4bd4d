"""The planner node over real DDS: its inputs, and rejections with their reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter as RosParameter

from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import PlannerStatus, SupervisorState, WalkerState
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_msgs.srv import SetGoal
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.robot.types import SceneState
from gpc_ros.ros import qos
from gpc_ros.ros.convert import msgs, robot_msgs, state_msgs
from gpc_ros.tasks.task import standing_robot

pytestmark = pytest.mark.integration

QUICK = ("task:=navigate", "num_rollouts:=4", "horizon:=0.4", "rate:=10.0", "exclusivity_wait:=0.3")


class Surroundings:
    """The inputs of the planner, published in place of the other nodes."""

    def __init__(self, probe: Any) -> None:
        self.probe = probe
        self.walker = make_walker(DEFAULT_WALKER)
        self.delay = 0.0
        self.mode = SupervisorState.READY
        self.spoil_state: Callable[[SceneStateMsg], None] = lambda message: None
        self.spoil_walker: Callable[[WalkerState], None] = lambda message: None

    def speak(self) -> None:
        """Publish each input once."""
        now = self.probe.now()
        state = SceneState.from_arrays(
            now - self.delay, standing_robot(0.0, 0.0, 0.0), np.zeros(18)
        )
        message = state_msgs.scene_state_to_msg(state, SceneStateMsg())
        self.spoil_state(message)
        self.probe.publish("scene_state", message, qos.sensor(1))
        memory = robot_msgs.walker_state_to_msg(
            now, np.zeros(3), self.walker.initial_state(1)[0], WalkerState(walker=DEFAULT_WALKER)
        )
        self.spoil_walker(memory)
        self.probe.publish("walker_state", memory, qos.sensor(1))
        supervisor = SupervisorState(state=self.mode, name="READY")
        self.probe.publish("supervisor", supervisor, qos.report())


@pytest.fixture
def around(probe: Any, start_node: Callable[..., Any]) -> Iterator[Surroundings]:
    """Start a planner and subscribe to its topics."""
    probe.listen("plan", PlanMsg, qos.command())
    probe.listen("planner/status", PlannerStatus, qos.report())
    probe.listen("diagnostics", DiagnosticArray, qos.report())
    start_node("planner", *QUICK)
    yield Surroundings(probe)


def set_goal(around: Surroundings, x: float, y: float = 0.0) -> Any:
    return around.probe.call("set_goal", SetGoal, around.speak, x=x, y=y, yaw=0.0)


def holds_for(around: Surroundings, words: str) -> PlannerStatus:
    """Wait until the planner holds with a reason that contains some words."""
    return around.probe.wait("planner/status", lambda s: words in s.hold_reason, around.speak)


def plans(around: Surroundings) -> PlanMsg:
    return around.probe.wait("plan", meanwhile=around.speak)


def test_it_waits_for_a_goal_then_plans(around: Surroundings) -> None:
    holds_for(around, "no goal")
    assert set_goal(around, 1.0).success
    first, second = plans(around), plans(around)
    assert second.id > first.id
    assert (first.task, first.robot) == ("navigate", "go2")
    plan = state_msgs.plan_from_msg(first)
    assert plan.stamp <= plan.start < plan.expiry
    status = around.probe.wait("planner/status", lambda s: s.id > 0, around.speak)
    assert status.hold_reason == "" and status.num_rollouts == 4 and status.goal[0] == 1.0


def test_impossible_goals_are_refused_with_the_reason(around: Surroundings) -> None:
    far = set_goal(around, 100.0)
    assert not far.success and "workspace" in far.message
    nan = set_goal(around, float("nan"))
    assert not nan.success and "not a finite number" in nan.message
    holds_for(around, "no goal")


def test_a_bad_state_is_dropped_counted_and_named(around: Surroundings) -> None:
    assert set_goal(around, 1.0).success
    plans(around)

    def spoil(message: SceneStateMsg) -> None:
        message.twist.linear.x = float("nan")

    around.spoil_state = spoil
    status = holds_for(around, "the state is")
    assert status.dropped_states > 0
    found = around.probe.wait("diagnostics", lambda m: m.status[0].name == "planner", around.speak)
    assert "rejected scene_state" in {value.key for value in found.status[0].values}
    around.spoil_state = lambda message: None
    plans(around)


def test_an_old_state_is_not_planned_from(around: Surroundings) -> None:
    assert set_goal(around, 1.0).success
    plans(around)
    around.delay = 0.5
    holds_for(around, "allowed are 0.1 s")
    around.delay = 0.0
    plans(around)


def test_a_walker_state_of_the_wrong_length_is_dropped(around: Surroundings) -> None:
    def spoil(message: WalkerState) -> None:
        message.state = [0.0]

    around.spoil_walker = spoil
    assert set_goal(around, 1.0).success
    holds_for(around, "no walker state yet")
    around.spoil_walker = lambda message: None
    plans(around)


def test_it_holds_while_the_robot_is_not_active(around: Surroundings) -> None:
    assert set_goal(around, 1.0).success
    around.mode = SupervisorState.FAULT
    holds_for(around, "the robot is not active")
    around.mode = SupervisorState.READY
    plans(around)


def test_a_goal_may_come_as_a_pose(around: Surroundings) -> None:
    around.mode = SupervisorState.DISARMED
    goal = msgs.goal_to_msg(np.array([0.5, 0.5, 1.0]), around.probe.now())

    def speak() -> None:
        around.speak()
        around.probe.publish("goal_pose", goal, qos.report())

    status = around.probe.wait("planner/status", lambda s: s.goal[0] == 0.5, speak)
    np.testing.assert_allclose(status.goal, [0.5, 0.5, 1.0])
    around.mode = SupervisorState.READY
    plans(around)
    # A late subscriber receives it too, since the topic is latched.
    around.probe.listen("goal", PoseStamped, qos.latched())
    shown = around.probe.wait("goal", meanwhile=around.speak)
    np.testing.assert_allclose(msgs.goal_from_msg(shown), [0.5, 0.5, 1.0])


def test_a_publisher_of_goals_that_joins_after_arming_is_refused(around: Surroundings) -> None:
    assert set_goal(around, 1.0).success
    plans(around)  # the robot is armed, which fixes the publishers of goals
    goal = msgs.goal_to_msg(np.array([0.5, 0.5, 1.0]), around.probe.now())

    def speak() -> None:
        around.speak()
        around.probe.publish("goal_pose", goal, qos.report())

    def counted(message: DiagnosticArray) -> bool:
        values = {v.key: v.value for v in message.status[0].values}
        return message.status[0].name == "planner" and int(values.get("rejected goal_pose", 0)) > 2

    around.probe.wait("diagnostics", counted, speak)
    assert around.probe.wait("planner/status", meanwhile=around.speak).goal[0] == 1.0
    # After disarming it may publish goals.
    around.mode = SupervisorState.DISARMED
    around.probe.wait("planner/status", lambda s: s.goal[0] == 0.5, speak)


def test_the_second_planner_refuses(around: Surroundings, start_node: Callable[..., Any]) -> None:
    holds_for(around, "no goal")
    second = start_node("planner", *QUICK, "exclusivity_wait:=5.0")
    assert second.process.wait(60.0) == 2
    assert "already publishes /plan" in second.output()


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("num_rolouts:=4", "did you mean 'num_rollouts'"),
        ("cem.noise.sgima:=[1.0, 1.0, 1.0]", "did you mean 'cem.noise.sigma'"),
        ("horizon:=100.0", "outside [0.1, 10.0] s"),
        ("task:=navigat", "did you mean 'navigate'"),
        ("walker:=trott", "did you mean 'trot'"),
        ("task_params:=planner.floor_frictoin=1", "did you mean 'planner.floor_friction'"),
    ],
)
def test_a_bad_parameter_stops_the_node_at_its_start(
    start_node: Callable[..., Any], word: str, hint: str
) -> None:
    node = start_node("planner", *QUICK, word)
    assert node.process.wait(60.0) == 2
    assert hint in node.output()
    assert "Traceback" not in node.output()


def test_cost_weights_and_search_change_live(around: Surroundings) -> None:
    def change(name: str, value: Any) -> Any:
        parameter = RosParameter(name, value=value).to_parameter_msg()
        answer = around.probe.call(
            "planner/set_parameters", SetParameters, around.speak, parameters=[parameter]
        )
        return answer.results[0]

    assert set_goal(around, 1.0).success
    before = plans(around)
    assert change("task_params", "cost.distance=50").successful
    status = around.probe.wait(
        "planner/status", lambda s: s.best_cost > 20.0, meanwhile=around.speak
    )
    assert dict(zip(status.term_names, status.term_values, strict=True))["distance"] > 20.0
    refused = change("task_params", "planner.floor_friction=0.5")
    assert not refused.successful and "planner.floor_friction cannot change" in refused.reason
    assert "did you mean 'cost.yaw'" in change("task_params", "cost.yow=1").reason
    # More candidates need a new planner, which continues the plan ids of the old one.
    assert change("num_rollouts", 6).successful
    around.probe.wait(
        "planner/status", lambda s: s.num_rollouts == 6 and s.id, meanwhile=around.speak
    )
    assert plans(around).id > before.id
    assert not change("rate", 5.0).successful
