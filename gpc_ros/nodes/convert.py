"""Messages to records of arrays and back: lengths, finiteness and quaternion order are minded here.

Every ``*_from`` raises InputError for a message that must not be used; every ``*_to`` fills a
message in place and returns it, so that a fast loop can use one message again and again.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, Twist, Vector3
from sensor_msgs.msg import Imu, JointState

from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_msgs.msg import ObjectState as ObjectStateMsg
from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import RobotState as RobotStateMsg
from gpc_msgs.msg import State as StateMsg
from gpc_msgs.msg import WalkerState
from gpc_ros.arrays import Array, checked
from gpc_ros.errors import InputError
from gpc_ros.geometry import quat_from_yaw, yaw_of
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.joints import JOINT_NAMES
from gpc_ros.robot.types import JointCommand, ObjectState, RobotReading, RobotState

MAP_FRAME = "map"
BASE_FRAME = "base_link"


def seconds(stamp: Time) -> float:
    """Return a message's time in seconds."""
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


def set_time(stamp: Time, time: float) -> None:
    """Write a time [s] into a message.

    Raises:
        InputError: the time is negative, not finite or too large for a message.
    """
    if not 0.0 <= time < 2.0**31:
        raise InputError(f"time {time} s does not fit into a message")
    whole = int(time)
    stamp.sec = whole
    stamp.nanosec = min(int((time - whole) * 1e9), 999_999_999)


def _vector(v: Vector3 | Point) -> list[float]:
    return [v.x, v.y, v.z]


def set_vector(target: Vector3 | Point, v: Array) -> None:
    """Write a vector (3,) into a message."""
    target.x, target.y, target.z = float(v[0]), float(v[1]), float(v[2])


def set_quaternion(target: Quaternion, wxyz: Array) -> None:
    """Write a quaternion wxyz into a message, whose fields have names and so no order."""
    target.w, target.x, target.y, target.z = (float(c) for c in wxyz)


def _quaternion(q: Quaternion, what: str) -> Array:
    """Return a message's quaternion as a unit quaternion (4,) wxyz.

    Raises:
        InputError: it is not finite or far from unit length.
    """
    norm = math.sqrt(q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z)
    if not 0.9 < norm < 1.1:  # also refuses NaN
        raise InputError(f"{what}: quaternion w {q.w}, x {q.x}, y {q.y}, z {q.z} has norm {norm}")
    return np.array([q.w, q.x, q.y, q.z]) / norm


def _finite(values: Any, shape: tuple[int, ...], what: str) -> Array:
    """Return values as a checked array of our own, not a view into the message."""
    return np.array(checked(values, shape, what))


def reading_to(reading: RobotReading, message: RobotStateMsg) -> RobotStateMsg:
    """Fill a message with a reading of the robot's sensors."""
    set_time(message.header.stamp, reading.stamp)
    message.header.frame_id = BASE_FRAME
    message.position = reading.position
    message.velocity = reading.velocity
    message.effort = reading.effort
    set_quaternion(message.orientation, reading.orientation)
    set_vector(message.angular_velocity, reading.angular_velocity)
    set_vector(message.linear_acceleration, reading.linear_acceleration)
    message.temperature = reading.temperature
    message.foot_force = reading.foot_force
    message.battery = float(reading.battery)
    message.tick = reading.tick % 2**32
    return message


def reading_from(message: RobotStateMsg) -> RobotReading:
    """Return the reading in a message.

    Raises:
        InputError: an entry is not finite.
    """
    reading = RobotReading(
        stamp=seconds(message.header.stamp),
        position=np.array(message.position),
        velocity=np.array(message.velocity),
        effort=np.array(message.effort),
        orientation=_quaternion(message.orientation, "robot state: orientation"),
        angular_velocity=np.array(_vector(message.angular_velocity)),
        linear_acceleration=np.array(_vector(message.linear_acceleration)),
        temperature=np.array(message.temperature),
        foot_force=np.array(message.foot_force),
        battery=message.battery,
        tick=message.tick,
    )
    reading.check()
    return reading


def command_to(
    command: JointCommand, message: JointCommandMsg, stamp: float, sequence: int
) -> JointCommandMsg:
    """Fill a message with a joint command.

    Args:
        command: what to send.
        message: what to fill; its source stays.
        stamp: time of the reading that the command answers [s].
        sequence: number of the command.
    """
    set_time(message.header.stamp, stamp)
    message.sequence = sequence
    message.position = command.position
    message.velocity = command.velocity
    message.effort = command.effort
    message.kp = command.kp
    message.kd = command.kd
    return message


