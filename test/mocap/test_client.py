"""A motion capture system that is reached without a driver: the genuine library, a wire, frames."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from natnet import OptiTrack, free_port
from waiting import until

from gpc_ros.common.errors import ConfigError
from gpc_ros.mocap.mocap_client import MocapClient, Seen
from gpc_ros.mocap.mocap_process import options

pytestmark = pytest.mark.integration

POSE = (1.0, 0.3, -2.0, 0.0, 0.0, 0.6, 0.8)  # position, orientation xyzw


@pytest.fixture
def ports() -> tuple[int, int]:
    pytest.importorskip("motioncapture")
    return free_port(), free_port()


@pytest.fixture
def connect() -> Iterator[Callable[..., MocapClient]]:
    clients: list[MocapClient] = []

    def make(*args: object, **more: float) -> MocapClient:
        clients.append(MocapClient(*args, **more))  # type: ignore[arg-type]
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def optitrack(ports: tuple[int, int]) -> Iterator[Callable[[dict[str, int]], OptiTrack]]:
    systems: list[OptiTrack] = []

    def make(numbers: dict[str, int]) -> OptiTrack:
        systems.append(OptiTrack(numbers, *ports))
        return systems[-1]

    yield make
    for system in systems:
        system.close()


class Watch:
    """What a client has seen so far."""

    def __init__(self, client: MocapClient) -> None:
        self.client = client
        self.last: dict[str, Seen] = {}

    def sees(self, *names: str) -> bool:
        """Return whether the newest frames show just these bodies."""
        new = {body.name: body for body in self.client.drain()}
        self.last = new or self.last
        return set(new) == set(names)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_visible_bodies_arrive_with_their_poses(
    ports: tuple[int, int], connect: Callable[..., MocapClient], optitrack: Callable[..., OptiTrack]
) -> None:
    system = optitrack({"Go2": 3, "Box": 7})
    system.poses = {"Go2": POSE, "Box": POSE}
    watch = Watch(connect("optitrack", f"127.0.0.1:{ports[0]}"))
    until(lambda: watch.sees("Go2", "Box"), "both bodies are seen")
    body = watch.last["Go2"]
    assert body.position == pytest.approx([1.0, 0.3, -2.0], abs=1e-4)
    assert body.orientation == pytest.approx([0.8, 0.0, 0.0, 0.6])
    assert watch.client.trouble == ""
    system.poses = {"Box": POSE}  # the robot is hidden
    until(lambda: watch.sees("Box"), "only the box is seen")


def test_a_restarted_system_is_reconnected(
    ports: tuple[int, int], connect: Callable[..., MocapClient], optitrack: Callable[..., OptiTrack]
) -> None:
    first = optitrack({"Go2": 3, "Box": 7})
    first.poses = {"Go2": POSE}
    watch = Watch(connect("optitrack", f"127.0.0.1:{ports[0]}", patience=1.0))
    until(lambda: watch.sees("Go2"), "the robot is seen")
    first.close()

    def silent() -> bool:
        return not watch.sees("Go2") and "is silent" in watch.client.trouble

    until(silent, "the silence is reported")
    second = optitrack({"Go2": 7, "Box": 3})  # the numbers have changed
    second.poses = {"Go2": POSE}
    until(lambda: watch.sees("Go2"), "the robot is seen again, under its new number")


def test_a_silent_address_is_reported_and_can_be_closed(
    ports: tuple[int, int], connect: Callable[..., MocapClient]
) -> None:
    client = connect("optitrack", f"127.0.0.1:{ports[0]}")
    assert client.drain() == []
    assert client.trouble == f"no frame from optitrack at 127.0.0.1:{ports[0]} yet"
    pid = client.pid
    assert pid is not None
    client.close()
    assert not running(pid)


def test_an_error_of_the_library_is_reported(
    ports: tuple[int, int], connect: Callable[..., MocapClient]
) -> None:
    client = connect("qualisys", f"127.0.0.1:{ports[0]}")

    def reported() -> bool:
        assert client.drain() == []
        return "Error connecting QTM" in client.trouble

    until(reported, "the error of the library is reported")


def test_the_process_ends_with_a_node_that_was_killed(ports: tuple[int, int]) -> None:
    program = (
        "import sys, time\n"
        "from gpc_ros.mocap.mocap_client import MocapClient\n"
        f"print(MocapClient('optitrack', '127.0.0.1:{ports[0]}').pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    node = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert node.stdout is not None
    pid = int(node.stdout.readline())
    assert running(pid)
    os.kill(node.pid, signal.SIGKILL)
    node.wait()
    until(lambda: not running(pid), "the process that reads the system ends")


def test_without_an_address_it_refuses() -> None:
    with pytest.raises(ConfigError, match="needs its address"):
        MocapClient("vicon", "")


def test_a_missing_library_names_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="make hardware"):
        MocapClient("vicon", "10.0.0.5")


@pytest.mark.parametrize(
    ("system", "host", "wanted"),
    [
        ("vicon", "10.0.0.5:801", {"hostname": "10.0.0.5:801"}),
        ("vrpn", "lab:3884", {"hostname": "lab:3884"}),
        ("optitrack", "10.0.0.5", {"hostname": "10.0.0.5", "interface_ip": "10.0.0.9"}),
        ("optitrack", "10.0.0.5:1512", {"hostname": "10.0.0.5", "port_command": "1512"}),
        ("qualisys", "10.0.0.5:22223", {"hostname": "10.0.0.5", "port": "22223"}),
    ],
)
def test_the_address_is_split_as_the_library_wants_it(
    system: str, host: str, wanted: dict[str, str]
) -> None:
    assert options(system, host, wanted.get("interface_ip", "")) == wanted
