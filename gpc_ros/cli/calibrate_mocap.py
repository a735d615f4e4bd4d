"""``gpc calibrate-mocap``: where the base is in the frame of its markers, from a recording."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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
  1. Start the graph of the robot with dry_run:=true, so that nothing is sent to it; it records.
  2. Let the robot stand for five seconds on level ground, without touching it, then drive it by its
     own remote control for half a minute: forwards, sideways, and turning both ways.
  3. gpc calibrate-mocap runs/<that run> --out mocap_offsets.yaml
  4. From then on start the graph with params:=mocap.offsets=mocap_offsets.yaml

  Instead of driving, put the robot over a mark whose place in the map you know:
  gpc calibrate-mocap runs/<that run> --placed 0,0,0
"""


def add_parser(subparsers: Any) -> None:
    """Add ``calibrate-mocap`` to the command."""
    parser = subparsers.add_parser(
        "calibrate-mocap",
        help="find the base's offset from its markers in a recording, and save it",
        description="Reads a bag in which the robot stood still and walked in sight of motion "
        "capture, finds where its base is in the frame of its markers, and writes that to a file "
        "for the node mocap. Offsets of other bodies in the file are kept.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", type=Path, help="folder of a run or of a bag, or an .mcap file")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", default=Path("mocap_offsets.yaml"), help="the offsets"
    )
    parser.add_argument(
        "--placed", metavar="X,Y,YAW", help="where the base stood [m, m, rad], instead of a walk"
    )
    parser.add_argument(
        "--sink",
        type=float,
        default=0.0,
        metavar="M",
        help="how far the feet sink into rubber and floor while it stands [m] (default: 0; the "
        "simulated ones 0.014)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Calibrate, say how well, and write the file."""
    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.mocap.mocap_calibration import calibrate, combined
    from gpc_ros.mocap.mocap_offsets import read_offsets, write_offsets

    placed = None if args.placed is None else parse_place(args.placed)
    # A file that cannot be read must not cost the work, nor be written over.
    offsets = read_offsets(args.out) if args.out.exists() else {}
    reader = BagReader(args.bag)
    readings, poses = recorded(reader)
    found = calibrate(readings, poses, placed, args.sink)
    offset = combined(in_force(reader), found.offset)
    write_offsets(args.out, {**offsets, BASE: offset})
    for problem in reader.problems:
        print(f"gpc calibrate-mocap: {problem}", file=sys.stderr)
    position = ", ".join(f"{v:.4f}" for v in offset.position)
    orientation = ", ".join(f"{v:.5f}" for v in offset.orientation)
    print(f"base in the frame of its markers: position {position} m, wxyz {orientation}")
    if placed is None:
        print(
            f"known to {1e3 * found.position_sigma:.1f} mm and {found.heading_sigma:.4f} rad of "
            f"heading (one sigma); ways of motion capture over those of the legs: {found.scale:.3f}"
        )
    print(f"gravity and the plane of the feet differ by {found.slope:.3f} rad")
    print(f"wrote {args.out}")
    return 0


def parse_place(text: str) -> tuple[float, float, float]:
    """Return ``"x,y,yaw"`` [m, m, rad] as numbers.

    Raises:
        ConfigError: it does not hold three numbers.
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


def _ordered(things: list[Any]) -> list[Any]:
    """Return what has stamps in their order, each stamp once."""
    stamps = np.array([thing.stamp for thing in things])
    return [things[i] for i in np.unique(stamps, return_index=True)[1]]


def in_force(reader: BagReader) -> Offset:
    """Return the offset of the base that the recorded poses already hold."""
    from gpc_ros.mocap.mocap_map import NO_OFFSET, Offset
    from gpc_ros.replay.recorded_parameters import read_settings

    result = NO_OFFSET
    for said in read_settings(reader):
        offset = said.facts.get("mocap_offsets", {}).get(BASE)
        if said.node == "mocap" and offset is not None:
            result = Offset(np.array(offset["position"]), np.array(offset["orientation"]))
    return result
