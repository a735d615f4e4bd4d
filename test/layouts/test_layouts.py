"""The layouts for RViz, Foxglove and PlotJuggler name only topics that the graph publishes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from gpc_ros.bag.message_types import codec
from gpc_ros.bag.topics import recorded
from gpc_ros.common.paths import share
from gpc_ros.tasks import TASKS

LAYOUTS = share("config", "layouts")
# Every topic of the graph of a task that has objects, as a user sees it without a namespace.
TYPES = {f"/{t.name}": t.type for task in TASKS.values() for t in recorded(task.bodies)}
# Message types of the RViz displays.
RVIZ = {
    "rviz_default_plugins/Odometry": "nav_msgs/msg/Odometry",
    "rviz_default_plugins/Pose": "geometry_msgs/msg/PoseStamped",
    "rviz_default_plugins/SetGoal": "geometry_msgs/msg/PoseStamped",
}
NUMBERS = {"float64", "float32", "uint8", "uint32", "uint64", "int32", "bool"}


def topic_of(path: str) -> str:
    """Return the longest topic that is a prefix of a path."""
    found = [t for t in TYPES if path == t or path.startswith((f"{t}/", f"{t}."))]
    assert found, f"{path}: no such topic"
    return max(found, key=len)


def leaf(type_name: str, fields: list[str]) -> str:
    """Return the basic type that a path of fields leads to; an array needs an index inside it."""
    c = codec(type_name)
    for position, field in enumerate(fields):
        match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", field)
        assert match, field
        name, index = match[1], match[2]
        known = dict(c.fields(type_name))
        assert name in known, f"{type_name} has no field {name}"
        kind, rest = known[name]
        if kind in (3, 4):  # an array of fixed or any length
            (kind, rest), length = rest
            assert index is not None, f"{type_name}: {name} is an array"
            assert kind == 2 or not length or int(index) < length, field
        else:
            assert index is None, f"{type_name}: {name} is not an array"
        if kind == 2:
            type_name = rest
        else:
            assert position == len(fields) - 1, f"{field} is no message"
            return str(rest[0])
    raise AssertionError(f"{fields} ends at a message")


def foxglove() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((LAYOUTS / "foxglove.json").read_text())
    return data


def foxglove_paths() -> Iterator[str]:
    for panel in foxglove()["configById"].values():
        yield from (path["value"] for path in panel.get("paths", []))


def foxglove_topics() -> Iterator[str]:
    for name, panel in foxglove()["configById"].items():
        if name.startswith("3D!"):
            yield from panel["topics"]
            yield panel["publish"]["poseTopic"]
        if "topicToRender" in panel:
            yield panel["topicToRender"]


def curves() -> list[str]:
    root = ElementTree.parse(LAYOUTS / "plotjuggler.xml").getroot()
    return [curve.attrib["name"] for curve in root.iter("curve")]


def displays() -> list[tuple[str, str]]:
    manager = yaml.safe_load((LAYOUTS / "gpc.rviz").read_text())["Visualization Manager"]
    items = [*manager["Displays"], *manager["Tools"]]
    return [(item["Class"], item["Topic"]["Value"]) for item in items if "Topic" in item]


@pytest.mark.parametrize("path", sorted(set(foxglove_paths())))
def test_foxglove_plots_existing_fields(path: str) -> None:
    topic = topic_of(path)
    kind = leaf(TYPES[topic], path[len(topic) + 1 :].split("."))
    assert kind in NUMBERS or path == "/supervisor.name"


@pytest.mark.parametrize("topic", sorted(set(foxglove_topics())))
def test_foxglove_shows_existing_topics(topic: str) -> None:
    assert topic in TYPES


def test_every_foxglove_panel_is_laid_out_once() -> None:
    def panels(node: Any) -> list[str]:
        return [node] if isinstance(node, str) else panels(node["first"]) + panels(node["second"])

    assert sorted(panels(foxglove()["layout"])) == sorted(foxglove()["configById"])


@pytest.mark.parametrize("curve", sorted(set(curves())))
def test_plotjuggler_plots_existing_fields(curve: str) -> None:
    topic = topic_of(curve)
    assert leaf(TYPES[topic], curve[len(topic) + 1 :].split("/")) in NUMBERS


@pytest.mark.parametrize(("display", "topic"), displays())
def test_rviz_shows_existing_topics(display: str, topic: str) -> None:
    assert TYPES[topic] == RVIZ[display]


@pytest.mark.parametrize(
    "path", ["/scene_state.pose.position.w", "/status.plan_time", "/plan.knots"]
)
def test_a_wrong_path_is_detected(path: str) -> None:
    with pytest.raises(AssertionError):
        topic = topic_of(path)
        leaf(TYPES[topic], path[len(topic) + 1 :].split("."))


def test_all_layouts_exist() -> None:
    assert {p.name for p in Path(LAYOUTS).iterdir()} == {
        "gpc.rviz", "foxglove.json", "plotjuggler.xml",
    }  # fmt: skip
