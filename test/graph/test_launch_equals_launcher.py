"""``ros2 launch`` and the launcher start the same graph.

No package registry has launch and launch_ros, so the real launch file runs against small stand-ins
here, which record the objects that it creates.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.common.errors import ConfigError
from gpc_ros.common.graph_identity import VARIABLE
from gpc_ros.common.paths import share
from gpc_ros.graph.graphs import GRAPHS
from gpc_ros.graph.launcher import command
from gpc_ros.graph.resolve import resolve


class Recorded:
    """A launch action that records its arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs


class DeclareLaunchArgument(Recorded):
    pass


class OpaqueFunction(Recorded):
    pass


class Node(Recorded):
    pass


class Shutdown(Recorded):
    pass


class LogInfo(Recorded):
    pass


class ParameterValue:
    def __init__(self, value: Any, value_type: type) -> None:
        self.value = value_type(value)


class Context:
    """The context of a launch: its command line and its configurations."""

    def __init__(self, configurations: dict[str, str], argv: list[str]) -> None:
        self.launch_configurations, self.argv = configurations, argv


class LaunchConfiguration:
    def __init__(self, name: str) -> None:
        self._name = name

    def perform(self, context: Context) -> str:
        return context.launch_configurations[self._name]


class LaunchDescription:
    def __init__(self, entities: list[Recorded]) -> None:
        self.entities = entities


def module(name: str, **members: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(members)
    return made


@pytest.fixture
def launch_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Recorded]]]:
    """Return a function that runs a launch file of the package and returns its actions."""
    for stand_in in (
        module("launch", LaunchContext=Context, LaunchDescription=LaunchDescription),
        module(
            "launch.actions",
            DeclareLaunchArgument=DeclareLaunchArgument,
            OpaqueFunction=OpaqueFunction,
            LogInfo=LogInfo,
            Shutdown=Shutdown,
        ),
        module("launch.events"),
        module("launch.events.process", ProcessExited=Exited),
        module("launch.substitutions", LaunchConfiguration=LaunchConfiguration),
        module("launch_ros"),
        module("launch_ros.actions", Node=Node),
        module("launch_ros.parameter_descriptions", ParameterValue=ParameterValue),
    ):
        monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    monkeypatch.delitem(sys.modules, "gpc_ros.graph.ros_launch", raising=False)

    def run(name: str, *words: str) -> list[Recorded]:
        path = share("launch", f"{name}.launch.py")
        spec = importlib.util.spec_from_file_location(f"{name}_launch_file", path)
        assert spec is not None and spec.loader is not None
        file = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(file)
        configurations = dict(word.split(":=", 1) for word in words)
        context = Context(configurations, list(words))
        actions = []
        for entity in file.generate_launch_description().entities:
            actions.append(entity)
            if isinstance(entity, DeclareLaunchArgument):
                configurations.setdefault(entity.args[0], entity.kwargs["default_value"])
            if isinstance(entity, OpaqueFunction):
                actions += entity.kwargs["function"](context, *entity.kwargs["args"])
        return actions

    yield run
    sys.modules.pop("gpc_ros.graph.ros_launch", None)


def of_kind(actions: list[Recorded], kind: type[Recorded]) -> list[Recorded]:
    return [a for a in actions if type(a) is kind]


class Exited:
    """A process that has ended with a code."""

    def __init__(self, returncode: int) -> None:
        self.returncode = returncode


def ends_with(on_exit: Callable[..., list[Recorded]]) -> list[int]:
    """Return which exit codes of a node shut the launch down."""
    codes = []
    for code in (0, 1, 2):
        actions = on_exit(Exited(code), None)
        if any(isinstance(a, Shutdown) for a in actions):
            codes.append(code)
    return codes


def from_launch(node: Recorded) -> dict[str, Any]:
    """Return the process that ``launch_ros`` would start for a node."""
    files, values = [], {}
    for entry in node.kwargs["parameters"]:
        if isinstance(entry, dict):
            plain = {k: v.value if isinstance(v, ParameterValue) else v for k, v in entry.items()}
            values.update(plain)
        else:
            files.append(str(entry))
    return {
        "executable": node.kwargs["executable"],
        "name": node.kwargs["name"],
        "namespace": node.kwargs["namespace"],
        "files": files,
        "parameters": values,
        "remappings": [tuple(r) for r in node.kwargs["remappings"]],
        "environment": node.kwargs["additional_env"],
        "ends_with": ends_with(node.kwargs["on_exit"]),
    }


def from_command(words: list[str]) -> dict[str, Any]:
    """Return the content of a launcher's command line, as ROS parses it."""
    found: dict[str, Any] = {"files": [], "parameters": {}, "remappings": []}
    assert words[1] == "-m" and words[3] == "--ros-args"
    found["executable"] = words[2].removeprefix("gpc_ros.nodes.")
    for flag, text in zip(words[4::2], words[5::2], strict=True):
        key, _, value = text.partition(":=")
        if flag == "--params-file":
            found["files"].append(text)
        elif flag == "-p":
            found["parameters"][key] = yaml.safe_load(value)
        elif key == "__node":
            found["name"] = value
        elif key == "__ns":
            found["namespace"] = value
        else:
            found["remappings"].append((key, value))
    return found


