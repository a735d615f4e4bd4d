"""``gpc hardware``: start the graph of a real Go2 as processes, without a ROS installation."""

from __future__ import annotations

import argparse
from typing import Any

from gpc_ros.cli.sim import add_graph_parser, start_graph

_NAME = "hardware"


def add_parser(subparsers: Any) -> None:
    """Add ``hardware`` to the command."""
    parser = add_graph_parser(
        subparsers,
        _NAME,
        _NAME,
        "run a Go2, all nodes; read docs/hardware.md first",
        ". It lays the robot down, releases its sport mode and waits to be armed, unless "
        "dry_run:=true. Needs the SDK (make hardware) and a ROS_DOMAIN_ID that is not sdk_domain. "
        "The way to the first run is docs/hardware.md.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start the graph and wait for its end; the exit code is the monitor's."""
    return start_graph(_NAME, args.arguments, args.dry_run)
