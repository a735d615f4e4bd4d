"""``gpc sim``: start the simulation graph as processes, without a ROS installation."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gpc_ros.graph.graphs import GRAPHS, Argument
from gpc_ros.graph.resolve import parse_arguments, resolve

_NAME = "sim"


def add_parser(subparsers: Any) -> None:
    """Add ``sim`` to the command."""
    add_graph_parser(
        subparsers, _NAME, _NAME, "run the simulated robot live, all nodes"
    ).set_defaults(run=run)


def add_graph_parser(
    subparsers: Any, command: str, name: str, summary: str, more: str = "", usage: str = ""
) -> argparse.ArgumentParser:
    """Add a command that starts a graph, and return its parser.

    Args:
        subparsers: of the command gpc.
        command: its name.
        name: of the graph.
        summary: a line about it.
        more: what else there is to say.
        usage: its arguments, if they are not just name:=value.
    """
    graph = GRAPHS[name]
    nodes = ", ".join(node.name for node in graph.nodes)
    parser: argparse.ArgumentParser = subparsers.add_parser(
        command,
        help=summary,
        description=f"{graph.doc} Starts the nodes {nodes}{more or '.'}",
        usage=f"gpc {command} {usage}[name:=value ...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.more_help = lambda: arguments_help(name)  # type: ignore[attr-defined]
    parser.add_argument("arguments", nargs="*", metavar="name:=value", help="see below")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be started")
    return parser


def run(args: argparse.Namespace) -> int:
    """Start the graph and wait for its end; the exit code is the monitor's."""
    return start_graph(_NAME, args.arguments, args.dry_run)


def start_graph(name: str, words: list[str], dry_run: bool) -> int:
    """Start a graph with arguments name:=value and wait for its end, or only print the commands."""
    from gpc_ros.graph.launcher import Launcher, command

    graph = GRAPHS[name]
    starts = resolve(graph, parse_arguments(words, graph))
    if dry_run:
        for start in starts:
            print(" ".join(command(start)))
        return 0
    return Launcher(starts).run()


def arguments_help(name: str) -> str:
    """Return the list of a graph's arguments with meaning and default."""
    graph = GRAPHS[name]
    defaults = _configured(name)
    width = max(len(a.name) for a in graph.arguments) + 2
    lines = [f"arguments (the same as of ros2 launch gpc_ros {name}.launch.py):"]
    for argument in graph.arguments:
        choices = f" ({', '.join(argument.choices)})" if argument.choices else ""
        default = _default(argument, defaults)
        lines.append(f"  {argument.name + ':=':<{width}} {argument.doc}{choices}{default}")
    return "\n".join(lines)


def _default(argument: Argument, configured: Mapping[str, Any]) -> str:
    value = argument.default
    if not value and argument.sets:
        value = configured.get(argument.sets[0], "")
    return f" [{value}]" if value != "" and argument.compute is None else ""


def _configured(name: str) -> dict[str, Any]:
    """Return the value of every parameter in the package's files, as ``node.parameter``."""
    from gpc_ros.common.paths import share
    from gpc_ros.settings.parameter_files import read_parameters

    values = {}
    for node in GRAPHS[name].nodes:
        for key, value in read_parameters(share("config") / f"{node.name}.yaml").items():
            values[f"{node.name}.{key}"] = value
    return values
