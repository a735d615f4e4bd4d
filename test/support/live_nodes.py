"""Tools of the live tests: a ROS domain per test, node processes and a probe node."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from gpc_ros.common.paths import share
from gpc_ros.graph.launcher import end_with_parent
from gpc_ros.ros import qos
from gpc_ros.ros.polling import PolledSubscription

# Generous, so that a busy machine does not fail a test; a passing test does not wait this long.
TIMEOUT = 60.0

_COUNTER = itertools.count(os.getpid())


@pytest.fixture(autouse=True)
def domain(monkeypatch: pytest.MonkeyPatch) -> int:
    """Use a domain that no concurrent test uses, and strict message field checks."""
    number = 1 + next(_COUNTER) % 100
    monkeypatch.setenv("ROS_DOMAIN_ID", str(number))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_PYTHON_CHECK_FIELDS", "1")
    return number


@pytest.fixture
def context(domain: int) -> Iterator[Context]:
    """Return a ROS context in the domain of the test."""
    made = Context()
    rclpy.init(context=made)
    yield made
    rclpy.try_shutdown(context=made)


class Running:
    """The process of one node, with its output in a file."""

    def __init__(self, name: str, words: tuple[str, ...], log: Path) -> None:
        """Start the node with its parameter file and overrides ``name:=value``."""
        arguments = [sys.executable, "-m", f"gpc_ros.nodes.{name}", "--ros-args"]
        arguments += ["--params-file", str(share("config", f"{name}.yaml"))]
        arguments += [w for word in words for w in ("-p", word)]
        self.name, self._log = name, log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                arguments,
                stdout=stream,
                stderr=subprocess.STDOUT,
                preexec_fn=end_with_parent(os.getpid()),
            )

    def output(self) -> str:
        """Return the output of the node so far."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """Kill the process without any cleanup."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """Stop the node with a signal and return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(TIMEOUT)


@pytest.fixture
def start_node(domain: int, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Return a function that starts nodes; they are killed at the end of the test."""
    running: list[Running] = []

    def start(name: str, *words: str) -> Running:
        running.append(Running(name, words, tmp_path / f"{len(running)}_{name}.log"))
        return running[-1]

    yield start
    for node in running:
        node.kill()
        print(f"--- {node.name}\n{node.output()}")


class Probe:
    """A node of the test: subscribes, publishes and calls services."""

    def __init__(self, context: Context) -> None:
        """Join the domain of the test."""
        self.node = Node("probe", context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._heard: dict[str, PolledSubscription[Any]] = {}
        self._publishers: dict[str, Any] = {}

    def listen(self, topic: str, message: type, profile: Any = None) -> None:
        """Subscribe to a topic."""
        self._heard[topic] = PolledSubscription(
            self.node, message, topic, profile or qos.sensor(50), max_bytes=None
        )

    def announce(self, topic: str, message: type, profile: Any = None) -> None:
        """Create the publisher of a topic, unless there is one."""
        if topic not in self._publishers:
            self._publishers[topic] = self.node.create_publisher(
                message, topic, profile or qos.command()
            )

    def publish(self, topic: str, message: Any, profile: Any = None) -> None:
        """Send a message."""
        self.announce(topic, type(message), profile)
        self._publishers[topic].publish(message)

    def wait(
        self,
        topic: str,
        condition: Callable[[Any], bool] = lambda message: True,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Any:
        """Return the first message from now on that meets a condition.

        Args:
            topic: a topic passed to :meth:`listen` before.
            condition: predicate of the message.
            meanwhile: called a hundred times a second.
        """
        for _ in self._heard[topic].drain():
            pass
        last = None
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            meanwhile()
            for last in self._heard[topic].drain():
                if condition(last):
                    return last
            time.sleep(0.01)
        raise AssertionError(f"{topic}: timeout; the last message was {last}")

    def call(
        self, service: str, kind: Any, meanwhile: Callable[[], None] = lambda: None, **fields: Any
    ) -> Any:
        """Call a service and return the response."""
        client = self.node.create_client(kind, service)
        assert client.wait_for_service(TIMEOUT), f"no service {service}"
        future = client.call_async(kind.Request(**fields))
        end = time.monotonic() + TIMEOUT
        while not future.done():
            assert time.monotonic() < end, f"{service} did not answer"
            meanwhile()
            self._executor.spin_once(timeout_sec=0.01)
        return future.result()

    def now(self) -> float:
        """Return the current ROS time [s]."""
        return float(self.node.get_clock().now().nanoseconds) * 1e-9


@pytest.fixture
def probe(context: Context) -> Probe:
    """Return a probe node."""
    return Probe(context)
