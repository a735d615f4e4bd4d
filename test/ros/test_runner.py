"""The life cycle of a node process: signals, errors, loops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.integration

HEAD = """
import sys
from rclpy.node import Node
from gpc_ros.common.errors import ConfigError
from gpc_ros.ros.runner import PeriodicNode, run
from gpc_ros.common.scheduling import Scheduling

class Spinning:
    scheduling = Scheduling()
    def __init__(self, stop):
        self.stop = stop
        self.node = Node("tested")
        self.node.create_timer(0.01, self.tick)
    def tick(self):
        print("tick", flush=True)
    def close(self):
        print("closed", self.node.context.ok(), flush=True)

class Stepping(Spinning, PeriodicNode):
    period = 0.002
    def step(self, late):
        print("step", flush=True)

class Ending(Spinning):
    def tick(self):
        self.stop.request(7)

class Broken(Spinning):
    def __init__(self, stop):
        raise ConfigError("planner: rate: no")
"""


def started(kind: str) -> subprocess.Popen[str]:
    code = textwrap.dedent(HEAD) + f"\nsys.exit(run({kind}))"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("kind", "word"), [("Spinning", "tick"), ("Stepping", "step")])
def test_signal_ends_a_node_cleanly(kind: str, word: str, number: signal.Signals) -> None:
    process = started(kind)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == word
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out.strip().endswith("closed True")
    assert "Traceback" not in err


def test_a_loop_serves_the_executor_too() -> None:
    process = started("Stepping")
    assert process.stdout is not None
    words = set()
    for line in process.stdout:
        words.add(line.strip())
        if words == {"tick", "step"}:
            break
    process.terminate()
    process.communicate(timeout=30)
    assert words == {"tick", "step"}


def test_a_node_ends_itself_with_a_code() -> None:
    process = started("Ending")
    process.communicate(timeout=30)
    assert process.returncode == 7


def test_user_error_is_one_line() -> None:
    process = started("Broken")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert err.strip() == "error: planner: rate: no"


def test_first_logged_message_needs_no_file_access() -> None:
    """The control loop logs it at the moment of a fault and must not be delayed."""
    code = textwrap.dedent("""
    import os
    import rclpy
    from rclpy.node import Node
    from gpc_ros.ros import validator, runner

    rclpy.init()
    node = Node("tested")
    looked_up = []
    real = os.path.realpath
    runner.warm_logging_cache()
    os.path.realpath = lambda path, **more: looked_up.append(path) or real(path, **more)
    validator.MessageValidator(node).reject("topic", "no number")
    print(len(looked_up))
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60.0
    )
    assert "rejected a message on topic: no number" in done.stderr
    assert int(done.stdout) < 10  # of some 400 modules
