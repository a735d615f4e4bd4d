"""The node mocap between a driver and the estimator's topics, with the drivers' real types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Pose, PoseStamped
from natnet import OptiTrack, free_port
from waiting import until

from gpc_ros.common.geometry import quat_from_yaw
from gpc_ros.mocap.mocap_map import Offset
from gpc_ros.mocap.mocap_offsets import write_offsets
from gpc_ros.ros import qos
from gpc_ros.ros.convert import mocap_msgs, msgs

if TYPE_CHECKING:
    from live_nodes import Probe, Running

pytestmark = pytest.mark.integration


def frame(driver: str, stamp: float, count: int) -> Any:
    """Return a driver's message with the body Go2, y up, near (1, 0.3, -2) m."""
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = 1.0 + 1e-6 * count, 0.3, -2.0
    pose.orientation.w = 1.0
    kind = mocap_msgs.message_type(driver)
    message = kind()
    msgs.set_time(message.header.stamp, stamp)
    message.header.frame_id = "world"
    if driver == "pose_stamped":
        message.pose = pose
    elif driver == "rigid_bodies":
        from mocap4r2_msgs.msg import RigidBody

        message.rigidbodies = [RigidBody(rigid_body_name="Go2", pose=pose)]
    else:
        from motion_capture_tracking_interfaces.msg import NamedPose

        message.poses = [NamedPose(name="Go2", pose=pose)]
    return message


@pytest.mark.parametrize(
    ("driver", "topic"),
    [
        ("pose_stamped", "/vrpn_mocap/Go2/pose"),
        ("rigid_bodies", "/rigid_bodies"),
        ("named_pose_array", "/poses"),
    ],
)
def test_a_driver_becomes_a_pose_of_the_base(
    probe: Probe, start_node: Callable[..., Running], tmp_path: Path, driver: str, topic: str
) -> None:
    offsets = tmp_path / "offsets.yaml"
    write_offsets(offsets, {"base": Offset(np.array([0.1, 0.0, -0.05]), quat_from_yaw(0.5))})
    probe.listen("mocap/base/pose", PoseStamped)
    start_node(
        "mocap",
        f"driver:={driver}",
        "names:=base=Go2",
        "axes:=y_up",
        "delay:=0.01",
        f"offsets:={offsets}",
    )
    sent: list[float] = []

    def drive() -> None:
        sent.append(probe.now())
        probe.publish(topic, frame(driver, sent[-1], len(sent)), qos.sensor(1))

    pose = msgs.pose_from_msg(probe.wait("mocap/base/pose", meanwhile=drive))
    np.testing.assert_allclose(pose.position, [1.1, 2.0, 0.25], atol=1e-3)
    np.testing.assert_allclose(pose.orientation, quat_from_yaw(0.5), atol=1e-6)
    assert min(abs(pose.stamp + 0.01 - t) for t in sent) < 1e-6


def test_a_system_without_a_driver_becomes_a_pose_of_the_base(
    probe: Probe, start_node: Callable[..., Running]
) -> None:
    pytest.importorskip("motioncapture")
    port = free_port()
    system = OptiTrack({"Go2": 3}, port, free_port())
    system.poses = {"Go2": (1.0, 0.3, -2.0, 0.0, 0.0, 0.0, 1.0)}
    probe.listen("mocap/base/pose", PoseStamped)
    probe.listen("diagnostics", DiagnosticArray)
    begin = probe.now()
    try:
        node = start_node(
            "mocap",
            "driver:=optitrack",
            f"host:=127.0.0.1:{port}",
            "names:=base=Go2",
            "axes:=y_up",
            "delay:=0.01",
        )
        pose = msgs.pose_from_msg(probe.wait("mocap/base/pose"))
        np.testing.assert_allclose(pose.position, [1.0, 2.0, 0.3], atol=1e-3)
        assert begin - 0.01 < pose.stamp < probe.now() - 0.01

        def status() -> str:
            statuses = probe.wait("diagnostics").status
            return str(next(s.message for s in statuses if "mocap" in s.name))

        until(
            lambda: status() == "box ('box' in the system) is not seen", "only the box is missing"
        )
    finally:
        system.close()
    until(
        lambda: "base ('Go2' in the system) is not seen" in status(), "the missing base is reported"
    )
    node.process.terminate()
    assert node.process.wait(60.0) in (0, -15, 143)


def test_unreadable_offsets_end_the_node_with_a_reason(
    start_node: Callable[..., Running], tmp_path: Path
) -> None:
    node = start_node("mocap", f"offsets:={tmp_path / 'none.yaml'}")
    assert node.process.wait(60.0) == 2
    assert "gpc calibrate-mocap makes them" in node.output()
