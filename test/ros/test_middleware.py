"""No node uses shared memory, and the user's settings are kept."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpc_msgs.msg import RobotReading
from gpc_ros.common.paths import share
from gpc_ros.ros.middleware import avoid_shared_memory


def changed(**environment: str) -> dict[str, str]:
    avoid_shared_memory(environment)
    return environment


def test_without_settings_udp_only() -> None:
    assert changed() == {"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"}
    assert changed(ROS_AUTOMATIC_DISCOVERY_RANGE="SUBNET")["FASTDDS_BUILTIN_TRANSPORTS"] == "UDPv4"


def test_on_this_machine_only() -> None:
    found = changed(ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST")
    assert found["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SYSTEM_DEFAULT"
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        assert found[name] == str(share("config", "fastdds_loopback.xml"))


def test_settings_in_a_child_process() -> None:
    """Inherited settings combined with this machine only must not enable shared memory."""
    mine = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    for inherited in (changed(), changed(**mine)):
        assert changed(**{**inherited, **mine}) == changed(**mine)
        assert changed(**inherited) == inherited


@pytest.mark.parametrize(
    "mine",
    [
        {"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp", "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
        {"FASTDDS_BUILTIN_TRANSPORTS": "LARGE_DATA"},
        {"FASTRTPS_DEFAULT_PROFILES_FILE": "/mine.xml"},
        {"FASTDDS_DEFAULT_PROFILES_FILE": "/mine.xml"},
    ],
)
def test_user_settings_are_kept(mine: dict[str, str]) -> None:
    assert changed(**mine) == mine


def test_profile_file_names_this_machine_only() -> None:
    space = {"dds": "http://www.eprosima.com"}
    root = ElementTree.parse(share("config", "fastdds_loopback.xml")).getroot()
    kinds = [e.text for e in root.iterfind(".//dds:transport_descriptor/dds:type", space)]
    addresses = [e.text for e in root.iterfind(".//dds:address", space)]
    assert (kinds, set(addresses)) == (["UDPv4"], {"127.0.0.1"})
    listens = root.iterfind(".//dds:interfaceWhiteList/dds:address", space)
    assert [e.text for e in listens] == ["127.0.0.1"]


@pytest.mark.integration
@pytest.mark.parametrize("inherited", [False, True])
def test_a_node_opens_no_shared_memory(
    inherited: bool, monkeypatch: pytest.MonkeyPatch, probe: Any, start_node: Callable[..., Any]
) -> None:
    if inherited:
        for name, value in changed(ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    probe.listen("robot_reading", RobotReading)
    sim = start_node("sim", "task:=navigate")
    probe.wait("robot_reading")
    maps = Path(f"/proc/{sim.process.pid}/maps").read_text()
    assert "libfastrtps" in maps  # the test applies to this middleware only
    assert "/dev/shm/fastrtps_" not in maps
