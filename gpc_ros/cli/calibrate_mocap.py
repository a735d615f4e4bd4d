"""``gpc calibrate-mocap``: find the pose of the base in its markers from a recording."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpc_ros.cli.options import BAG
from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.config import param
from gpc_ros.common.errors import ConfigError, DataError
from gpc_ros.ros.convert import robot_msgs

if TYPE_CHECKING:
    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.mocap.mocap_calibration import Seen
    from gpc_ros.mocap.mocap_map import Offset
    from gpc_ros.robot.types import RobotReading

BASE = "base"
_EPILOG = """\
how to:
  1. Start the graph of the robot with dry_run:=true, so that it only records.
  2. Let the robot stand for five seconds on level ground, without touching it, then drive it
     with its remote control for half a minute: forwards, sideways, and turning both ways.
  3. gpc calibrate-mocap runs/<that run> --out mocap_offsets.yaml
  4. From then on start the graph with params:=mocap.offsets=mocap_offsets.yaml

  Instead of driving, put the robot over a mark with a known pose in the map:
  gpc calibrate-mocap runs/<that run> --placed 0,0,0
"""


@dataclass(frozen=True)
class Options:
    """Options of ``gpc calibrate-mocap``."""

    out: str = param("mocap_offsets.yaml", "File of the offsets; other bodies in it are kept")
    placed: str = param("", "Pose of the base as x,y,yaw [m, m, rad], instead of a walk")
    sink: float = param(
        0.0, "Depth that the feet sink into rubber and floor while standing; 0.014 in simulation",
        unit="m", low=-0.05, high=0.05,
    )  # fmt: skip


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc calibrate-mocap``."""
    parser.description = (
        "Reads a bag in which the robot stood still and walked in sight of motion capture, finds\n"
        "the pose of its base in the frame of its markers, and writes it to a file for the node\n"
        "mocap. Offsets of other bodies in the file are kept."
    )
    parser.usage = f"{parser.prog} BAG [--out FILE] [--placed X,Y,YAW] [--sink M]"
    parser.more_help = lambda: _EPILOG
    parser.add_argument("bag", type=Path, metavar="BAG", help=BAG)
    parser.add_options(Options())


def run(args: argparse.Namespace) -> int:
    """Calibrate, print the accuracy and write the file."""
    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.mocap.mocap_calibration import calibrate, combined
    from gpc_ros.mocap.mocap_offsets import read_offsets, write_offsets

    options, out = args.options, Path(args.options.out)
    placed = parse_place(options.placed) if options.placed else None
    # Read first: an unreadable file must not be overwritten after the work is done.
    offsets = read_offsets(out) if out.exists() else {}
    reader = BagReader(args.bag)
    readings, poses = recorded(reader)
    found = calibrate(readings, poses, placed, options.sink)
    offset = combined(in_force(reader), found.offset)
    write_offsets(out, {**offsets, BASE: offset})
    for problem in reader.problems:
        print(f"gpc calibrate-mocap: {problem}", file=sys.stderr)
    position = ", ".join(f"{v:.4f}" for v in offset.position)
    orientation = ", ".join(f"{v:.5f}" for v in offset.orientation)
    print(f"base in the frame of its markers: position {position} m, wxyz {orientation}")
    if placed is None:
        print(
            f"known to {1e3 * found.position_sigma:.1f} mm and {found.heading_sigma:.4f} rad of "
            f"heading (one sigma); distance by motion capture over that by the legs: "
            f"{found.scale:.3f}"
        )
    print(f"gravity and the plane of the feet differ by {found.slope:.3f} rad")
    print(f"wrote {out}")
    return 0


def parse_place(text: str) -> tuple[float, float, float]:
    """Return ``"x,y,yaw"`` [m, m, rad] as numbers.

    Raises:
        ConfigError: the text is not three numbers.
    """
    try:
        x, y, yaw = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--placed {text}: write it as x,y,yaw in m, m and rad") from None
    return x, y, yaw


def recorded(reader: BagReader) -> tuple[list[RobotReading], list[Seen]]:
    """Return the robot's readings and the poses of its base in a bag, by their stamps.

    Raises:
        DataError: a topic is missing.
    """
    from gpc_ros.bag import topics
    from gpc_ros.mocap.mocap_calibration import Seen
    from gpc_ros.ros.convert import msgs
    from gpc_ros.ros.pairing import Pairing

    seen = topics.mocap(BASE)
    wanted = {t.name: topics.find(reader, t) for t in (topics.JOINTS, topics.IMU, seen)}
    missing = [name for name, found in wanted.items() if not found]
    if missing:
        raise DataError(f"{reader.path}: topics are missing: {', '.join(missing)}")
    pairing, readings, poses = Pairing(1000), [], []
    for message in reader.messages(list(wanted.values())):
        if message.topic == wanted[seen.name]:
            poses.append(Seen(*msgs.pose_from_msg(message.data)))
            continue
        if message.topic == wanted[topics.IMU.name]:
            pairing.add_imu(robot_msgs.imu_from_msg(message.data))
        else:
            pairing.add_joints(robot_msgs.joints_from_msg(message.data))
        readings += list(pairing.ready())
    return _ordered(readings), _ordered(poses)


def _ordered(items: list[Any]) -> list[Any]:
    """Return items in order of their stamps, each stamp once."""
    stamps = np.array([item.stamp for item in items])
    return [items[i] for i in np.unique(stamps, return_index=True)[1]]


def in_force(reader: BagReader) -> Offset:
    """Return the offset of the base that the recorded poses already contain."""
    from gpc_ros.mocap.mocap_map import NO_OFFSET, Offset
    from gpc_ros.replay.recorded_parameters import read_settings

    result = NO_OFFSET
    for settings in read_settings(reader):
        offset = settings.facts.get("mocap_offsets", {}).get(BASE)
        if settings.node == "mocap" and offset is not None:
            result = Offset(np.array(offset["position"]), np.array(offset["orientation"]))
    return result
