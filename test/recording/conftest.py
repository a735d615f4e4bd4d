"""Messages and bags for the tests of the recording room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gpc_ros.recording.bag_writer import BagWriter
from gpc_ros.recording.definitions import codec

POSE = "geometry_msgs/msg/PoseStamped"


def pose_bytes(x: float, stamp: float = 0.0, frame: str = "map") -> bytes:
    """Return a serialised pose at x."""
    c = codec(POSE)
    sec = int(stamp)
    return c.encode(
        c.make(
            header=c.make(
                "std_msgs/msg/Header",
                stamp=c.make(
                    "builtin_interfaces/msg/Time", sec=sec, nanosec=round((stamp - sec) * 1e9)
                ),
                frame_id=frame,
            ),
            pose=c.make(
                "geometry_msgs/msg/Pose",
                position=c.make("geometry_msgs/msg/Point", x=x, y=0.0, z=0.0),
                orientation=c.make("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0),
            ),
        )
    )


@pytest.fixture
def pose() -> Callable[..., bytes]:
    """Return the maker of serialised poses."""
    return pose_bytes


@pytest.fixture
def pose_bag(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of bags with one topic /pose of n messages, flushed every few."""

    def make(n: int = 20, every: int = 5, name: str = "bag", compression: str = "zstd") -> Path:
        folder = tmp_path / name
        writer = BagWriter(folder, {"task": "none"}, compression)
        writer.add_topic("/pose", POSE)
        for i in range(n):
            writer.write("/pose", pose_bytes(float(i)), 1_000_000_000 + i * 10_000_000)
            if (i + 1) % every == 0:
                writer.flush()
        writer.close()
        return folder

    return make