ARGUMENTS = [
    [],
    ["task:=navigate", "seed:=3", "goal:=1,0.5,0", "rate:=25", "duration:=12"],
    ["namespace:=go2", "record:=false", "task_params:=plant.object.mass=5"],
    ["params:=planner.rate=30,bridge.auto_arm=false"],
]


def fitting(name: str, words: list[str]) -> list[str]:
    """Return the given arguments that apply to a graph and its nodes."""
    graph = GRAPHS[name]
    nodes, known = [n.name for n in graph.nodes], [a.name for a in graph.arguments]
    split = [word.partition(":=") for word in words]
    return [
        key + sign + value
        for key, sign, value in split
        if key in known and (key != "params" or value.partition(".")[0] in nodes)
    ]


def needed(name: str, folder: Path) -> list[str]:
    """Return the arguments that a graph requires."""
    if not GRAPHS[name].recorded:
        return []
    if not (folder / "bag").exists():
        BagWriter(folder / "bag", {"task": "navigate", "seed": "3"}).close()
    return [f"{GRAPHS[name].recorded}:={folder / 'bag'}"]


@pytest.mark.parametrize("name", sorted(GRAPHS))
@pytest.mark.parametrize("words", ARGUMENTS, ids=["default", "navigate", "namespace", "params"])
def test_same_nodes_parameters_and_remappings(
    name: str, words: list[str], launch_file: Callable[..., list[Recorded]], tmp_path: Path
) -> None:
    words = [*fitting(name, [*words, "out:=runs/test"]), *needed(name, tmp_path)]
    starts = resolve(GRAPHS[name], dict(word.split(":=", 1) for word in words))
    by_launcher = [
        {
            **from_command(command(s)),
            "environment": s.environment,
            "ends_with": [0, 1, 2] if s.required else [2],
        }
        for s in starts
    ]
    by_launch = [from_launch(node) for node in of_kind(launch_file(name, *words), Node)]
    identities = {node["environment"].pop(VARIABLE) for node in by_launch}
    assert len(identities) == 1  # one for the graph, as the launcher gives its processes
    assert by_launch == by_launcher


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_same_arguments_and_defaults(
    name: str, launch_file: Callable[..., list[Recorded]], tmp_path: Path
) -> None:
    words = [*fitting(name, ["out:=runs/test"]), *needed(name, tmp_path)]
    declared = of_kind(launch_file(name, *words), DeclareLaunchArgument)
    assert {a.args[0]: a.kwargs["default_value"] for a in declared} == {
        a.name: a.default for a in GRAPHS[name].arguments
    }
    assert all(a.kwargs["description"] for a in declared)


def test_every_graph_has_a_launch_file_and_every_launch_file_a_graph() -> None:
    files = {p.name.removesuffix(".launch.py") for p in Path(share("launch")).glob("*.launch.py")}
    assert files == set(GRAPHS)


@pytest.mark.parametrize("by_path", [False, True])
def test_a_misspelt_argument_of_the_launched_file_is_refused(
    by_path: bool, launch_file: Callable[..., list[Recorded]], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = [str(share("launch", "sim.launch.py"))] if by_path else ["gpc_ros", "sim.launch.py"]
    monkeypatch.setattr("sys.argv", ["ros2", "launch", *file, "sed:=3"])
    with pytest.raises(ConfigError, match="did you mean 'seed'"):
        launch_file("sim", "sed:=3")


@pytest.mark.parametrize("name", ["config_file", "rviz", "world", "interface", "sed"])
@pytest.mark.parametrize("outer", ["robot.launch.py", "sim.launch.py"])
def test_an_argument_of_an_including_file_gives_a_warning_only(
    name: str,
    outer: str,
    launch_file: Callable[..., list[Recorded]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["ros2", "launch", "my_robot", outer, f"{name}:=1"])
    (warning,) = of_kind(launch_file("sim", f"{name}:=1", "out:=x"), LogInfo)
    assert f"does not use the argument '{name}'" in warning.kwargs["msg"]


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_help_texts_of_arguments_do_not_contradict_themselves(
    name: str, launch_file: Callable[..., list[Recorded]], tmp_path: Path
) -> None:
    words = [*fitting(name, ["out:=runs/test"]), *needed(name, tmp_path)]
    for argument in of_kind(launch_file(name, *words), DeclareLaunchArgument):
        text = argument.kwargs["description"].lower()
        assert text.count("empty:") <= (0 if argument.kwargs["default_value"] else 1), text


def test_text_stays_text(launch_file: Callable[..., list[Recorded]]) -> None:
    nodes = of_kind(launch_file("sim", "out:=7"), Node)
    recorder = next(n for n in nodes if n.kwargs["name"] == "recorder")
    assert from_launch(recorder)["parameters"]["folder"] == "7"
