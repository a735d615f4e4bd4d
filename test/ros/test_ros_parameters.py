"""Settings as ROS parameters: descriptors, overrides, live changes and rejections."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import rclpy
from rcl_interfaces.msg import ParameterType
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import String

from gpc_ros.common.config import param
from gpc_ros.common.errors import ConfigError
from gpc_ros.ros import qos
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.polling import PolledSubscription


@dataclass(frozen=True)
class Limits:
    """A group."""

    speed: float = param(1.0, "Largest speed", unit="m/s", low=0.0, high=2.0, live=True)
    range: tuple[float, float] = param((0.0, 1.0), "From and to", unit="m", low=-5, high=5)


@dataclass(frozen=True)
class Settings:
    """Settings of a test node."""

    mode: str = param("walk", "What to do", choices=("walk", "stand"))
    count: int = param(3, "How many", low=1)
    limits: Limits = Limits()


@pytest.fixture
def make_node() -> Iterator[Callable[..., Node]]:
    """Return a function that makes a node with ROS arguments, in a separate context."""
    context = Context()
    rclpy.init(context=context)
    nodes: list[Node] = []

    def make(*words: str) -> Node:
        arguments = ["--ros-args", *(w for word in words for w in ("-p", word))]
        nodes.append(Node("tested", context=context, cli_args=arguments, enable_rosout=False))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_every_parameter_is_declared_and_described(make_node: Callable[..., Node]) -> None:
    node = make_node()
    NodeParameters(node, Settings())
    assert list(node.get_parameter("limits.range").value) == [0.0, 1.0]
    speed = node.describe_parameter("limits.speed")
    assert speed.type == ParameterType.PARAMETER_DOUBLE
    assert "Largest speed" in speed.description and "m/s" in speed.description
    assert (speed.floating_point_range[0].from_value, speed.read_only) == (0.0, False)
    count = node.describe_parameter("count")
    assert count.integer_range[0].from_value == 1
    assert count.read_only
    assert "walk, stand" in node.describe_parameter("mode").additional_constraints


def test_overrides_reach_the_settings(make_node: Callable[..., Node]) -> None:
    settings = NodeParameters(
        make_node("limits.speed:=2", "mode:=stand", "limits.range:=[1.0, 2.0]"), Settings()
    ).settings
    assert settings == Settings(mode="stand", limits=Limits(speed=2.0, range=(1.0, 2.0)))


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("limits.sped:=1.0", "did you mean 'limits.speed'"),
        ("cuont:=1", "did you mean 'count'"),
        ("limits.speed:=3.0", r"outside \[0.0, 2.0\] m/s"),
        ("limits.speed:=.nan", "not a finite number"),
        ("count:=2.5", "expected int"),
        ("mode:=wlak", "did you mean 'walk'"),
        ("limits.range:=[1.0]", "expected 2 values"),
    ],
)
def test_bad_overrides_are_refused(make_node: Callable[..., Node], word: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        NodeParameters(make_node(word), Settings())


def test_parameters_declared_by_ros_are_accepted(make_node: Callable[..., Node]) -> None:
    NodeParameters(make_node("use_sim_time:=true"), Settings())


def set_one(node: Node, name: str, value: Any) -> tuple[bool, str]:
    result = node.set_parameters([Parameter(name, value=value)])[0]
    return result.successful, result.reason


def test_live_parameter_change_is_applied_and_reported(make_node: Callable[..., Node]) -> None:
    changes: list[float] = []
    node = make_node()
    parameters = NodeParameters(node, Settings(), lambda s: changes.append(s.limits.speed))
    assert set_one(node, "limits.speed", 0.5) == (True, "")
    assert parameters.settings.limits.speed == 0.5
    assert changes == [0.5]


def test_other_changes_are_refused_with_the_reason(make_node: Callable[..., Node]) -> None:
    node = make_node()
    parameters = NodeParameters(node, Settings())
    assert not set_one(node, "count", 5)[0]
    refused, reason = set_one(node, "limits.speed", 9.0)
    assert not refused and reason
    assert parameters.settings == Settings()


@pytest.mark.parametrize("value", [True, False])
def test_use_sim_time_cannot_change_while_the_node_runs(
    make_node: Callable[..., Node], value: bool
) -> None:
    node = make_node()
    NodeParameters(node, Settings())
    clock = node.get_clock().now().nanoseconds
    refused, reason = set_one(node, "use_sim_time", value)
    assert not refused and "use_sim_time cannot change" in reason
    assert not node.get_parameter("use_sim_time").value
    assert node.get_clock().now().nanoseconds > clock > 0


def test_change_of_several_parameters_is_refused_atomically(make_node: Callable[..., Node]) -> None:
    node = make_node()
    parameters = NodeParameters(node, Settings())
    changes = [Parameter("limits.speed", value=0.5), Parameter("use_sim_time", value=True)]
    assert not node.set_parameters_atomically(changes).successful
    assert parameters.settings == Settings()


def test_late_subscriber_receives_the_current_settings(make_node: Callable[..., Node]) -> None:
    node = make_node("count:=7")
    parameters = NodeParameters(node, Settings())
    parameters.add_facts(card={"of": "a model"})
    node.set_parameters([Parameter("limits.speed", value=1.5)])
    listener = PolledSubscription(node, String, "parameters", qos.latched(5))
    end = time.monotonic() + 30.0
    while (message := listener.take()) is None:
        assert time.monotonic() < end, "no message was published"
        time.sleep(0.01)
    content = json.loads(message.data)
    assert content["node"] == "tested" and content["serial"] == parameters.serial == 2
    assert content["parameters"] == {
        "mode": "walk", "count": 7, "limits.speed": 1.5, "limits.range": [0.0, 1.0],
    }  # fmt: skip
    assert content["card"] == {"of": "a model"}
    # A rejected change has no effect and is not published.
    node.set_parameters([Parameter("limits.speed", value=9.0)])
    assert parameters.serial == 2
