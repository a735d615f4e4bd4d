"""Resolve a graph and its arguments into processes, with every value checked."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpc_ros.common import config
from gpc_ros.common.assignments import NO_GOAL, parse_assignments, parse_goal
from gpc_ros.common.errors import ConfigError, suggest
from gpc_ros.common.paths import share
from gpc_ros.common.process_environment import check_namespace
from gpc_ros.graph.graphs import Graph
from gpc_ros.unitree.domains import check_domains, sdk_domain

_LOG = logging.getLogger("gpc_ros")


@dataclass(frozen=True)
class NodeStart:
    """A process to start, fully resolved.

    Attributes:
        executable: name of the program in package ``gpc_ros``.
        name: name of the node.
        namespace: namespace of the node, absolute.
        parameter_file: YAML file of its parameters.
        parameters: overrides of single parameters, typed.
        remappings: topic renames.
        required: whether its end ends the graph.
        console: whether its output appears without the node's name.
        environment: variables to add to its environment.
    """

    executable: str
    name: str
    namespace: str
    parameter_file: Path
    parameters: dict[str, Any]
    remappings: tuple[tuple[str, str], ...]
    required: bool
    console: bool
    environment: dict[str, str]


def parse_arguments(words: list[str], graph: Graph) -> dict[str, str]:
    """Return the arguments of a command line (``name:=value`` each) by name.

    Raises:
        ConfigError: a word of another form, or an argument that the graph does not know.
    """
    given: dict[str, str] = {}
    names = [a.name for a in graph.arguments]
    former = former_arguments(graph)
    for word in words:
        name, sign, value = word.partition(":=")
        if not sign:
            raise ConfigError(f"'{word}': write arguments as name:=value, such as seed:=3")
        if name in former:
            _LOG.warning("%s:= is now called %s:=", name, former[name])
            name = former[name]
        if name not in names:
            raise ConfigError(f"unknown argument '{name}'; {suggest(name, names)}")
        given[name] = value
    return given


def former_arguments(graph: Graph) -> dict[str, str]:
    """Return the current name of every former name of an argument."""
    return {former: a.name for a in graph.arguments for former in a.former}


def argument_values(graph: Graph, given: Mapping[str, str]) -> dict[str, str]:
    """Return every argument of a graph by name: the given value, else the default.

    Raises:
        ConfigError: an unknown argument or a value that is not among the choices.
    """
    values = {a.name: a.default for a in graph.arguments}
    for name, value in given.items():
        if name not in values:
            raise ConfigError(f"unknown argument '{name}'; {suggest(name, values)}")
        values[name] = value
    for argument in graph.arguments:
        value = values[argument.name]
        if argument.choices and value and value not in argument.choices:
            raise ConfigError(
                f"{argument.name}:={value}: not accepted; {suggest(value, argument.choices)}"
            )
        if not value and argument.compute is not None:
            values[argument.name] = argument.compute(values)
    return values


def resolve(graph: Graph, given: Mapping[str, str]) -> list[NodeStart]:
    """Resolve every process of a graph from its arguments, and check every value.

    The files and the overrides are checked against the nodes' settings here, so that a
    misspelt name or a value out of range is an error before anything starts.

    Raises:
        ConfigError: an unknown argument or parameter, a bad value, a missing file.
    """
    values = argument_values(graph, given)
    folder = Path(values.get("config") or share("config"))
    overrides = _overrides(graph, values)
    _check_task(values)
    recorded = _recorded(graph, values)
    starts = []
    for node in graph.nodes:
        if node.when and values[node.when].lower() not in ("true", "1", "yes"):
            continue
        path = folder / f"{node.name}.yaml"
        mine = {**recorded.get(node.name, {}), **dict(node.sets), **overrides.get(node.name, {})}
        if node.arguments_parameter:
            mine[node.arguments_parameter] = " ".join(f"{k}:={v}" for k, v in values.items() if v)
        starts.append(
            NodeStart(
                executable=node.executable,
                name=node.name,
                namespace=check_namespace(values["namespace"]),
                parameter_file=path,
                parameters={
                    **_checked_overrides(node.name, path, mine),
                    **({"use_sim_time": True} if node.sim_time else {}),
                },
                remappings=node.remappings,
                required=node.required,
                console=node.console,
                environment={k: os.environ.get(k, v) for k, v in graph.environment.items()},
            )
        )
    return starts


def _overrides(graph: Graph, values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the parameters that the arguments set, by node."""
    result: dict[str, dict[str, Any]] = {}
    for argument in graph.arguments:
        text = values[argument.name]
        if not text or not argument.sets:
            continue
        for target in argument.sets:
            node, _, name = target.partition(".")
            result.setdefault(node, {})[name] = text
    nodes = [n.name for n in graph.nodes]
    for target, value in parse_assignments(values.get("params", ""), "params").items():
        node, _, name = target.partition(".")
        if node not in nodes:
            raise ConfigError(f"params: unknown node '{node}'; {suggest(node, nodes)}")
        result.setdefault(node, {})[name] = value
    return result


def _recorded(graph: Graph, values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the parameters of the nodes of a recorded run, by node.

    Raises:
        ConfigError: no bag is named.
        BagError: the bag cannot be read.
    """
    if not graph.recorded:
        return {}
    if not values[graph.recorded]:
        raise ConfigError(f"{graph.recorded}:= is missing; name the bag, as in bag:=runs/latest")
    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.replay.recorded_parameters import known_parameters

    return known_parameters(BagReader(Path(values[graph.recorded])))


def _check_task(values: Mapping[str, str]) -> None:
    """Reject an unknown task, a bad task parameter or a goal outside the workspace."""
    from gpc_ros.tasks import make_task

    if "task" not in values:
        return
    task = make_task(values["task"], parse_assignments(values["task_params"], "task_params"))
    if values.get("goal", NO_GOAL) not in ("", NO_GOAL):
        task.check_goal(parse_goal(values["goal"]))


def _checked_overrides(node: str, path: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node's overrides with the types of its settings, after checking its file too."""
    from gpc_ros.settings.node_settings import SETTINGS
    from gpc_ros.settings.parameter_files import read_parameters

    settings = config.replace(SETTINGS[node](), read_parameters(path), str(path))
    settings = config.replace(settings, overrides, f"arguments of node {node}")
    flat = config.flatten(settings)
    domain = sdk_domain(flat)
    if domain is not None:
        check_domains(domain)
    names = [config.current_name(settings, name) for name in overrides]
    return {n: list(v) if isinstance(v := flat[n], tuple) else v for n in names}
