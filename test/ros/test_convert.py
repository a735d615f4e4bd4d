"""Messages to records and back: without loss, and with rejection of invalid messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from hypothesis import given
from hypothesis import strategies as st
from nav_msgs.msg import Odometry
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Imu, JointState
from tf2_msgs.msg import TFMessage

from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import PlannerStatus, SupervisorState, WalkerState
from gpc_msgs.msg import RobotReading as RobotReadingMsg
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_ros.common.errors import InputError
from gpc_ros.common.geometry import quat_from_rpy, rotate
from gpc_ros.planning.plan import Plan
from gpc_ros.planning.planner import PlannerReport
from gpc_ros.robot.joints import JOINT_NAMES
from gpc_ros.robot.types import JointCommand, ObjectState, RobotReading, SceneState
from gpc_ros.ros.convert import msgs, robot_msgs, state_msgs
from gpc_ros.ros.convert.status_msgs import (
    CycleContext,
    frames_to_msg,
    is_active,
    is_latched,
    mode_text,
    odometry_to_msg,
    status_to_msg,
)

NOW = 1_700_000_000.123456


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def over_the_wire(message: Any) -> Any:
    """Return a message after serialisation and deserialisation."""
    return deserialize_message(serialize_message(message), type(message))


def reading() -> RobotReading:
    r = rng()
    return RobotReading(
        NOW,
        r.normal(size=12),
        r.normal(size=12),
        r.normal(size=12),
        quat_from_rpy(0.1, -0.2, 1.0),
        r.normal(size=3),
        r.normal(size=3),
        r.uniform(20, 60, 12),
        r.uniform(0, 80, 4),
        0.5,
        123456,
    )


def state() -> SceneState:
    r = rng()
    box = ObjectState(
        r.normal(size=3), quat_from_rpy(0, 0, 2.0), r.normal(size=3), r.normal(size=3), 0.2,
        r.uniform(size=6),
    )  # fmt: skip
    return SceneState(
        NOW,
        r.normal(size=3),
        quat_from_rpy(0.1, 0.2, -2.0),
        r.normal(size=3),
        r.normal(size=3),
        r.normal(size=12),
        r.normal(size=12),
        {"box": box},
        r.uniform(size=12),
        0.01,
        0.002,
        "motion capture shows another body",
    )


def plan() -> Plan:
    return Plan(
        7, "navigate", "go2", NOW, NOW + 0.05, NOW + 0.35, rng().normal(size=(4, 3)), 0.5, 1, 2.5
    )


def equal(a: Any, b: Any) -> None:
    """Assert that two records have equal contents; times to a microsecond."""
    assert vars(a).keys() == vars(b).keys()
    for name, value in vars(a).items():
        other = vars(b)[name]
        if isinstance(value, dict):
            assert value.keys() == other.keys()
            for key in value:
                equal(value[key], other[key])
        elif isinstance(value, str):
            assert value == other
        else:
            np.testing.assert_allclose(other, value, rtol=0, atol=1e-6, err_msg=name)


def test_reading_round_trip() -> None:
    message = over_the_wire(robot_msgs.reading_to_msg(reading(), RobotReadingMsg()))
    equal(reading(), robot_msgs.reading_from_msg(message))


def test_state_round_trip() -> None:
    equal(
        state(),
        state_msgs.scene_state_from_msg(
            over_the_wire(state_msgs.scene_state_to_msg(state(), SceneStateMsg()))
        ),
    )


def test_plan_round_trip() -> None:
    equal(
        plan(), state_msgs.plan_from_msg(over_the_wire(state_msgs.plan_to_msg(plan(), PlanMsg())))
    )


def test_command_round_trip() -> None:
    r = rng()
    command = JointCommand(*r.uniform(0, 1, (5, 12)))
    message = over_the_wire(robot_msgs.command_to_msg(command, JointCommandMsg(source="a"), NOW, 9))
    equal(command, robot_msgs.command_from_msg(message))
    assert (message.source, message.sequence) == ("a", 9)
    assert msgs.seconds(message.header.stamp) == pytest.approx(NOW, abs=1e-6)


def test_sensor_round_trips() -> None:
    joints = robot_msgs.joints_from_msg(
        over_the_wire(robot_msgs.joints_to_msg(reading(), JointState()))
    )
    np.testing.assert_allclose(joints.position, reading().position)
    np.testing.assert_allclose(joints.effort, reading().effort)
    imu = robot_msgs.imu_from_msg(over_the_wire(robot_msgs.imu_to_msg(reading(), Imu())))
    np.testing.assert_allclose(imu.orientation, reading().orientation)
    np.testing.assert_allclose(imu.linear_acceleration, reading().linear_acceleration)


def test_a_record_does_not_change_with_its_message() -> None:
    message = robot_msgs.reading_to_msg(reading(), RobotReadingMsg())
    record = robot_msgs.reading_from_msg(message)
    message.position[0] = 99.0
    assert record.position[0] != 99.0


def test_message_quaternions_are_named_so_no_order_is_lost() -> None:
    message = msgs.pose_to_msg(NOW, np.zeros(3), np.array([0.5, 0.5, -0.5, 0.5]), PoseStamped())
    q = message.pose.orientation
    assert (q.w, q.x, q.y, q.z) == (0.5, 0.5, -0.5, 0.5)


def test_joints_may_come_in_any_order() -> None:
    message = robot_msgs.joints_to_msg(reading(), JointState())
    order = rng().permutation(12)
    message.name = [JOINT_NAMES[i] for i in order]
    message.position = reading().position[order].tolist()
    message.velocity = reading().velocity[order].tolist()
    message.effort = []
    joints = robot_msgs.joints_from_msg(message)
    np.testing.assert_array_equal(joints.position, reading().position)
    np.testing.assert_array_equal(joints.effort, np.zeros(12))


def test_goal_round_trip() -> None:
    goal = np.array([1.0, -0.5, 2.0])
    np.testing.assert_allclose(msgs.goal_from_msg(msgs.goal_to_msg(goal, NOW)), goal)


@given(st.floats(0, 2**31 - 1))
def test_times_survive_to_a_microsecond(time: float) -> None:
    message = PoseStamped()
    msgs.set_time(message.header.stamp, time)
    assert msgs.seconds(message.header.stamp) == pytest.approx(time, abs=1e-6)


@pytest.mark.parametrize("time", [-1.0, np.nan, np.inf, 2.0**31])
def test_impossible_times_are_refused(time: float) -> None:
    with pytest.raises(InputError, match="time"):
        msgs.set_time(PoseStamped().header.stamp, time)


BAD = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("field", ["position", "velocity", "effort", "temperature", "foot_force"])
def test_a_reading_that_is_not_finite_is_refused(field: str, bad: float) -> None:
    message = robot_msgs.reading_to_msg(reading(), RobotReadingMsg())
    getattr(message, field)[2] = bad
    with pytest.raises(InputError, match=field):
        robot_msgs.reading_from_msg(over_the_wire(message))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("field", ["position", "velocity", "effort", "kp", "kd"])
def test_a_command_that_is_not_finite_is_refused(field: str, bad: float) -> None:
    message = robot_msgs.command_to_msg(JointCommand.damping(3.0), JointCommandMsg(), NOW, 0)
    getattr(message, field)[11] = bad
    with pytest.raises(InputError, match=field):
        robot_msgs.command_from_msg(over_the_wire(message))


def test_a_negative_gain_is_refused() -> None:
    message = robot_msgs.command_to_msg(JointCommand.damping(3.0), JointCommandMsg(), NOW, 0)
    message.kd[3] = -1.0
    with pytest.raises(InputError, match="negative"):
        robot_msgs.command_from_msg(message)


@pytest.mark.parametrize("bad", BAD)
def test_a_state_that_is_not_finite_is_refused(bad: float) -> None:
    for spoil in (
        lambda m: setattr(m.pose.position, "x", bad),
        lambda m: setattr(m.pose.orientation, "z", bad),
        lambda m: setattr(m.twist.angular, "y", bad),
        lambda m: m.joint_position.__setitem__(0, bad),
        lambda m: m.covariance.__setitem__(0, bad),
        lambda m: setattr(m, "base_age", bad),
        lambda m: setattr(m.objects[0].pose.position, "z", bad),
        lambda m: setattr(m.objects[0], "age", bad),
    ):
        message = state_msgs.scene_state_to_msg(state(), SceneStateMsg())
        spoil(message)
        with pytest.raises(InputError, match="scene state"):
            state_msgs.scene_state_from_msg(message)


def test_a_quaternion_of_no_length_is_refused() -> None:
    message = state_msgs.scene_state_to_msg(state(), SceneStateMsg())
    q = message.pose.orientation
    q.w = q.x = q.y = q.z = 0.0
    with pytest.raises(InputError, match="quaternion"):
        state_msgs.scene_state_from_msg(message)


@pytest.mark.parametrize("count", [0, 1, 2, 11, 13])
def test_knots_of_the_wrong_length_are_refused(count: int) -> None:
    message = state_msgs.plan_to_msg(plan(), PlanMsg())
    message.knots = [0.1] * count
    with pytest.raises(InputError, match="triples"):
        state_msgs.plan_from_msg(message)


def test_a_plan_that_is_not_finite_is_refused() -> None:
    message = state_msgs.plan_to_msg(plan(), PlanMsg())
    message.knots[4] = float("nan")
    with pytest.raises(InputError, match="knots"):
        state_msgs.plan_from_msg(message)


def test_state_of_another_walker_is_refused() -> None:
    message = robot_msgs.walker_state_to_msg(
        NOW, np.zeros(3), np.arange(5.0), WalkerState(walker="trot")
    )
    np.testing.assert_array_equal(
        robot_msgs.walker_state_from_msg(message, "trot", 5), np.arange(5.0)
    )
    with pytest.raises(InputError, match="of 'trot', not of 'policy'"):
        robot_msgs.walker_state_from_msg(message, "policy", 5)
    with pytest.raises(InputError, match="shape"):
        robot_msgs.walker_state_from_msg(message, "trot", 6)


@pytest.mark.parametrize("names", [["FL_hip_joint"], [*JOINT_NAMES[:-1], "tail"]])
def test_joint_states_without_all_joints_are_refused(names: list[str]) -> None:
    message = JointState(name=names, position=[0.0] * len(names), velocity=[0.0] * len(names))
    with pytest.raises(InputError, match="missing"):
        robot_msgs.joints_from_msg(message)


def test_joint_states_of_the_wrong_length_are_refused() -> None:
    message = robot_msgs.joints_to_msg(reading(), JointState())
    message.velocity = [0.0] * 11
    with pytest.raises(InputError, match="velocity"):
        robot_msgs.joints_from_msg(message)


def test_a_pose_in_another_frame_is_refused() -> None:
    message = msgs.goal_to_msg(np.zeros(3), NOW)
    message.header.frame_id = "odom"
    with pytest.raises(InputError, match="'odom' is not 'map'"):
        msgs.goal_from_msg(message)


def test_odometry_gives_the_twist_in_the_base_frame() -> None:
    s = state()
    message = over_the_wire(odometry_to_msg(s, Odometry()))
    linear = np.array([getattr(message.twist.twist.linear, a) for a in "xyz"])
    np.testing.assert_allclose(rotate(s.orientation, linear), s.linear_velocity)
    assert message.pose.covariance[7] == s.covariance[1]


def test_frames_contain_base_and_objects() -> None:
    message = over_the_wire(frames_to_msg(state(), TFMessage()))
    assert [t.child_frame_id for t in message.transforms] == ["base_link", "box"]
    assert {t.header.frame_id for t in message.transforms} == {"map"}


def test_status_contains_every_metric_of_the_report() -> None:
    report = PlannerReport(
        num_rollouts=16, valid=15, completed=16, best_cost=1.5, terms={"yaw": 0.5}
    )
    context = CycleContext(
        NOW, 3, 10, 1, "navigate", "cem", 2.0, 0.05, 0.045, np.ones(3), state(), 4
    )
    message = over_the_wire(status_to_msg(report, context, PlannerStatus()))
    assert (message.id, message.cycles, message.misses, message.dropped_states) == (3, 10, 1, 4)
    assert (message.num_rollouts, message.valid, message.best_cost) == (16, 15, 1.5)
    assert (message.term_names, list(message.term_values)) == (["yaw"], [0.5])
    assert message.object_age == pytest.approx(0.2)


def test_supervisor_states_in_words() -> None:
    message = SupervisorState(state=SupervisorState.FAULT, name="FAULT", reasons=["tilt 70 deg"])
    assert is_latched(message) and not is_active(message)
    assert mode_text(message) == "fault: tilt 70 deg"
    assert is_active(SupervisorState(state=SupervisorState.READY))
