"""Messages of motion capture drivers, converted to named poses.

Only PoseStamped is part of every ROS; the other types belong to their drivers and are imported on
use.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.mocap.mocap_client import Seen
from gpc_ros.mocap.mocap_map import SystemPose
from gpc_ros.ros.convert.msgs import finite, quaternion_from_msg, seconds, unit, vector_from_msg

# The type of each driver's messages, and the repository of its package.
_TYPES = {
    "pose_stamped": ("geometry_msgs", "PoseStamped", "ros2/common_interfaces"),
    "rigid_bodies": ("mocap4r2_msgs", "RigidBodies", "MOCAP4ROS2-Project/mocap4r2_msgs"),
    "named_pose_array": (
        "motion_capture_tracking_interfaces",
        "NamedPoseArray",
        "IMRCLab/motion_capture_tracking",
    ),
}


def message_type(driver: str) -> type[Any]:
    """Return the class of a driver's messages.

    Raises:
        ConfigError: the package that holds it is not installed.
    """
    package, name, home = _TYPES[driver]
    try:
        kind: type[Any] = getattr(importlib.import_module(f"{package}.msg"), name)
    except ImportError as error:
        raise ConfigError(
            f"mocap driver '{driver}' needs the ROS package {package} ({error}): install "
            f"ros-$ROS_DISTRO-{package.replace('_', '-')}, or build it in your workspace from "
            f"https://github.com/{home}"
        ) from None
    return kind


# One pose of a message, still to be checked: raises InputError if it must not be used.
Check = Callable[[], SystemPose]


def poses_in(driver: str, name: str, message: Any) -> Iterator[Check]:
    """Yield a function for each pose of a message that validates and returns it.

    One bad pose (a lost body has zeros or NaN) then does not reject the others.

    Args:
        driver: kind of the driver that published it.
        name: of the body whose topic it is, for a driver with one topic a body.
        message: received message.
    """
    header = message.header
    if driver == "pose_stamped":
        yield lambda: _pose(name, header, message.pose)
    elif driver == "rigid_bodies":
        for body in message.rigidbodies:
            yield lambda body=body: _pose(body.rigid_body_name, header, body.pose)  # type: ignore[misc]
    else:
        for body in message.poses:
            yield lambda body=body: _pose(body.name, header, body.pose)  # type: ignore[misc]


def pose_seen(body: Seen) -> SystemPose:
    """Return a pose of a system that is read without a driver.

    Raises:
        InputError: it is not finite, or its orientation is not a unit quaternion.
    """
    what = f"pose of '{body.name}'"
    w, x, y, z = body.orientation
    return SystemPose(
        body.name,
        "",
        body.arrival,
        finite(body.position, (3,), f"{what}: position [m]"),
        unit(w, x, y, z, f"{what}: orientation"),
    )


def _pose(name: str, header: Any, pose: Any) -> SystemPose:
    what = f"pose of '{name}'"
    stamp = seconds(header.stamp)
    if stamp < 0.0:
        raise InputError(f"{what}: its stamp {stamp} s is negative")
    return SystemPose(
        name,
        header.frame_id,
        stamp,
        finite(vector_from_msg(pose.position), (3,), f"{what}: position [m]"),
        quaternion_from_msg(pose.orientation, f"{what}: orientation"),
    )
