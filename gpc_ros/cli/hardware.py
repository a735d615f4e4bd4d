"""``gpc hardware``: start the graph of a real Go2 as processes, without a ROS installation."""

from __future__ import annotations

import argparse
from typing import Any

from gpc_ros.cli.sim import arguments_help, start_graph
from gpc_ros.graph import GRAPHS

_NAME = "hardware"


def add_parser(subparsers: Any) -> None:
    """Add ``hardware`` to the command."""
    graph = GRAPHS[_NAME]
    parser = subparsers.add_parser(
        _NAME,
        help="run a Go2, all nodes; read docs/hardware.md first",
        description=f"{graph.doc} Starts the nodes {', '.join(n.name for n in graph.nodes)}. It "
        "lays the robot down, releases its sport mode and waits to be armed, unless dry_run:=true. "
        "Needs the SDK (make hardware) and a ROS_DOMAIN_ID that is not sdk_domain. The way to the "
        "first run is docs/hardware.md.",
        usage="gpc hardware [name:=value ...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.more_help = lambda: arguments_help(_NAME)
    parser.add_argument("arguments", nargs="*", metavar="name:=value", help="see below")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be started")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start the graph and wait for its end; the exit code is the monitor's."""
    return start_graph(_NAME, args.arguments, args.dry_run)
