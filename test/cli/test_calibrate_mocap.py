"""``gpc calibrate-mocap``: from a recording to the file that the node mocap reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from made_walk import MadeWalk
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Imu, JointState
from std_msgs.msg import String

from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.cli.main import main
from gpc_ros.common.geometry import quat_conjugate, quat_from_rpy, quat_multiply, rotate
from gpc_ros.mocap.mocap_calibration import combined
from gpc_ros.mocap.mocap_map import NO_OFFSET, Offset
from gpc_ros.mocap.mocap_offsets import read_offsets, write_offsets
from gpc_ros.ros.convert import msgs, robot_msgs

MARKERS = Offset(np.array([0.12, -0.03, -0.09]), quat_from_rpy(0.03, -0.06, 1.9))
OLD = Offset(np.array([0.05, 0.0, -0.1]), quat_from_rpy(0.0, 0.0, 0.4))


def record(folder: Path, walk: MadeWalk, old: Offset = NO_OFFSET, poses: bool = True) -> Path:
    """Write a bag of a walk whose poses were mapped with an old offset of the base."""
    writer = BagWriter(folder / "bag", {"task": "none"})
    writer.add_topic("/joint_states", "sensor_msgs/msg/JointState")
    writer.add_topic("/imu/data", "sensor_msgs/msg/Imu")
    writer.add_topic("/parameters", "std_msgs/msg/String")
    writer.add_topic("/mocap/base/pose", "geometry_msgs/msg/PoseStamped")
    offsets_in_force = {
        "base": {"position": old.position.tolist(), "orientation": old.orientation.tolist()}
    }
    content = {"node": "mocap", "serial": 1, "parameters": {}, "mocap_offsets": offsets_in_force}
    writer.write("/parameters", serialize_message(String(data=json.dumps(content))), 0)
    for k, (reading, pose) in enumerate(zip(walk.readings, walk.poses, strict=True)):
        time = round(reading.stamp * 1e9)
        joints, imu = JointState(), Imu()
        robot_msgs.joints_to_msg(reading, joints)
        robot_msgs.imu_to_msg(reading, imu)
        writer.write("/joint_states", serialize_message(joints), time)
        writer.write("/imu/data", serialize_message(imu), time)
        if k % 2 == 0 and poses:
            turned = quat_multiply(pose[1], quat_conjugate(MARKERS.orientation))
            markers = Offset(pose[0] - rotate(turned, MARKERS.position), turned)
            shown = combined(markers, old)
            message = msgs.pose_to_msg(reading.stamp, *shown, PoseStamped())
            writer.write("/mocap/base/pose", serialize_message(message), time)
    writer.close()
    return folder


def check(found: Offset) -> None:
    np.testing.assert_allclose(found.position, MARKERS.position, atol=0.005)
    assert abs(float(found.orientation @ MARKERS.orientation)) == pytest.approx(1.0, abs=1e-4)


def test_a_recording_gives_the_file_and_other_bodies_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = Offset(np.array([0.0, 0.0, -0.2]), np.array([1.0, 0.0, 0.0, 0.0]))
    file = tmp_path / "offsets.yaml"
    write_offsets(file, {"box": box, "base": OLD})
    # The poses in the bag contain the offset in force, which the bag also records.
    run = record(tmp_path / "run", MadeWalk(seconds=14.0), OLD)
    assert main(["calibrate-mocap", str(run), "--out", str(file)]) == 0
    offsets = read_offsets(file)
    check(offsets["base"])
    np.testing.assert_allclose(offsets["box"].position, box.position)
    assert "known to" in capsys.readouterr().out


def test_a_known_place_replaces_the_walk(tmp_path: Path) -> None:
    walk = MadeWalk(seconds=0.0)
    run, file = record(tmp_path / "run", walk), tmp_path / "offsets.yaml"
    assert main(["calibrate-mocap", str(run), "--out", str(file)]) == 2
    assert not file.exists()
    place = "0.5,-0.2,0.7"  # where a made walk begins
    assert main(["calibrate-mocap", str(run), "--out", str(file), "--placed", place]) == 0
    check(read_offsets(file)["base"])


def test_a_bag_without_motion_capture_names_the_missing_topic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record(tmp_path / "run", MadeWalk(seconds=0.1), poses=False)
    file = tmp_path / "offsets.yaml"
    assert main(["calibrate-mocap", str(run), "--out", str(file)]) == 2
    assert "topics are missing: mocap/base/pose" in capsys.readouterr().err
    assert not file.exists()
