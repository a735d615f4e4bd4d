"""Definitions of types are complete, and their hashes equal the hashes of ROS 2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpc_ros.bag.message_types import Codec, codec, definition
from gpc_ros.common.errors import BagError

POSE = "geometry_msgs/msg/PoseStamped"


def test_hash_equals_the_hash_of_ros() -> None:
    # From geometry_msgs/msg/PoseStamped.json of ROS 2 Jazzy.
    assert definition(POSE).digest == (
        "RIHS01_10f3786d7d40fd2b54367835614bff85d4ad3b5dab62bf8bca0cc232d73b4cd8"
    )


def test_text_contains_every_type_once() -> None:
    text = definition("nav_msgs/msg/Odometry").text
    for held in ("std_msgs/Header", "geometry_msgs/Twist", "geometry_msgs/Vector3"):
        assert text.count(f"MSG: {held}\n") == 1


def test_installed_definitions_are_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "share" / "own_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "Thing.msg").write_text("# a thing\nfloat64[3] size  # [m]\nOther[] parts\n")
    (folder / "Other.msg").write_text("uint8 FIRST=0\nuint8 kind\n")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    text = definition("own_msgs/msg/Thing").text
    assert "# a thing" in text
    assert "MSG: own_msgs/Other" in text
    c = Codec("own_msgs/msg/Thing", text)
    thing = c.make("own_msgs/msg/Thing", size=np.arange(3.0), parts=[])
    assert c.decode(c.encode(thing)).size.tolist() == [0, 1, 2]


def test_unknown_type_names_the_package_to_install() -> None:
    with pytest.raises(BagError, match=r"absent_msgs/msg/Gone.*install or build.*absent_msgs"):
        definition("absent_msgs/msg/Gone")


@pytest.mark.parametrize("text", ["nonsense!", "absent_msgs/Gone gone"])
def test_unreadable_definition_is_rejected(text: str) -> None:
    with pytest.raises(BagError, match="type a/msg/B"):
        Codec("a/msg/B", text)


def test_unreadable_bytes_are_rejected() -> None:
    for data in (b"", b"\x00\x01\x00\x00", b"\xff" * 40):
        with pytest.raises(BagError, match="not a message of type geometry_msgs"):
            codec(POSE).decode(data)
