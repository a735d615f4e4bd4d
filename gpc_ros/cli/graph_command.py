"""Commands that start a graph of nodes: ``gpc sim``, ``hardware``, ``emulate-robot``, ``bag play``.

Launch arguments are written ``name:=value``, as for ``ros2 launch``, or ``--name value``; any
parameter of a node or of the task is set by ``--set node.name=value`` or ``--set task.name=value``.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gpc_ros.cli.names import table
from gpc_ros.cli.parser import CommandParser
from gpc_ros.common import config
from gpc_ros.common.assignments import format_assignments
from gpc_ros.common.config import Parameter, param
from gpc_ros.common.process_environment import check_output_folder
from gpc_ros.graph.graphs import GRAPHS, Argument
from gpc_ros.graph.resolve import former_arguments, resolve

_TASK = "task"


def configure_graph(parser: CommandParser, name: str, more: str = "") -> None:
    """Give a parser the arguments of a graph and the parameters of its nodes.

    Args:
        parser: of the command.
        name: of the graph.
        more: end of the description.
    """
    graph = GRAPHS[name]
    nodes = ", ".join(node.name for node in graph.nodes)
    parser.description = f"{graph.doc} Starts the nodes {nodes}{more or '.'}"
    parser.usage = f"{parser.prog} [name:=value ...] [--name VALUE ...] [--set NODE.NAME=VALUE ...]"
    parser.add_options(_launch_options(name)())
    known = {a.name for a in graph.arguments}
    parser.former = former_arguments(graph)
    for node in graph.nodes:
        parser.add_group(node.name, "", partial(_node_settings, node.name), listed=False)
    if _TASK in known:
        parser.add_group(_TASK, "", task_parameters, listed=False)
    parser.add_argument(
        "--dry-run", dest="print_only", action="store_true",
        help="print the commands and start nothing",
    )  # fmt: skip
    parser.check_options = parser.list_options = False
    parser.more_help = lambda: arguments_help(name)


def graph_arguments(args: argparse.Namespace, name: str) -> dict[str, str]:
    """Return the launch arguments that a command line means, by name."""
    known = {a.name for a in GRAPHS[name].arguments}
    given = {n: v for n, v in args.own.items() if n in known}
    task = dict(args.given.get(_TASK, {}))
    if task:
        given["task_params"] = _joined(given.get("task_params", ""), task)
    nodes = {
        f"{node}.{key}": value
        for node, values in args.given.items()
        if node != _TASK
        for key, value in values.items()
    }
    if nodes:
        given["params"] = _joined(given.get("params", ""), nodes)
    return given


def start_graph(args: argparse.Namespace, name: str) -> int:
    """Start a graph and wait for its end, or only print the commands; return its exit code."""
    from gpc_ros.graph.launcher import Launcher, command

    starts = resolve(GRAPHS[name], graph_arguments(args, name))
    if args.print_only:
        for start in starts:
            print(" ".join(command(start)))
        return 0
    for start in starts:
        if start.name == "recorder":
            check_output_folder(Path(start.parameters["folder"]), "out:=")
    return Launcher(starts).run()


def arguments_help(name: str, more: str = "") -> str:
    """Return the list of a graph's arguments with meaning and default."""
    graph = GRAPHS[name]
    defaults = _configured(name)
    rows = []
    for argument in graph.arguments:
        choices = f" ({', '.join(argument.choices)})" if argument.choices else ""
        details = _details(argument, defaults)
        rows.append((f"{argument.name}:=", f"{argument.doc}{choices}{details}"))
    title = f"arguments (the same as of ros2 launch gpc_ros {name}.launch.py):"
    nodes = ", ".join(node.name for node in graph.nodes)
    first = graph.nodes[0].name
    more = more or (
        f"Other parameters of the nodes ({nodes}):\n--set NODE.NAME=VALUE or --NODE.NAME VALUE; "
        f"gpc config {first} lists those of {first} with units and ranges."
    )
    return f"{table(title, rows, 20)}\nEach may also be written --name VALUE. {more}\n"


def task_parameters() -> list[Any]:
    """Return the parameters of every task."""
    from gpc_ros.tasks import TASKS

    return [task.defaults for task in TASKS.values()]


def _launch_options(name: str) -> type[Any]:
    """Return a dataclass of the launch arguments of a graph, all of them text."""
    fields: list[tuple[str, type, Any]] = []
    for argument in GRAPHS[name].arguments:
        kind = bool if argument.default in ("true", "false") else str
        default = argument.default == "true" if kind is bool else argument.default
        doc = f"{argument.doc}; write {argument.name}:=value"
        fields.append((argument.name, kind, param(default, doc)))
    return dataclasses.make_dataclass("LaunchArguments", fields, frozen=True)


def _node_settings(node: str) -> list[Any]:
    return [_settings(node)]


def _settings(node: str) -> Any:
    from gpc_ros.settings.node_settings import SETTINGS

    return SETTINGS[node]()


def _joined(text: str, values: Mapping[str, str]) -> str:
    return ",".join(part for part in (text, format_assignments(values)) if part)


def _details(argument: Argument, configured: Mapping[str, Parameter]) -> str:
    """Return range and default of an argument, in brackets."""
    from gpc_ros.settings.parameter_files import range_text, yaml_value

    parameter = configured.get(argument.sets[0]) if argument.sets else None
    default = argument.default
    details = []
    if parameter is not None:
        details.append("" if argument.choices else range_text(parameter))
        if not default and parameter.default != "":
            default = yaml_value(parameter.default)
    details.append(default if argument.compute is None else "")
    text = "; ".join(d for d in details if d)
    return f" [{text}]" if text else ""


def _configured(name: str) -> dict[str, Parameter]:
    """Return every parameter as the package's files set it, as ``node.parameter``."""
    from gpc_ros.common.paths import share
    from gpc_ros.settings.parameter_files import read_parameters

    found = {}
    for node in GRAPHS[name].nodes:
        path = share("config") / f"{node.name}.yaml"
        settings = config.replace(_settings(node.name), read_parameters(path), str(path))
        for parameter in config.parameters(settings):
            found[f"{node.name}.{parameter.name}"] = parameter
    return found
