"""The path to a real robot, up to the wire: emulator, driver process, bridge and whole graph."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState

from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_msgs.msg import SupervisorState
from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.graph.launcher import end_with_parent
from gpc_ros.ros import qos

pytestmark = pytest.mark.integration
pytest.importorskip("unitree_sdk2py")

TIMEOUT = 300.0
# Independent of load: no competing priorities, generous age limits, small plans.
EMULATOR = ("scheduling.priority:=0", "scheduling.cores:=all", "watchdog_timeout:=1.0")
DRIVER = {
    "driver": "unitree",
    "unitree.scheduling.priority": "0",
    "unitree.scheduling.cores": "all",
    "unitree.silence": "1.5",
    "unitree.exit_damping": "0.5",
    "scheduling.priority": "0",
    "scheduling.cores": "all",
    "supervisor.reading_age": "1.0",
    "supervisor.state_age": "1.5",
    "supervisor.max_loop_pause": "2.0",
}
BRIDGE = ("task:=navigate", "exclusivity_wait:=0.3", *(f"{k}:={v}" for k, v in DRIVER.items()))
GRAPH = (
    "task:=navigate", "goal:=0.5,0,0", "num_rollouts:=6", "horizon:=1.0", "rate:=10",
    "auto_arm:=true", "duration:=90", "report:=false",
    "params:=estimator.scheduling.priority=0,estimator.scheduling.cores=all,"
    "planner.scheduling.cores=all,planner.max_state_age=1.0,planner.plan_timeout=1.0,"
    + ",".join(f"bridge.{name}={value}" for name, value in DRIVER.items() if name != "driver"),
)  # fmt: skip


@pytest.fixture
def sdk_domain(domain: int) -> int:
    """Return a domain for the robot that no test uses for ROS."""
    return 102 + domain


class Robot:
    """An emulated robot as a process, and its diagnostics."""

    def __init__(self, probe: Any, start_node: Callable[..., Any], sdk_domain: int) -> None:
        self.probe, self.domain = probe, sdk_domain
        probe.listen("diagnostics", DiagnosticArray, qos.report())
        for topic, kind in (("ground_truth", SceneStateMsg), ("mocap/base/pose", PoseStamped)):
            probe.listen(topic, kind)
        words = ("task:=navigate", f"sdk_domain:={sdk_domain}", *EMULATOR)
        self.process = start_node("emulator", *words)
        self.reports("sport mode 'normal' is active")

    def reports(self, words: str) -> dict[str, str]:
        """Wait until its diagnostics contain some words; return their values."""
        message = self.probe.wait(
            "diagnostics",
            lambda m: m.status[0].name == "emulator" and words in m.status[0].message,
        )
        return {v.key: v.value for v in message.status[0].values}

    def accepted(self, at_least: int) -> int:
        """Wait until it has accepted a number of LowCmds; return the current number."""

        def count(message: DiagnosticArray) -> int:
            values = {v.key: v.value for v in message.status[0].values}
            return int(values.get("LowCmd accepted", -1))

        message = self.probe.wait("diagnostics", lambda m: count(m) >= at_least)
        return count(message)


@pytest.fixture
def robot(probe: Any, start_node: Callable[..., Any], sdk_domain: int) -> Robot:
    """Start an emulated robot."""
    return Robot(probe, start_node, sdk_domain)


# Unitree's SDK alone, with its own message types, as in any program for the robot.
SDK_PROGRAM = """
import json, sys, time
from unitree_sdk2py.comm.motion_switcher.motion_switcher_client import MotionSwitcherClient
from unitree_sdk2py.core.channel import (
    ChannelFactoryInitialize, ChannelPublisher, ChannelSubscriber)
from unitree_sdk2py.idl.default import unitree_go_msg_dds__LowCmd_
from unitree_sdk2py.idl.unitree_go.msg.dds_ import LowCmd_, LowState_
from unitree_sdk2py.utils.crc import CRC

ChannelFactoryInitialize(int(sys.argv[1]), "lo")
crc, states = CRC(), []
subscriber = ChannelSubscriber("rt/lowstate", LowState_)
subscriber.Init(states.append, 10)
while len(states) < 50:
    time.sleep(0.01)
seen = states[:50]
switcher = MotionSwitcherClient()
switcher.SetTimeout(20.0)
switcher.Init()
before = switcher.CheckMode()
released = switcher.ReleaseMode()
after = switcher.CheckMode()
publisher = ChannelPublisher("rt/lowcmd", LowCmd_)
publisher.Init()
command = unitree_go_msg_dds__LowCmd_()
command.head, command.level_flag = [0xFE, 0xEF], 0xFF
for motor in command.motor_cmd:
    motor.mode, motor.kd = 0x01, 3.0
