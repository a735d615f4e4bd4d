"""The report on who can reach a graph, as shown by ``gpc doctor``."""

from __future__ import annotations

import importlib.metadata

import pytest

from gpc_ros.graph.reach import has_security, interface_addresses, reach

LAN = {"lo": "127.0.0.1", "eth0": "192.0.2.7"}
SECURE = {
    "ROS_SECURITY_ENABLE": "true",
    "ROS_SECURITY_STRATEGY": "Enforce",
    "ROS_SECURITY_KEYSTORE": "/keys",
}


def test_a_simulation_stays_on_this_machine_and_a_robot_is_in_the_network() -> None:
    found = reach({"ROS_DOMAIN_ID": "5"}, LAN)
    assert found.simulation == "this machine only (127.0.0.1)"
    assert found.hardware == "every machine that reaches 192.0.2.7 (eth0), on domain 5"
    assert found.is_open


def test_the_discovery_range_of_the_shell_decides_for_both() -> None:
    assert "every machine" in reach({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, LAN).simulation
    local = reach({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, LAN)
    assert (local.hardware, local.is_open) == ("this machine only (127.0.0.1)", False)


def test_without_a_network_everything_stays_on_this_machine() -> None:
    assert not reach({}, {"lo": "127.0.0.1"}).is_open


@pytest.mark.parametrize("missing", [None, *SECURE])
def test_keys_count_only_where_they_are_enforced(missing: str | None) -> None:
    found = reach({k: v for k, v in SECURE.items() if k != missing}, LAN)
    assert found.is_open == (missing is not None)
    assert ("holders of a key of /keys" in found.hardware) == (missing is None)


def test_a_profile_of_the_user_and_another_middleware_are_named() -> None:
    assert "/mine.xml" in reach({"FASTDDS_DEFAULT_PROFILES_FILE": "/mine.xml"}, LAN).simulation
    assert (
        "rmw_cyclonedds_cpp" in reach({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}, LAN).simulation
    )


def test_the_loopback_interface_is_found() -> None:
    assert "127.0.0.1" in interface_addresses().values()


@pytest.mark.integration
def test_the_ros_wheels_have_no_security() -> None:
    """Check the statement of docs/security.md about the wheels; other builds may differ."""
    wheels = any(d.name == "ros-rclpy" for d in importlib.metadata.distributions())
    if not wheels:
        pytest.skip("this is not the ROS of the wheels")
    assert not has_security()