def command_from(message: JointCommandMsg) -> JointCommand:
    """Return the joint command in a message.

    Raises:
        InputError: an entry is not finite or a gain is negative.
    """
    command = JointCommand(
        position=_finite(message.position, (12,), "joint command: position [rad]"),
        velocity=_finite(message.velocity, (12,), "joint command: velocity [rad/s]"),
        effort=_finite(message.effort, (12,), "joint command: effort [N m]"),
        kp=_finite(message.kp, (12,), "joint command: kp [N m/rad]"),
        kd=_finite(message.kd, (12,), "joint command: kd [N m s/rad]"),
    )
    if command.kp.min() < 0.0 or command.kd.min() < 0.0:
        raise InputError("joint command: a gain is negative")
    return command


def joints_to(reading: RobotReading, message: JointState) -> JointState:
    """Fill a message with the joint part of a reading."""
    set_time(message.header.stamp, reading.stamp)
    message.name = list(JOINT_NAMES)
    message.position = reading.position.tolist()
    message.velocity = reading.velocity.tolist()
    message.effort = reading.effort.tolist()
    return message


class Joints(NamedTuple):
    """Joint angles and velocities (12,) in model order [rad], [rad/s], and torques [N m]."""

    stamp: float
    position: Array
    velocity: Array
    effort: Array


def joints_from(message: JointState) -> Joints:
    """Return joint values in model order; a message may name the joints in any order.

    Raises:
        InputError: a joint is missing, a length differs or an entry is not finite.
    """
    names = list(message.name)
    n = len(names)
    position = checked(message.position, (n,), "joint states: position [rad]")
    velocity = checked(message.velocity, (n,), "joint states: velocity [rad/s]")
    effort = np.zeros(n)
    if len(message.effort):
        effort = checked(message.effort, (n,), "joint states: effort [N m]")
    if tuple(names) != JOINT_NAMES:
        missing = [name for name in JOINT_NAMES if name not in names]
        if missing:
            raise InputError(f"joint states: joint '{missing[0]}' is missing")
        order = [names.index(name) for name in JOINT_NAMES]
        position, velocity, effort = position[order], velocity[order], effort[order]
    stamp = seconds(message.header.stamp)
    return Joints(stamp, np.array(position), np.array(velocity), np.array(effort))


def imu_to(reading: RobotReading, message: Imu) -> Imu:
    """Fill a message with the IMU part of a reading."""
    set_time(message.header.stamp, reading.stamp)
    message.header.frame_id = BASE_FRAME
    set_quaternion(message.orientation, reading.orientation)
    set_vector(message.angular_velocity, reading.angular_velocity)
    set_vector(message.linear_acceleration, reading.linear_acceleration)
    return message


class ImuReading(NamedTuple):
    """Attitude (4,) wxyz, angular velocity (3,) [rad/s], acceleration (3,) [m/s^2], base frame."""

    stamp: float
    orientation: Array
    angular_velocity: Array
    linear_acceleration: Array


def imu_from(message: Imu) -> ImuReading:
    """Return the IMU reading in a message.

    Raises:
        InputError: an entry is not finite.
    """
    return ImuReading(
        seconds(message.header.stamp),
        _quaternion(message.orientation, "imu: orientation"),
        _finite(_vector(message.angular_velocity), (3,), "imu: angular velocity [rad/s]"),
        _finite(_vector(message.linear_acceleration), (3,), "imu: acceleration [m/s^2]"),
    )


def pose_to(stamp: float, position: Array, wxyz: Array, message: PoseStamped) -> PoseStamped:
    """Fill a message with a pose in the map frame."""
    set_time(message.header.stamp, stamp)
    message.header.frame_id = MAP_FRAME
    set_vector(message.pose.position, position)
    set_quaternion(message.pose.orientation, wxyz)
    return message


class StampedPose(NamedTuple):
    """A position (3,) [m] and an orientation (4,) wxyz in the map frame."""

    stamp: float
    position: Array
    orientation: Array


def pose_from(message: PoseStamped) -> StampedPose:
    """Return the pose in a message.

    Raises:
        InputError: an entry is not finite or the frame is not the map.
    """
    frame = message.header.frame_id.lstrip("/")
    if frame not in ("", MAP_FRAME):
        raise InputError(f"pose: frame '{frame}' is not '{MAP_FRAME}'")
    return StampedPose(
        seconds(message.header.stamp),
        _finite(_vector(message.pose.position), (3,), "pose: position [m]"),
        _quaternion(message.pose.orientation, "pose: orientation"),
    )


def goal_to(goal: Array, stamp: float) -> PoseStamped:
    """Return a goal x [m], y [m], yaw [rad] (3,) as a pose on the floor."""
    position = np.array([goal[0], goal[1], 0.0])
    return pose_to(stamp, position, quat_from_yaw(goal[2]), PoseStamped())


def goal_from(message: PoseStamped) -> Array:
    """Return the goal x [m], y [m], yaw [rad] (3,) in a pose.

    Raises:
        InputError: an entry is not finite or the frame is not the map.
    """
    pose = pose_from(message)
    return np.array([pose.position[0], pose.position[1], float(yaw_of(pose.orientation))])


def set_pose(pose: Pose, state: RobotState | ObjectState) -> None:
    """Write the pose of robot or object into a message."""
    set_vector(pose.position, state.position)
    set_quaternion(pose.orientation, state.orientation)


