"""The graphs of nodes as data: which nodes run, with which parameters, set by which arguments.

A graph is written once, here. ``launch/*.launch.py`` translate it for ``ros2 launch`` and
``gpc_ros/launcher.py`` starts it as plain processes where there is no ROS installation; both
take what they start from :func:`resolve`, and a test holds them equal.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros import config
from gpc_ros.arrays import Array
from gpc_ros.errors import ConfigError, nearest
from gpc_ros.paths import share

PACKAGE = "gpc_ros"
# With this code a node says that it refused to start; see nodes/runner.py.
REFUSED = 2


@dataclass(frozen=True)
class Argument:
    """One argument ``name:=value`` of a graph.

    Attributes:
        name: how the user writes it.
        doc: one sentence for the help.
        default: value when it is not given; for an argument that sets parameters, empty means
            "as in the configuration files".
        choices: the accepted values; empty accepts any.
        sets: the node parameters that it sets, each as ``node.parameter``.
        compute: makes the default from the other values, where none is fixed.
    """

    name: str
    doc: str
    default: str = ""
    choices: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    compute: Callable[[Mapping[str, str]], str] | None = None


@dataclass(frozen=True)
class NodeSpec:
    """One node of a graph.

    Attributes:
        name: name of the node; its parameters stand in ``config/<name>.yaml``.
        executable: name of the program.
        remappings: topic renames, from and to.
        required: whether the end of this node ends the graph. Any node that refuses to start
            (exit code 2) ends it too.
        console: whether its output is the graph's own, without the node's name before each line.
        when: an argument that must be true for the node to start; empty starts it always.
    """

    name: str
    executable: str
    remappings: tuple[tuple[str, str], ...] = ()
    required: bool = False
    console: bool = False
    when: str = ""


@dataclass(frozen=True)
class Graph:
    """A set of nodes that run together, and the arguments that configure them."""

    name: str
    doc: str
    arguments: tuple[Argument, ...]
    nodes: tuple[NodeSpec, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeStart:
    """One process to start, with everything decided.

    Attributes:
        executable: name of the program in package ``gpc_ros``.
        name: name of the node.
        namespace: namespace of the node, absolute.
        parameter_file: YAML file of its parameters.
        parameters: overrides of single parameters, typed.
        remappings: topic renames.
        required: whether its end ends the graph.
        console: whether its output is the graph's own.
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


def parse_assignments(text: str, what: str) -> dict[str, str]:
    """Return ``"a.b=1,c=[1,2]"`` as ``{"a.b": "1", "c": "[1,2]"}``.

    Args:
        text: assignments separated by commas; commas inside brackets belong to a value.
        what: name of the argument for errors.

    Raises:
        ConfigError: a part is not of the form ``name=value``, or a name comes twice.
    """
    parts, depth, part = [], 0, ""
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    parts.append(part)
    result: dict[str, str] = {}
    for entry in (p.strip() for p in parts):
        if not entry:
            continue
        name, equals, value = (s.strip() for s in entry.partition("="))
        if not equals or not name or not value:
            raise ConfigError(f"{what}: '{entry}' is not of the form name=value")
        if name in result:
            raise ConfigError(f"{what}: '{name}' is given twice")
        result[name] = value
    return result


def parse_goal(text: str) -> Array:
    """Return ``"x,y,yaw"`` [m, m, rad] as an array (3,).

    Raises:
        ConfigError: it does not hold three numbers.
    """
    try:
        goal = np.array([float(part) for part in text.split(",")])
    except ValueError:
        goal = np.empty(0)
    if goal.shape != (3,):
        raise ConfigError(f"goal:={text}: write it as x,y,yaw in m, m and rad, such as 1.5,0.5,0")
    return goal


def parse_arguments(words: list[str], graph: Graph) -> dict[str, str]:
    """Return the arguments of a command line (``name:=value`` each) by name.

    Raises:
        ConfigError: a word of another form, or an argument that the graph does not know.
    """
    given: dict[str, str] = {}
    names = [a.name for a in graph.arguments]
    for word in words:
        name, sign, value = word.partition(":=")
        if not sign:
            raise ConfigError(f"'{word}': write arguments as name:=value, such as seed:=3")
        if name not in names:
            raise ConfigError(f"unknown argument '{name}'; {nearest(name, names)}")
        given[name] = value
    return given


def argument_values(graph: Graph, given: Mapping[str, str]) -> dict[str, str]:
    """Return every argument of a graph by name: what was given, else the default.

    Raises:
        ConfigError: an unknown argument or a value that is not among the choices.
    """
    values = {a.name: a.default for a in graph.arguments}
    for name, value in given.items():
        if name not in values:
            raise ConfigError(f"unknown argument '{name}'; {nearest(name, values)}")
        values[name] = value
    for argument in graph.arguments:
        value = values[argument.name]
        if argument.choices and value and value not in argument.choices:
            raise ConfigError(
                f"{argument.name}:={value}: not accepted; {nearest(value, argument.choices)}"
            )
        if not value and argument.compute is not None:
            values[argument.name] = argument.compute(values)
    return values


