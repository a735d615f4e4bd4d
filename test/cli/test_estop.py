"""``gpc estop``: it publishes its heartbeat, Enter presses and releases, and its end presses."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import pytest
import rclpy
from fault_injection.observer import Observer
from rclpy.context import Context
from std_msgs.msg import Bool

from gpc_ros.graph.launcher import end_with_parent
from gpc_ros.ros import qos

pytestmark = pytest.mark.integration


def shows(pressed: bool, message: Bool) -> bool:
    return bool(message.data == pressed)


def test_enter_presses_and_releases_and_the_end_presses() -> None:
    context = Context()
    rclpy.init(context=context)
    observer = Observer(context)
    observer.listen("go2/emergency_stop", Bool, qos.report())
    process = subprocess.Popen(
        [sys.executable, "-m", "gpc_ros.cli.main", "estop", "--namespace", "go2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=end_with_parent(os.getpid()),
    )
    assert process.stdin is not None
    observer.wait("go2/emergency_stop", lambda m: not m.data)
    for pressed in (True, False):
        process.stdin.write("\n")
        process.stdin.flush()
        observer.wait("go2/emergency_stop", functools.partial(shows, pressed))
    output, _ = process.communicate(timeout=60.0)
    observer.wait("go2/emergency_stop", lambda m: m.data, since=0.0)
    assert process.returncode == 0
    assert output.splitlines()[1:] == [
        "PRESSED: the robot brakes to the ground", "released", "pressed; the heartbeat has ended",
    ]  # fmt: skip
    rclpy.try_shutdown(context=context)
