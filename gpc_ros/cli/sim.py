"""``gpc sim``: start the simulation graph as processes, without a ROS installation."""

from __future__ import annotations

import argparse

from gpc_ros.cli.graph_command import configure_graph, start_graph
from gpc_ros.cli.parser import CommandParser

_GRAPH = "sim"


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc sim``."""
    configure_graph(parser, _GRAPH)


def run(args: argparse.Namespace) -> int:
    """Start the graph and wait for its end; the exit code is the monitor's."""
    return start_graph(args, _GRAPH)
