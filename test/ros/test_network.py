"""A simulation stays on this machine: no participant can join it from the network."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import lan_participant
import pytest

pytestmark = pytest.mark.integration


def lan_address() -> str:
    """Return this machine's network address; empty without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # does not send a packet
        except OSError:
            return ""
        return str(probe.getsockname()[0])


LAN = lan_address()


@pytest.fixture
def offer(domain: int) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Return a function that starts a node with a discovery range."""
    started: list[subprocess.Popen[str]] = []

    def start(discovery_range: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, lan_participant.__file__, "offer"],
            env={**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": discovery_range},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def udp_addresses(pid: int) -> set[str]:
    """Return the local addresses of a process's UDP sockets."""
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    raw = [bytes.fromhex(row[1].split(":")[0]) for row in rows if row[9] in inodes]
    return {socket.inet_ntoa(address[::-1]) for address in raw}


def seek() -> str:
    """Return the result of a participant on the network address."""
    return subprocess.run(
        [sys.executable, lan_participant.__file__, "seek", LAN],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.strip()


def test_a_simulation_listens_on_the_loopback_address_only(
    offer: Callable[[str], subprocess.Popen[str]],
) -> None:
    assert udp_addresses(offer("LOCALHOST").pid) == {"127.0.0.1"}


@pytest.mark.skipif(LAN in ("", "127.0.0.1"), reason="this machine has no network address")
@pytest.mark.parametrize(("discovery_range", "found"), [("LOCALHOST", False), ("SUBNET", True)])
def test_network_participant_joins_only_with_the_network_enabled(
    offer: Callable[[str], subprocess.Popen[str]], discovery_range: str, found: bool
) -> None:
    offer(discovery_range)
    assert seek() == ("found" if found else "not found")