def _fill_body(pose: Pose, twist: Twist, state: RobotState | ObjectState) -> None:
    set_pose(pose, state)
    set_vector(twist.linear, state.linear_velocity)
    set_vector(twist.angular, state.angular_velocity)


def state_to(state: RobotState, message: StateMsg) -> StateMsg:
    """Fill a message with the fused state."""
    set_time(message.header.stamp, state.stamp)
    message.header.frame_id = MAP_FRAME
    _fill_body(message.pose, message.twist, state)
    message.joint_position = state.joint_position
    message.joint_velocity = state.joint_velocity
    message.covariance = state.covariance
    message.base_age = float(state.base_age)
    message.joint_age = float(state.joint_age)
    if [o.name for o in message.objects] != list(state.objects):
        message.objects = [ObjectStateMsg(name=name) for name in state.objects]
    for target, body in zip(message.objects, state.objects.values(), strict=True):
        _fill_body(target.pose, target.twist, body)
        target.age = float(body.age)
        target.covariance = body.covariance
    return message


def state_from(message: StateMsg) -> RobotState:
    """Return the fused state in a message.

    Raises:
        InputError: an entry is not finite.
    """
    pose, twist = message.pose, message.twist
    return RobotState(
        stamp=seconds(message.header.stamp),
        position=_finite(_vector(pose.position), (3,), "state: position [m]"),
        orientation=_quaternion(pose.orientation, "state: orientation"),
        linear_velocity=_finite(_vector(twist.linear), (3,), "state: linear velocity [m/s]"),
        angular_velocity=_finite(_vector(twist.angular), (3,), "state: angular velocity [rad/s]"),
        joint_position=_finite(message.joint_position, (12,), "state: joint position [rad]"),
        joint_velocity=_finite(message.joint_velocity, (12,), "state: joint velocity [rad/s]"),
        objects={o.name: _object_from(o) for o in message.objects},
        covariance=_finite(message.covariance, (12,), "state: covariance"),
        base_age=float(checked(message.base_age, (), "state: base age [s]")),
        joint_age=float(checked(message.joint_age, (), "state: joint age [s]")),
    )


def _object_from(message: ObjectStateMsg) -> ObjectState:
    what = f"state: object '{message.name}'"
    pose, twist = message.pose, message.twist
    return ObjectState(
        position=_finite(_vector(pose.position), (3,), f"{what}: position [m]"),
        orientation=_quaternion(pose.orientation, f"{what}: orientation"),
        linear_velocity=_finite(_vector(twist.linear), (3,), f"{what}: velocity [m/s]"),
        angular_velocity=_finite(_vector(twist.angular), (3,), f"{what}: rate [rad/s]"),
        age=float(checked(message.age, (), f"{what}: age [s]")),
        covariance=_finite(message.covariance, (6,), f"{what}: covariance"),
    )


def plan_to(plan: Plan, message: PlanMsg) -> PlanMsg:
    """Fill a message with a plan."""
    set_time(message.header.stamp, plan.stamp)
    message.header.frame_id = BASE_FRAME
    message.id = plan.id
    message.task, message.robot = plan.task, plan.robot
    set_time(message.start, plan.start)
    set_time(message.expiry, plan.expiry)
    message.order = plan.order
    message.knot_dt = float(plan.knot_dt)
    message.knots = plan.knots.ravel().tolist()
    message.cost = float(plan.cost)
    return message


def plan_from(message: PlanMsg) -> Plan:
    """Return the plan in a message.

    Raises:
        InputError: the knots are not triples, an entry is not finite or makes no sense.
    """
    knots = np.asarray(message.knots, dtype=np.float64)
    if len(knots) == 0 or len(knots) % 3:
        raise InputError(f"plan {message.id}: {len(knots)} knot values are not triples")
    return Plan(
        id=message.id,
        task=message.task,
        robot=message.robot,
        stamp=seconds(message.header.stamp),
        start=seconds(message.start),
        expiry=seconds(message.expiry),
        knots=knots.reshape(-1, 3),
        knot_dt=message.knot_dt,
        order=message.order,
        cost=message.cost,
    )


def walker_state_to(
    stamp: float, command: Array, state: Array, message: WalkerState
) -> WalkerState:
    """Fill a message with the walker's memory (S,) and command (3,); its name stays."""
    set_time(message.header.stamp, stamp)
    message.command = command
    message.state = state.tolist()
    return message


def walker_state_from(message: WalkerState, walker: str, size: int) -> Array:
    """Return the walker's memory (S,) in a message.

    Args:
        message: what came.
        walker: name of the walker that it must be for.
        size: its length S.

    Raises:
        InputError: another walker, another length, or an entry is not finite.
    """
    if message.walker != walker:
        raise InputError(f"walker state: it is of '{message.walker}', not of '{walker}'")
    return _finite(message.state, (size,), "walker state")
