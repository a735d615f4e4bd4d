"""Readings, joint commands and the walker's memory as messages.

``*_from_msg`` raises InputError for a message that must not be used. ``*_to_msg`` fills a message
in place and returns it, so that a fast loop reuses one message.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sensor_msgs.msg import Imu, JointState

from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_msgs.msg import RobotReading as RobotReadingMsg
from gpc_msgs.msg import WalkerState
from gpc_ros.common.arrays import Array, validate_array
from gpc_ros.common.errors import InputError
from gpc_ros.robot.joints import JOINT_NAMES
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.ros.convert.msgs import (
    BASE_FRAME,
    finite,
    quaternion_from_msg,
    seconds,
    set_quaternion,
    set_time,
    set_vector,
    vector_from_msg,
)


def reading_to_msg(reading: RobotReading, message: RobotReadingMsg) -> RobotReadingMsg:
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


def reading_from_msg(message: RobotReadingMsg) -> RobotReading:
    """Return the reading in a message.

    Raises:
        InputError: an entry is not finite.
    """
    return RobotReading(
        stamp=seconds(message.header.stamp),
        position=finite(message.position, (12,), "robot reading: position [rad]"),
        velocity=finite(message.velocity, (12,), "robot reading: velocity [rad/s]"),
        effort=finite(message.effort, (12,), "robot reading: effort [N m]"),
        orientation=quaternion_from_msg(message.orientation, "robot reading: orientation"),
        angular_velocity=finite(
            vector_from_msg(message.angular_velocity), (3,), "robot reading: rate"
        ),
        linear_acceleration=finite(
            vector_from_msg(message.linear_acceleration), (3,), "robot reading: acceleration"
        ),
        temperature=finite(message.temperature, (12,), "robot reading: temperature [deg C]"),
        foot_force=finite(message.foot_force, (4,), "robot reading: foot_force [N]"),
        battery=float(validate_array(message.battery, (), "robot reading: battery")),
        tick=message.tick,
    )


def command_to_msg(
    command: JointCommand, message: JointCommandMsg, stamp: float, sequence: int
) -> JointCommandMsg:
    """Fill a message with a joint command.

    Args:
        command: values to send.
        message: filled in place; its source stays.
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


def command_from_msg(message: JointCommandMsg) -> JointCommand:
    """Return the joint command in a message.

    Raises:
        InputError: an entry is not finite or a gain is negative.
    """
    command = JointCommand(
        position=finite(message.position, (12,), "joint command: position [rad]"),
        velocity=finite(message.velocity, (12,), "joint command: velocity [rad/s]"),
        effort=finite(message.effort, (12,), "joint command: effort [N m]"),
        kp=finite(message.kp, (12,), "joint command: kp [N m/rad]"),
        kd=finite(message.kd, (12,), "joint command: kd [N m s/rad]"),
    )
    if command.kp.min() < 0.0 or command.kd.min() < 0.0:
        raise InputError("joint command: a gain is negative")
    return command


def joints_to_msg(reading: RobotReading, message: JointState) -> JointState:
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


def joints_from_msg(message: JointState) -> Joints:
    """Return joint values in model order; a message may name the joints in any order.

    Raises:
        InputError: a joint is missing, a length differs or an entry is not finite.
    """
    names = list(message.name)
    n = len(names)
    position = validate_array(message.position, (n,), "joint states: position [rad]")
    velocity = validate_array(message.velocity, (n,), "joint states: velocity [rad/s]")
    effort = np.zeros(n)
    if len(message.effort):
        effort = validate_array(message.effort, (n,), "joint states: effort [N m]")
    if tuple(names) != JOINT_NAMES:
        missing = [name for name in JOINT_NAMES if name not in names]
        if missing:
            raise InputError(f"joint states: joint '{missing[0]}' is missing")
        order = [names.index(name) for name in JOINT_NAMES]
        position, velocity, effort = position[order], velocity[order], effort[order]
    stamp = seconds(message.header.stamp)
    return Joints(stamp, np.array(position), np.array(velocity), np.array(effort))


def imu_to_msg(reading: RobotReading, message: Imu) -> Imu:
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


def imu_from_msg(message: Imu) -> ImuReading:
    """Return the IMU reading in a message.

    Raises:
        InputError: an entry is not finite.
    """
    return ImuReading(
        seconds(message.header.stamp),
        quaternion_from_msg(message.orientation, "imu: orientation"),
        finite(vector_from_msg(message.angular_velocity), (3,), "imu: angular velocity [rad/s]"),
        finite(vector_from_msg(message.linear_acceleration), (3,), "imu: acceleration [m/s^2]"),
    )


def walker_state_to_msg(
    stamp: float, command: Array, state: Array, message: WalkerState
) -> WalkerState:
    """Fill a message with the walker's memory (S,) and command (3,); its name stays."""
    set_time(message.header.stamp, stamp)
    message.command = command
    message.state = state.tolist()
    return message


def walker_state_from_msg(message: WalkerState, walker: str, size: int) -> Array:
    """Return the walker's memory (S,) in a message.

    Args:
        message: received message.
        walker: name of the walker that it must be for.
        size: its length S.

    Raises:
        InputError: another walker, another length, or an entry is not finite.
    """
    if message.walker != walker:
        raise InputError(f"walker state: it is of '{message.walker}', not of '{walker}'")
    return finite(message.state, (size,), "walker state")
