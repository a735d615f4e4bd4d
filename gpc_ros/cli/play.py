"""``gpc bag play``: play a recorded run into the nodes, without a ROS installation."""

from __future__ import annotations

import argparse

from gpc_ros.cli.graph_command import configure_graph, start_graph
from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.errors import ConfigError

_GRAPH = "replay"


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc bag play``."""
    configure_graph(
        parser,
        _GRAPH,
        " with the recorded parameters; arguments given here take precedence. Plans differ from "
        "the recorded ones as two live runs do; gpc bag replay repeats them exactly.",
    )
    parser.usage = f"{parser.prog} BAG [name:=value ...] [--set NODE.NAME=VALUE ...]"
    parser.add_argument("bag", nargs="?", metavar="BAG", help="folder of a run or of a bag")


def run(args: argparse.Namespace) -> int:
    """Start the graph and wait for the end of the bag."""
    if args.bag is not None:
        if "bag" in args.own:
            raise ConfigError(f"bag play: name one bag, not {args.bag} and {args.own['bag']}")
        args.own["bag"] = args.bag
    return start_graph(args, _GRAPH)