for i in range(100):
    command.crc = crc.Crc(command) ^ (i % 2)  # every second command is damaged
    publisher.Write(command)
    time.sleep(0.02)
ticks = [s.tick for s in seen]
print(json.dumps({
    "crc": all(s.crc == crc.Crc(s) for s in seen), "ordered": ticks == sorted(set(ticks)),
    "w": seen[-1].imu_state.quaternion[0],
    "norm": sum(q * q for q in seen[-1].imu_state.quaternion), "soc": seen[-1].bms_state.soc,
    "force": sum(seen[-1].foot_force), "before": before, "released": released, "after": after,
    "fr_calf": seen[-1].motor_state[2].q, "heat": seen[-1].motor_state[0].temperature}))
"""


def test_program_with_unitrees_sdk_finds_a_go2(robot: Robot) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SDK_PROGRAM, str(robot.domain)],
        capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["crc"] and found["ordered"]
    assert abs(found["norm"] - 1.0) < 1e-3 and abs(found["w"]) > 0.1
    assert 100 < found["force"] < 200 and found["soc"] == 80 and found["heat"] == 35
    assert -1.8 < found["fr_calf"] < -1.3  # it stands
    assert found["before"] == [0, {"form": "0", "name": "normal"}]
    assert found["released"] == [0, None] and found["after"] == [0, {"form": "0", "name": ""}]
    figures = robot.reports("no LowCmd")
    assert int(figures["LowCmd accepted"]) > 0 and int(figures["LowCmd bad_crc"]) > 0
    robot.probe.wait("mocap/base/pose")


# A substitute for the bridge: starts the driver and holds the robot in the lying pose.
HOLDER = """
import json, sys, time
import numpy as np
from gpc_ros.common import config
from gpc_ros.robot.joints import LIE
from gpc_ros.robot.types import JointCommand
from gpc_ros.unitree.driver_client import UnitreeClient
from gpc_ros.unitree.low_level_driver import UnitreeConfig

settings = config.replace(UnitreeConfig(), json.loads(sys.argv[1]), "test")
client = UnitreeClient(settings, 3.0, False)
started = False
while True:
    reading = client.read()
    if reading is not None and not started:
        started = True
        print(json.dumps({"driver": client.process.pid, "thigh": reading.position[1]}), flush=True)
    client.check()
    if started and "ended" in client.status.sentence:
        print(client.status.sentence, flush=True)
    if client.process.poll() is not None and not started:
        sys.exit("the driver's process has ended before it delivered anything")
    client.write(JointCommand(LIE, np.zeros(12), np.zeros(12), np.full(12, 20.0), np.ones(12))
                 if started else JointCommand.damping(3.0))
    time.sleep(0.002)
"""


@pytest.fixture
def holder(robot: Robot) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a substitute for the bridge; return it and the process id of the driver."""
    overrides = {
        k.removeprefix("unitree."): v for k, v in DRIVER.items() if k.startswith("unitree.")
    }
    overrides |= {"sdk_domain": str(robot.domain), "exit_damping": "2.0"}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, json.dumps(overrides)],
        stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent(os.getpid()),
    )  # fmt: skip
    assert process.stdout is not None
    found = next((json.loads(line) for line in process.stdout if line.startswith("{")), None)
    assert found is not None, "the substitute ended early"
    assert found["thigh"] > 1.1  # the sport mode made it lie down
    yield process, found["driver"]
    process.kill()
    process.wait()


def wait_for_end(pid: int) -> None:
    """Wait until a process that is not a child of this one has ended."""
    end = time.monotonic() + TIMEOUT
    while Path(f"/proc/{pid}").exists():
        if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        assert time.monotonic() < end, "the driver's process still runs"
        time.sleep(0.05)


def test_killed_bridge_leaves_a_damped_robot_and_no_process(
    robot: Robot, holder: tuple[subprocess.Popen[str], int]
) -> None:
    bridge, driver = holder
    before = robot.accepted(1)
    bridge.kill()
    robot.accepted(before + 100)  # commands damp it, not its own watchdog
    wait_for_end(driver)
    robot.reports("no LowCmd")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_end_of_the_driver_damps_the_robot_and_is_reported_by_the_bridge(
    number: signal.Signals, robot: Robot, holder: tuple[subprocess.Popen[str], int]
) -> None:
    bridge, driver = holder
    before = robot.accepted(1)
    os.kill(driver, number)
    if number == signal.SIGTERM:
        robot.accepted(before + 100)  # by commands; after a kill the robot's watchdog would damp
    assert bridge.stdout is not None
    assert any("the driver's process has ended" in line for line in bridge.stdout)
    robot.reports("no LowCmd")


