"""``gpc play``: play a recorded run into the nodes, without a ROS installation."""

from __future__ import annotations

import argparse
from typing import Any

from gpc_ros.cli.sim import add_graph_parser, start_graph

_NAME = "replay"


def add_parser(subparsers: Any) -> None:
    """Add ``play`` to the command."""
    parser = add_graph_parser(
        subparsers,
        "play",
        _NAME,
        "play a recorded run into the nodes, live",
        " with the parameters that they had; what is given here comes before. Plans differ from "
        "the recorded ones as two live runs do; gpc replay repeats them exactly.",
        "BAG ",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start the graph and wait for the end of the bag."""
    words = [f"bag:={word}" if ":=" not in word else word for word in args.arguments]
    return start_graph(_NAME, words, args.dry_run)
