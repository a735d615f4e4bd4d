"""A bag of gpc_ros 0.1.0 is exported and repaired; other commands name the version to use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter, Qos
from gpc_ros.bag.message_types import definition
from gpc_ros.cli.main import main

# Definitions of gpc_ros 0.1.0, without their comments.
STATE = """\
std_msgs/Header header
geometry_msgs/Pose pose
geometry_msgs/Twist twist
float64[12] joint_position
float64[12] joint_velocity
float64[12] covariance
float64 base_age
float64 joint_age
string mocap_doubt
ObjectState[] objects
"""
OBJECT = """\
string name
geometry_msgs/Pose pose
geometry_msgs/Twist twist
float64 age
float64[6] covariance
"""
ROBOT_STATE = """\
std_msgs/Header header
float64[12] position
float64[12] velocity
float64[12] effort
geometry_msgs/Quaternion orientation
geometry_msgs/Vector3 angular_velocity
geometry_msgs/Vector3 linear_acceleration
float64[12] temperature
float64[4] foot_force
float64 battery
uint32 tick
"""
_GEOMETRY = ("Pose", "Point", "Quaternion", "Twist", "Vector3")
_HELD = (
    "std_msgs/msg/Header", "builtin_interfaces/msg/Time",
    *(f"geometry_msgs/msg/{name}" for name in _GEOMETRY),
)  # fmt: skip
SENTENCE = "was recorded by gpc_ros 0.1.0"


def with_held(text: str) -> str:
    """Return a definition followed by the definitions of its nested types."""
    parts = [text, *(f"MSG: {name.replace('/msg/', '/')}\n" + _own(name) for name in _HELD)]
    if "ObjectState" in text:
        parts.append(f"MSG: gpc_msgs/ObjectState\n{OBJECT}")
    return ("=" * 80 + "\n").join(parts)


def _own(name: str) -> str:
    return definition(name).text.partition("=" * 80)[0]


@pytest.fixture
def old_bag(tmp_path: Path, message_of: Callable[..., bytes]) -> Path:
    folder = tmp_path / "run" / "bag"
    writer = BagWriter(folder, {"task": "box_push", "seed": "1", "gpc_ros": "0.1.0"})
    for topic, kind, text in (
        ("/state", "gpc_msgs/msg/State", STATE),
        ("/robot_state", "gpc_msgs/msg/RobotState", ROBOT_STATE),
    ):
        whole = with_held(text)
        writer.add_foreign_topic(topic, kind, whole, "", "ros2msg", Qos())
        for i in range(5):
            writer.write(topic, message_of(kind, whole), 10**18 + i * 10_000_000)
    writer.close()
    return tmp_path / "run"


@pytest.mark.parametrize("command", ["report", "replay", "view", "play"])
def test_commands_reject_the_bag_and_name_the_version(
    old_bag: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(old_bag.rglob("*"))
    assert main(["bag", command, str(old_bag)]) == 2
    error = capsys.readouterr().err
    assert SENTENCE in error and "use gpc_ros 0.1.0 for this bag" in error
    assert error.count("\n") == 1
    assert sorted(old_bag.rglob("*")) == before


def test_a_comparison_rejects_the_bag_too(
    old_bag: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bag", "report", str(old_bag), str(old_bag)]) == 2
    assert SENTENCE in capsys.readouterr().err


def test_export_and_repair_accept_the_bag(old_bag: Path) -> None:
    assert main(["bag", "export", str(old_bag)]) == 0
    assert pq.read_table(old_bag / "tables" / "state.parquet").num_rows == 5
    assert main(["bag", "repair", str(old_bag)]) == 0
    assert BagReader(old_bag / "bag_mended").count == 10
