"""The graph as data: arguments, overrides and rejected values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.bag.message_types import codec
from gpc_ros.common.assignments import format_assignments, parse_assignments, parse_goal
from gpc_ros.common.errors import ConfigError, GpcError
from gpc_ros.graph.graphs import GRAPHS, Graph
from gpc_ros.graph.resolve import NodeStart, parse_arguments, resolve

SIM, REPLAY = GRAPHS["sim"], GRAPHS["replay"]
HARDWARE, EMULATOR = GRAPHS["hardware"], GRAPHS["emulator"]


def text(content: str) -> bytes:
    """Return a serialised text message."""
    known = codec("std_msgs/msg/String")
    return known.encode(known.make("std_msgs/msg/String", data=content))


def starts(**given: str) -> dict[str, NodeStart]:
    return {start.name: start for start in resolve(SIM, {"out": "runs/test", **given})}


def test_an_argument_sets_its_parameter_in_every_node_that_has_it() -> None:
    nodes = starts(task="navigate", seed="7")
    assert {n.parameters["task"] for n in nodes.values() if "task" in n.parameters} == {"navigate"}
    assert [nodes[n].parameters["seed"] for n in ("sim", "planner", "monitor")] == [7, 7, 7]


def test_omitted_argument_keeps_the_value_of_the_file() -> None:
    assert "rate" not in starts()["planner"].parameters


def test_values_get_the_type_of_their_parameter() -> None:
    nodes = starts(rate="25", record="true")
    assert isinstance(nodes["planner"].parameters["rate"], float)
    assert nodes["monitor"].parameters["record"] is True


def test_any_parameter_can_be_reached() -> None:
    nodes = starts(params="planner.rate=30, sim.mocap.rate=100")
    assert nodes["planner"].parameters["rate"] == 30
    assert nodes["sim"].parameters["mocap.rate"] == 100


def test_without_record_there_is_no_recorder() -> None:
    assert "recorder" in starts()
    assert "recorder" not in starts(record="false")


def test_viewer_starts_only_on_request() -> None:
    assert "view" not in starts()
    view = starts(view="true", task="navigate", task_params="cost.yaw=1")["view"]
    assert view.parameters == {"task": "navigate", "task_params": "cost.yaw=1"}
    assert not view.required
    alone = resolve(GRAPHS["view"], {"port": "8090", "namespace": "go2"})
    assert [(s.name, s.namespace, s.required) for s in alone] == [("view", "/go2", True)]
    assert alone[0].parameters == {"task": "box_push", "port": 8090}


def test_nodes_follow_the_namespace() -> None:
    assert {n.namespace for n in starts(namespace="go2").values()} == {"/go2"}
    assert {n.namespace for n in starts().values()} == {"/"}


def test_nodes_share_one_new_folder_by_default() -> None:
    nodes = {s.name: s for s in resolve(SIM, {})}
    folder = nodes["recorder"].parameters["folder"]
    assert folder.startswith("runs/")
    assert nodes["monitor"].parameters["folder"] == folder


def test_the_graph_ends_with_its_robot_or_its_monitor() -> None:
    assert [n.name for n in SIM.nodes if n.required] == ["sim", "monitor"]
    assert [n.name for n in SIM.nodes if n.console] == ["monitor"]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"sed": "3"}, "did you mean 'seed'"),
        ({"params": "planer.rate=3"}, "did you mean 'planner'"),
        ({"params": "planner.rat=3"}, "did you mean 'rate'"),
        ({"params": "planner.rate"}, "name=value"),
        ({"rate": "1000"}, r"outside \[1, 100\] Hz"),
        ({"rate": "fast"}, "expected float"),
        ({"rate": "nan"}, "not a finite number"),
        ({"record": "maybe"}, "record"),
        ({"task": "box_psh"}, "did you mean 'box_push'"),
        ({"task_params": "plant.object.mas=3"}, "did you mean 'plant.object.mass'"),
        ({"task_params": "plant.object.mass=-3"}, "outside"),
        ({"goal": "1,2"}, "x,y,yaw"),
        ({"goal": "1,2,north"}, "x,y,yaw"),
        ({"goal": "100,0,0"}, "outside the workspace"),
        ({"goal": "nan,0,0"}, "not a finite number"),
        ({"config": "no_such_folder"}, "parameter file is missing"),
    ],
)
def test_bad_arguments_are_refused_with_a_hint(given: dict[str, str], hint: str) -> None:
    with pytest.raises(GpcError, match=hint):
        starts(**given)


def hardware(**given: str) -> dict[str, NodeStart]:
    return {start.name: start for start in resolve(HARDWARE, {"out": "runs/test", **given})}


def test_the_hardware_graph_reaches_a_robot_and_has_no_simulated_one() -> None:
    nodes = hardware(interface="enp3s0", sdk_domain="0", task="navigate", goal="1,0,0")
    assert set(nodes) == {"estimator", "planner", "bridge", "recorder", "monitor"}
    bridge = nodes["bridge"].parameters
    assert bridge["driver"] == "unitree" and bridge["unitree.interface"] == "enp3s0"
    assert (bridge["dry_run"], bridge["auto_arm"]) == (False, False)  # the operator arms the robot
    assert nodes["monitor"].parameters["truth"] == "scene_state"
    assert {n.parameters["task"] for n in nodes.values()} == {"navigate"}
    assert [n for n, start in nodes.items() if start.required] == ["bridge", "monitor"]


def test_real_robot_gets_no_goal_by_default() -> None:
    assert hardware()["monitor"].parameters["goal"] == "none"
    with pytest.raises(GpcError, match="outside the workspace"):
        hardware(goal="100,0,0")


def test_in_a_dry_run_the_bridge_sends_nothing() -> None:
    assert hardware(dry_run="true")["bridge"].parameters["dry_run"] is True


@pytest.mark.parametrize("graph", [HARDWARE, EMULATOR], ids=lambda graph: graph.name)
def test_ros_and_a_robot_may_not_share_a_domain(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "9")
    assert resolve(graph, {"sdk_domain": "8"})
    with pytest.raises(ConfigError, match="export ROS_DOMAIN_ID=10"):
        resolve(graph, {"sdk_domain": "9"})
    monkeypatch.delenv("ROS_DOMAIN_ID")
    with pytest.raises(ConfigError, match="export ROS_DOMAIN_ID=1"):
        resolve(graph, {})


def test_a_simulation_may_run_in_any_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROS_DOMAIN_ID")
    assert starts()
    with pytest.raises(ConfigError, match="ROS_DOMAIN_ID"):
        starts(params="bridge.driver=unitree")


def test_command_line_words_become_arguments() -> None:
    assert parse_arguments(["seed:=3", "goal:=1,2,0.5"], SIM) == {"seed": "3", "goal": "1,2,0.5"}
    with pytest.raises(ConfigError, match="name:=value"):
        parse_arguments(["seed=3"], SIM)
    with pytest.raises(ConfigError, match="did you mean 'rate'"):
        parse_arguments(["rte:=3"], SIM)


def test_assignments_keep_lists_together() -> None:
    text = "a.b=1, c=[1,2] ,d=x"
    assert parse_assignments(text, "params") == {"a.b": "1", "c": "[1,2]", "d": "x"}
    with pytest.raises(ConfigError, match="twice"):
        parse_assignments("a=1,a=2", "params")


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,6}){0,2}", fullmatch=True),
        st.from_regex(r"[0-9.]{1,5}|\[[0-9],[0-9]\]", fullmatch=True),
        max_size=5,
    )
)
def test_assignments_round_trip(values: dict[str, str]) -> None:
    assert parse_assignments(format_assignments(values), "x") == values


def test_a_goal_is_three_numbers() -> None:
    assert parse_goal("1.5,-0.5,0").tolist() == [1.5, -0.5, 0.0]


def test_replay_uses_the_recorded_parameters(tmp_path: Path) -> None:
    writer = BagWriter(tmp_path / "bag", {"task": "navigate", "seed": "3"})
    for node, values in (
        ("planner", {"num_rollouts": 9, "rate": 12.0, "of_the_future": 1}),
        ("bridge", {"dry_run": False, "driver": "sim", "damping": 4.0}),
    ):
        settings = {"node": node, "serial": 1, "parameters": values}
        writer.add_topic("/parameters", "std_msgs/msg/String")
        writer.write("/parameters", text(json.dumps(settings)), 1)
    writer.close()
    given = {"bag": str(tmp_path / "bag"), "rate": "15", "out": "runs/test"}
    nodes = {start.name: start for start in resolve(REPLAY, given)}
    planner = nodes["planner"].parameters
    # An argument takes precedence over the bag.
    assert (planner["num_rollouts"], planner["rate"]) == (9, 15.0)
    assert "of_the_future" not in planner
    assert nodes["estimator"].parameters["task"] == "navigate"  # as in the bag's metadata
    assert nodes["recorder"].parameters["seed"] == 3
    bridge = nodes["bridge"].parameters
    assert bridge["dry_run"] is True and bridge["damping"] == 4.0
    timed = {name for name, start in nodes.items() if start.parameters.get("use_sim_time")}
    assert timed == set(nodes) - {"player"}


def test_a_replay_without_a_bag_is_refused() -> None:
    with pytest.raises(ConfigError, match="bag:= is missing"):
        resolve(REPLAY, {})
    with pytest.raises(GpcError, match="does not exist"):
        resolve(REPLAY, {"bag": "no_such_bag"})


def test_the_former_argument_samples_is_accepted_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = parse_arguments(["samples:=6"], GRAPHS["sim"])
    assert given == {"num_rollouts": "6"}
    assert "samples:= is now called num_rollouts:=" in caplog.text
    planner = next(n for n in resolve(GRAPHS["sim"], given) if n.name == "planner")
    assert planner.parameters["num_rollouts"] == 6
