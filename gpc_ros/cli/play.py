"""``gpc play``: play a recorded run into the nodes, without a ROS installation."""

from __future__ import annotations

import argparse
from typing import Any

from gpc_ros.cli.sim import arguments_help, start_graph
from gpc_ros.graph import GRAPHS

_NAME = "replay"


def add_parser(subparsers: Any) -> None:
    """Add ``play`` to the command."""
    graph = GRAPHS[_NAME]
    parser = subparsers.add_parser(
        "play",
        help="play a recorded run into the nodes, live",
        description=f"{graph.doc} Starts the nodes {', '.join(n.name for n in graph.nodes)} with "
        "the parameters that they had; what is given here comes before. Plans differ from the "
        "recorded ones as two live runs do; gpc replay repeats them exactly.",
        usage="gpc play BAG [name:=value ...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.more_help = lambda: arguments_help(_NAME)
    parser.add_argument("arguments", nargs="*", metavar="name:=value", help="see below")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be started")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start the graph and wait for the end of the bag."""
    words = [f"bag:={word}" if ":=" not in word else word for word in args.arguments]
    return start_graph(_NAME, words, args.dry_run)
