"""Translate a graph for ``ros2 launch``; only the launch files, which need ROS, import it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, Shutdown
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from gpc_ros.common.errors import REFUSED, ConfigError, suggest
from gpc_ros.common.graph_identity import VARIABLE, new_graph_id
from gpc_ros.common.paths import share
from gpc_ros.graph.graphs import GRAPHS, PACKAGE, Argument, Graph
from gpc_ros.graph.resolve import NodeStart, former_arguments, resolve


def launch_description(name: str) -> LaunchDescription:
    """Return the launch description of a graph: its arguments, then its nodes."""
    graph = GRAPHS[name]
    arguments = [
        DeclareLaunchArgument(a.name, default_value=a.default, description=_description(a))
        for a in graph.arguments
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=_nodes, args=[graph])])


def _nodes(context: LaunchContext, graph: Graph) -> list[Any]:
    """Return the nodes, once the arguments are known."""
    messages = _check_names(getattr(context, "argv", ()), graph)
    identity = new_graph_id()
    given = {a.name: LaunchConfiguration(a.name).perform(context) for a in graph.arguments}
    for former, name in former_arguments(graph).items():
        if former in context.launch_configurations:
            messages.append(LogInfo(msg=f"{former}:= is now called {name}:="))
            given[name] = given[name] or context.launch_configurations[former]
    return [*messages, *(_node(start, identity) for start in resolve(graph, given))]


def _node(start: NodeStart, identity: str) -> Node:
    """Return one node as an action; a required one shuts the launch down when it ends."""
    typed = _typed(start.parameters)
    return Node(
        package=PACKAGE,
        executable=start.executable,
        name=start.name,
        namespace=start.namespace,
        parameters=[start.parameter_file, *([typed] if typed else [])],
        remappings=list(start.remappings),
        additional_env={**start.environment, VARIABLE: identity},
        output="screen",
        on_exit=_on_exit(start),
    )


def _on_exit(start: NodeStart) -> Callable[[ProcessExited, LaunchContext], list[Shutdown]]:
    """Return a handler that shuts down when a required node ends or any refuses to start."""

    def decide(event: ProcessExited, _context: LaunchContext) -> list[Shutdown]:
        if start.required or event.returncode == REFUSED:
            return [Shutdown(reason=f"{start.name} ended")]
        return []

    return decide


def _typed(parameters: dict[str, Any]) -> dict[str, Any]:
    """Mark a value as text; launch would read "1" or "true" as a number or a boolean."""
    return {
        name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
        for name, value in parameters.items()
    }


def _check_names(words: Sequence[str], graph: Graph) -> list[LogInfo]:
    """Reject a misspelt argument if this file is the launched one, else log a warning.

    ``ros2 launch`` accepts every name and passes the launched file's names to included files too.
    """
    names = [a.name for a in graph.arguments]
    warnings = []
    for word in words:
        name, sign, _ = word.partition(":=")
        if not sign or name in names or name in former_arguments(graph):
            continue
        hint = suggest(name, names)
        similar = hint.startswith("did you mean")
        if similar and _launched_itself(graph, sys.argv):
            raise ConfigError(f"unknown argument '{name}'; {hint}")
        text = f"warning: {graph.name}.launch.py does not use the argument '{name}'"
        warnings.append(LogInfo(msg=f"{text}; {hint}" if similar else text))
    return warnings


def _launched_itself(graph: Graph, command: Sequence[str]) -> bool:
    """Return whether ``ros2 launch`` was called with this graph's file, by package or by path."""
    name = f"{graph.name}.launch.py"
    for before, word in itertools.pairwise(command):
        path = Path(word)
        if word == name and before == PACKAGE:
            return True
        if path.name == name and path.is_file() and path.samefile(share("launch", name)):
            return True
    return False


def _description(argument: Argument) -> str:
    """Return the help of an argument for ``ros2 launch --show-args``."""
    choices = f" One of: {', '.join(argument.choices)}." if argument.choices else ""
    from_files = argument.sets and not argument.default and "empty:" not in argument.doc
    source = " Empty: as in the configuration files." if from_files else ""
    return f"{argument.doc}.{choices}{source}"
