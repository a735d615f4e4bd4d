"""``gpc hardware``: start the graph of a real Go2 as processes, without a ROS installation."""

from __future__ import annotations

import argparse

from gpc_ros.cli.graph_command import configure_graph, start_graph
from gpc_ros.cli.parser import CommandParser

_GRAPH = "hardware"


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc hardware``."""
    configure_graph(
        parser,
        _GRAPH,
        ". It lays the robot down, releases its sport mode and waits to be armed, unless "
        "dry_run:=true. Needs the SDK (make hardware) and a ROS_DOMAIN_ID other than sdk_domain. "
        "docs/hardware.md describes the way to the first run. The option --dry-run only prints "
        "the commands; the argument dry_run:=true runs every node and sends nothing to the robot.",
    )


def run(args: argparse.Namespace) -> int:
    """Start the graph and wait for its end; the exit code is the monitor's."""
    return start_graph(args, _GRAPH)
