"""Determine who can reach the nodes of a graph: addresses and authentication of the middleware."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SIOCGIFADDR = 0x8915
_PROFILES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
_NO_LIBRARIES = "doesn't have the security libraries"
_TIMEOUT = 40.0  # [s]
_ENCLAVE_FILES = (
    "identity_ca.cert.pem", "permissions_ca.cert.pem", "cert.pem", "key.pem", "governance.p7s",
    "permissions.p7s",
)  # fmt: skip
_TRY_SECURITY = """
import rclpy
rclpy.init(args=["--ros-args", "--enclave", "/none"])
rclpy.create_node("security_check")
"""


@dataclass(frozen=True)
class Reach:
    """Who can reach the graph of a real robot and the graph of a simulation.

    Attributes:
        simulation: one sentence for ``gpc sim``.
        hardware: one sentence for ``gpc hardware``.
        is_open: whether other machines can join without a key.
    """

    simulation: str
    hardware: str
    is_open: bool


def reach(
    environment: Mapping[str, str] = os.environ, addresses: Mapping[str, str] | None = None
) -> Reach:
    """Return who can reach the graphs that this environment starts.

    Args:
        environment: the variables of the middleware.
        addresses: network interfaces with their addresses; None looks them up.
    """
    found = interface_addresses() if addresses is None else addresses
    others = {name: address for name, address in found.items() if not address.startswith("127.")}
    where = ", ".join(f"{address} ({name})" for name, address in others.items())
    domain = environment.get("ROS_DOMAIN_ID") or "0"
    profile = next((environment[name] for name in _PROFILES if environment.get(name)), "")
    middleware = environment.get("RMW_IMPLEMENTATION") or "rmw_fastrtps_cpp"
    limited = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "")
    local = "this machine only (127.0.0.1)"
    if profile:
        chosen = f"every participant that the profile {profile} admits"
        return Reach(chosen, chosen, True)
    if not middleware.startswith("rmw_fastrtps"):
        local = f"this machine by discovery; {middleware} decides where it listens"
    network = f"every machine that reaches {where}, on domain {domain}" if others else local
    if others and _enforces_security(environment):
        network = f"holders of a key of {environment['ROS_SECURITY_KEYSTORE']}, over {where}"
        others = {}
    return Reach(
        network if limited not in ("", "LOCALHOST") else local,
        local if limited == "LOCALHOST" else network,
        bool(others) and limited != "LOCALHOST",
    )


def _enforces_security(environment: Mapping[str, str]) -> bool:
    return (
        environment.get("ROS_SECURITY_ENABLE") == "true"
        and environment.get("ROS_SECURITY_STRATEGY") == "Enforce"
        and bool(environment.get("ROS_SECURITY_KEYSTORE"))
    )


def interface_addresses() -> dict[str, str]:
    """Return the IPv4 address of each network interface that has one."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                answer = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, request)
            except OSError:
                continue
            found[name] = socket.inet_ntoa(answer[20:24])
    return found


def has_security(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the installed middleware was built with DDS security.

    A node in an enclave without keys always fails; its error names the libraries if they are
    missing.
    """
    with tempfile.TemporaryDirectory() as keystore:
        enclave = Path(keystore, "enclaves", "none")
        enclave.mkdir(parents=True)
        for name in _ENCLAVE_FILES:
            (enclave / name).write_text("useless\n", encoding="utf-8")
        result = subprocess.run(
            [sys.executable, "-c", _TRY_SECURITY],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            env={
                **environment,
                "ROS_SECURITY_ENABLE": "true",
                "ROS_SECURITY_STRATEGY": "Enforce",
                "ROS_SECURITY_KEYSTORE": keystore,
            },
            check=False,
        )
    return _NO_LIBRARIES not in result.stdout + result.stderr
