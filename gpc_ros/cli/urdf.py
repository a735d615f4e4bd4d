"""``gpc urdf``: the robot's URDF, for RViz and robot_state_publisher."""

from __future__ import annotations

import argparse
from pathlib import Path

from gpc_ros.cli.parser import CommandParser


def configure(parser: CommandParser) -> None:
    """Describe ``gpc urdf``."""
    parser.description = (
        "Prints the URDF of the Go2, made from its MJCF; --out writes it to a file, as for "
        "robot_state_publisher."
    )
    parser.add_argument("--out", type=Path, help="file to write; without it the URDF is printed")


def run(args: argparse.Namespace) -> int:
    """Print or write the URDF."""
    from gpc_ros.common.files import write_atomic
    from gpc_ros.robot.urdf import go2_urdf

    text = go2_urdf()
    if args.out is None:
        print(text, end="")
    else:
        write_atomic(args.out, text.encode())
        print(args.out)
    return 0
