"""Messages of motion capture drivers, with their real types."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import Pose, PoseStamped

from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.mocap.mocap_client import Seen
from gpc_ros.ros.convert import mocap_msgs
from gpc_ros.ros.convert.mocap_msgs import message_type, pose_seen, poses_in


def pose(x: float = 1.0, w: float = 1.0) -> Pose:
    result = Pose()
    result.position.x, result.position.y, result.position.z = x, 2.0, 0.3
    result.orientation.w = w
    return result


def rigid_bodies(**poses: Pose) -> Any:
    """Return a message of mocap4r2."""
    from mocap4r2_msgs.msg import RigidBodies, RigidBody

    message = RigidBodies(frame_number=3)
    message.rigidbodies = [RigidBody(rigid_body_name=n, pose=p) for n, p in poses.items()]
    return message


def named_poses(**poses: Pose) -> Any:
    """Return a message of motion_capture_tracking."""
    from motion_capture_tracking_interfaces.msg import NamedPose, NamedPoseArray

    return NamedPoseArray(poses=[NamedPose(name=n, pose=p) for n, p in poses.items()])


def stamped(message: Any) -> Any:
    message.header.frame_id = "world"
    message.header.stamp.sec, message.header.stamp.nanosec = 7, 500_000_000
    return message


@pytest.mark.parametrize(
    ("position", "orientation", "words"),
    [
        ([1.0, float("nan"), 0.3], [1.0, 0.0, 0.0, 0.0], "position"),
        ([1.0, 2.0, 0.3], [float("nan"), 0.0, 0.0, 0.0], "norm nan"),
        ([1.0, 2.0, 0.3], [0.0, 0.0, 0.0, 0.0], "norm 0.0"),
    ],
)
def test_messages_of_a_system_without_a_driver_are_checked(
    position: list[float], orientation: list[float], words: str
) -> None:
    good = pose_seen(Seen("Go2", 7.5, [1.0, 2.0, 0.3], [0.0, 0.0, 0.0, 1.01]))
    np.testing.assert_allclose(good.orientation, [0.0, 0.0, 0.0, 1.0])
    with pytest.raises(InputError, match=words):
        pose_seen(Seen("Go2", 7.5, position, orientation))


MANY = {"rigid_bodies": rigid_bodies, "named_pose_array": named_poses}


@pytest.mark.parametrize("driver", MANY)
def test_every_body_of_a_frame_is_read(driver: str) -> None:
    message = stamped(MANY[driver](Go2=pose(1.0), Box=pose(-1.0)))
    assert isinstance(message, message_type(driver))
    found = [check() for check in poses_in(driver, "", message)]
    assert [f.name for f in found] == ["Go2", "Box"]
    assert {(f.frame, f.stamp) for f in found} == {("world", 7.5)}
    np.testing.assert_allclose(found[1].position, [-1.0, 2.0, 0.3])
    np.testing.assert_allclose(found[1].orientation, [1.0, 0.0, 0.0, 0.0])


def test_a_topic_of_one_body_takes_its_name_from_the_topic() -> None:
    (check,) = poses_in("pose_stamped", "Go2", stamped(PoseStamped(pose=pose())))
    assert check().name == "Go2"


@pytest.mark.parametrize("driver", MANY)
@pytest.mark.parametrize("lost", [pose(w=0.0), pose(w=float("nan")), pose(x=float("inf"))])
def test_lost_body_does_not_affect_the_others(driver: str, lost: Pose) -> None:
    bad, good = poses_in(driver, "", stamped(MANY[driver](Box=lost, Go2=pose())))
    with pytest.raises(InputError, match="pose of 'Box'"):
        bad()
    assert good().name == "Go2"


def test_missing_driver_messages_name_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = {"rigid_bodies": ("no_such_msgs", "RigidBodies", "nobody/no_such_msgs")}
    monkeypatch.setattr(mocap_msgs, "_TYPES", table)
    with pytest.raises(ConfigError, match=r"install ros-\$ROS_DISTRO-no-such-msgs"):
        message_type("rigid_bodies")


# The type hash and the wire format follow from the fields and their order.
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (
            "mocap4r2_msgs/Marker",
            {
                "id_type": "int8",
                "marker_index": "int32",
                "marker_name": "string",
                "translation": "geometry_msgs/Point",
            },
        ),
        (
            "mocap4r2_msgs/RigidBody",
            {
                "rigid_body_name": "string",
                "markers": "sequence<mocap4r2_msgs/Marker>",
                "pose": "geometry_msgs/Pose",
            },
        ),
        (
            "mocap4r2_msgs/RigidBodies",
            {
                "header": "std_msgs/Header",
                "frame_number": "uint32",
                "rigidbodies": "sequence<mocap4r2_msgs/RigidBody>",
            },
        ),
        (
            "motion_capture_tracking_interfaces/NamedPose",
            {"name": "string", "pose": "geometry_msgs/Pose"},
        ),
        (
            "motion_capture_tracking_interfaces/NamedPoseArray",
            {
                "header": "std_msgs/Header",
                "poses": "sequence<motion_capture_tracking_interfaces/NamedPose>",
            },
        ),
    ],
)
def test_types_equal_those_of_the_drivers(name: str, fields: dict[str, str]) -> None:
    package, _, kind = name.partition("/")
    message = getattr(importlib.import_module(f"{package}.msg"), kind)
    assert message.get_fields_and_field_types() == fields