def resolve(graph: Graph, given: Mapping[str, str]) -> list[NodeStart]:
    """Decide every process of a graph from its arguments, and check every value.

    The files and the overrides are checked against the nodes' settings here, so that a
    misspelt name or a value out of range is told before anything starts.

    Raises:
        ConfigError: an unknown argument or parameter, a bad value, a missing file.
    """
    values = argument_values(graph, given)
    folder = Path(values.get("config") or share("config"))
    overrides = _overrides(graph, values)
    _check_task(values)
    starts = []
    for node in graph.nodes:
        if node.when and values[node.when].lower() not in ("true", "1", "yes"):
            continue
        path = folder / f"{node.name}.yaml"
        starts.append(
            NodeStart(
                executable=node.executable,
                name=node.name,
                namespace=_namespace(values["namespace"]),
                parameter_file=path,
                parameters=_checked_overrides(node.name, path, overrides.get(node.name, {})),
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
            raise ConfigError(f"params: unknown node '{node}'; {nearest(node, nodes)}")
        result.setdefault(node, {})[name] = value
    return result


def _check_task(values: Mapping[str, str]) -> None:
    """Refuse an unknown task, a bad parameter of it or a goal out of its reach."""
    from gpc_ros.tasks import make_task

    if "task" not in values:
        return
    task = make_task(values["task"], parse_assignments(values["task_params"], "task_params"))
    if values["goal"]:
        task.check_goal(parse_goal(values["goal"]))


def _checked_overrides(node: str, path: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node's overrides with the types of its settings, after checking its file too."""
    from gpc_ros.nodes.files import read_parameters
    from gpc_ros.nodes.settings import SETTINGS

    settings = config.replace(SETTINGS[node](), read_parameters(path), str(path))
    settings = config.replace(settings, overrides, f"arguments of node {node}")
    flat = config.flatten(settings)  # tuples leave as lists: that is what a parameter is
    return {n: list(v) if isinstance(v := flat[n], tuple) else v for n in overrides}


def _namespace(text: str) -> str:
    return "/" + text.strip("/")


def _run_folder(values: Mapping[str, str]) -> str:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return f"runs/{stamp}_{values['task'] or 'run'}"


# Arguments that every graph has.
_COMMON = (
    Argument("namespace", "Namespace of every node and topic"),
    Argument("config", "Folder of the nodes' parameter files; empty: the one of the package"),
    Argument(
        "params",
        "Any other parameters, as node.parameter=value separated by commas "
        "(planner.rate=30,sim.seed=2); gpc config lists them",
    ),
)
# One thread for linear algebra: the planner has threads of its own.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

_SIM = Graph(
    name="sim",
    doc="A simulated Go2 does a task, planned live; ends by itself.",
    arguments=(
        Argument(
            "task",
            "What to do; gpc tasks lists the tasks",
            default="box_push",
            sets=tuple(
                f"{node}.task"
                for node in ("sim", "estimator", "planner", "bridge", "recorder", "monitor")
            ),
        ),
        Argument("goal", "Goal as x,y,yaw [m, m, rad]; empty: the seed's", sets=("monitor.goal",)),
        Argument(
            "task_params",
            "Parameters of the task (plant.object.mass=5,planner.object.mass=3)",
            sets=("sim.task_params", "planner.task_params", "monitor.task_params"),
        ),
        Argument(
            "seed",
            "Seed of start, goal, sensor noise and samples",
            default="0",
            sets=("sim.seed", "planner.seed", "monitor.seed"),
        ),
        Argument("duration", "Time to give up after [s]", sets=("monitor.duration",)),
        Argument("samples", "Candidates in one planning cycle", sets=("planner.samples",)),
        Argument("horizon", "How far a candidate looks ahead [s]", sets=("planner.horizon",)),
        Argument("rate", "Plans per second [Hz]", sets=("planner.rate",)),
        Argument(
            "optimizer",
            "Search method",
            choices=("cem", "mppi", "predictive_sampling"),
            sets=("planner.optimizer",),
        ),
        Argument("threads", "Simulation threads of the planner", sets=("planner.threads",)),
        Argument("mocap_rate", "Motion capture frames per second [Hz]", sets=("sim.mocap.rate",)),
        Argument(
            "mocap_noise",
            "Motion capture noise of each coordinate [m]",
            sets=("sim.mocap.position_noise",),
        ),
        Argument(
            "mocap_delay",
            "Motion capture delay, capture to delivery [s]",
            sets=("sim.mocap.delay",),
        ),
        Argument(
            "mocap_dropout",
            "Chance that a body's markers hide, per frame",
            sets=("sim.mocap.dropout_probability",),
        ),
        Argument(
            "auto_arm", "Whether the bridge arms by itself", "true", sets=("bridge.auto_arm",)
        ),
        Argument(
            "record", "Whether to leave bag, video and report", "true", sets=("monitor.record",)
        ),
        Argument(
            "out",
            "Folder for what the run leaves; empty: a new one under runs/",
            sets=("recorder.folder", "monitor.folder"),
            compute=_run_folder,
        ),
        *_COMMON,
    ),
    nodes=(
        NodeSpec("sim", "sim", required=True),
        # The transform topics are absolute by custom; renamed, they follow the namespace.
        NodeSpec("estimator", "estimator", remappings=(("/tf", "tf"),)),
        NodeSpec("planner", "planner"),
        NodeSpec("bridge", "bridge"),
        NodeSpec("recorder", "recorder", when="record"),
        NodeSpec("monitor", "monitor", required=True, console=True),
    ),
    # A simulation stays on this machine: two of them in one network must not meet.
    environment={**_ENVIRONMENT, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
)

GRAPHS: dict[str, Graph] = {graph.name: graph for graph in (_SIM,)}