def test_restarted_sport_mode_takes_over_the_motors(
    robot: Robot, holder: tuple[subprocess.Popen[str], int]
) -> None:
    bridge, driver = holder
    code = (
        "import sys; from unitree_sdk2py.core.channel import ChannelFactoryInitialize as join; "
        "from unitree_sdk2py.comm.motion_switcher.motion_switcher_client import "
        "MotionSwitcherClient as C; join(int(sys.argv[1]), 'lo'); c = C(); c.SetTimeout(20.0); "
        "c.Init(); print(c.SelectMode('normal'))"
    )
    words = [sys.executable, "-c", code, str(robot.domain)]
    run = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    assert "(0, None)" in run.stdout
    assert bridge.stdout is not None
    assert any("the driver's process has ended (code 1)" in line for line in bridge.stdout)
    wait_for_end(driver)
    robot.reports("sport mode 'normal' is active")


def set_fault(text: str) -> str:
    """Change the running emulator from the command line; return the output of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "gpc_ros.cli.main", "emulate-robot", "--set", text],
        capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_dry_run_reads_the_robot_without_sending(
    robot: Robot, start_node: Callable[..., Any]
) -> None:
    robot.probe.listen("dry_run/joint_commands", JointCommandMsg)
    robot.probe.listen("supervisor", SupervisorState, qos.report())
    start_node("bridge", *BRIDGE, f"unitree.sdk_domain:={robot.domain}", "dry_run:=true")
    shown = robot.probe.wait("dry_run/joint_commands", lambda m: m.header.stamp.sec > 0)
    assert not any(shown.kp) and all(shown.kd)  # disarmed
    figures = robot.reports("sport mode 'normal' is active")
    sent = {name: n for name, n in figures.items() if name.startswith("LowCmd ") and n != "0"}
    assert sent == {}
    # A fault that is set from the command line appears in the driver's diagnostics.
    assert set_fault("wire.bad_crc=true") == "wire.bad_crc = True"

    def damaged(message: DiagnosticArray) -> bool:
        values = {v.key: v.value for v in message.status[0].values}
        return int(values.get("driver states bad crc", 0)) > 0

    robot.probe.wait("diagnostics", damaged)
    robot.probe.wait("diagnostics", lambda m: "LowState is damaged" in m.status[0].message)
    set_fault("wire.bad_crc=false")
    robot.probe.listen("joint_states", JointState)
    robot.probe.wait("joint_states")


def test_a_bridge_that_cannot_reach_its_robot_refuses_to_start(
    start_node: Callable[..., Any], domain: int, sdk_domain: int
) -> None:
    same = start_node("bridge", *BRIDGE, f"unitree.sdk_domain:={domain}")
    words = (f"unitree.sdk_domain:={sdk_domain}", "unitree.interface:=wire9")
    nowhere = start_node("bridge", *BRIDGE, *words)
    for node, why in ((same, "Put ROS on another"), (nowhere, "no network interface 'wire9'")):
        assert node.process.wait(TIMEOUT) == 2
        assert why in node.output() and "Traceback" not in node.output()


def test_without_a_goal_the_monitor_reports_the_missing_nodes(
    start_node: Callable[..., Any],
) -> None:
    monitor = start_node("monitor", "task:=navigate", "goal:=none", "truth:=state")
    end = time.monotonic() + TIMEOUT
    while "waiting: no planner; no bridge" not in monitor.output():
        assert time.monotonic() < end and monitor.process.poll() is None
        time.sleep(0.1)
    assert "navigate: no goal" in monitor.output()
    assert monitor.end() == 0


def test_the_hardware_graph_walks_an_emulated_robot_to_its_goal(
    robot: Robot, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    words = [*GRAPH, f"sdk_domain:={robot.domain}", f"out:={folder}"]
    process = subprocess.run(
        [sys.executable, "-m", "gpc_ros.cli.main", "hardware", *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    output = process.stdout
    assert process.returncode == 0, output
    assert "released the robot's mode 'normal'" in output
    assert "success after" in output and "Traceback" not in output
    assert "damped the robot and ended" in output
    robot.reports("no LowCmd")
    heard = {topic for topic, _, _ in BagReader(folder / "bag").raw()}
    assert {"/joint_commands", "/scene_state", "/plan", "/mocap/base/pose"} <= heard
