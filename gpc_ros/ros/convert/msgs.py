"""Times, vectors, quaternions and poses in messages, shared by all conversions.

``*_from_msg`` raises InputError for a message that must not be used. ``*_to_msg`` fills a message
in place and returns it, so that a fast loop reuses one message.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, Vector3

from gpc_ros.common.arrays import Array, validate_array
from gpc_ros.common.errors import InputError
from gpc_ros.common.geometry import quat_from_yaw, yaw_from_quat
from gpc_ros.robot.types import ObjectState, SceneState

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


def vector_from_msg(v: Vector3 | Point) -> list[float]:
    """Return the components of a message's vector."""
    return [v.x, v.y, v.z]


def set_vector(target: Vector3 | Point, v: Array) -> None:
    """Write a vector (3,) into a message."""
    target.x, target.y, target.z = float(v[0]), float(v[1]), float(v[2])


def set_quaternion(target: Quaternion, wxyz: Array) -> None:
    """Write a quaternion wxyz into a message."""
    target.w, target.x, target.y, target.z = (float(c) for c in wxyz)


def quaternion_from_msg(q: Quaternion, what: str) -> Array:
    """Return a message's quaternion as a unit quaternion (4,) wxyz.

    Raises:
        InputError: it is not finite or far from unit length.
    """
    return unit(q.w, q.x, q.y, q.z, what)


def unit(w: float, x: float, y: float, z: float, what: str) -> Array:
    """Return a quaternion as a unit quaternion (4,) wxyz.

    Raises:
        InputError: it is not finite or far from unit length.
    """
    norm = math.sqrt(w * w + x * x + y * y + z * z)
    if not 0.9 < norm < 1.1:  # also refuses NaN
        raise InputError(f"{what}: quaternion w {w}, x {x}, y {y}, z {z} has norm {norm}")
    return np.array([w, x, y, z]) / norm


def finite(values: Any, shape: tuple[int, ...], what: str) -> Array:
    """Return values as a validated copy, not a view into the message."""
    array = np.array(values, dtype=np.float64)
    # One sum detects any non-finite value at a fraction of the cost; validate_array() names it.
    if array.shape != shape or not math.isfinite(array.sum()):
        return validate_array(array, shape, what)
    return array


def set_pose(pose: Pose, state: SceneState | ObjectState) -> None:
    """Write the pose of robot or object into a message."""
    set_vector(pose.position, state.position)
    set_quaternion(pose.orientation, state.orientation)


def pose_to_msg(stamp: float, position: Array, wxyz: Array, message: PoseStamped) -> PoseStamped:
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


def pose_from_msg(message: PoseStamped) -> StampedPose:
    """Return the pose in a message.

    Raises:
        InputError: an entry is not finite or the frame is not the map.
    """
    frame = message.header.frame_id.lstrip("/")
    if frame not in ("", MAP_FRAME):
        raise InputError(f"pose: frame '{frame}' is not '{MAP_FRAME}'")
    return StampedPose(
        seconds(message.header.stamp),
        finite(vector_from_msg(message.pose.position), (3,), "pose: position [m]"),
        quaternion_from_msg(message.pose.orientation, "pose: orientation"),
    )


def goal_to_msg(goal: Array, stamp: float) -> PoseStamped:
    """Return a goal x [m], y [m], yaw [rad] (3,) as a pose on the floor."""
    position = np.array([goal[0], goal[1], 0.0])
    return pose_to_msg(stamp, position, quat_from_yaw(goal[2]), PoseStamped())


def goal_from_msg(message: PoseStamped) -> Array:
    """Return the goal x [m], y [m], yaw [rad] (3,) in a pose.

    Raises:
        InputError: an entry is not finite or the frame is not the map.
    """
    pose = pose_from_msg(message)
    return np.array([pose.position[0], pose.position[1], float(yaw_from_quat(pose.orientation))])
