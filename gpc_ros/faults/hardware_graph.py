"""The graph of a real robot, against the emulated one: bridge, driver and SDK over both DDS."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from gpc_ros.faults.cases import damped, latched
from gpc_ros.faults.live_graph import LiveGraph
from gpc_ros.faults.sdk_tap import SdkTap
from gpc_ros.graph import GRAPHS
from gpc_ros.resolve import NodeStart, parse_arguments, resolve

_DRIVER = b"gpc_ros.unitree.process"
# Cases of the fault table that hold behind the SDK as they do in simulation.
SAME_CASES = (
    "robot_silent", "target_clamped", "target_far_outside", "motor_warm", "motor_hot",
    "torque_over", "velocity_over", "tilt_reported", "emergency_stop", "heartbeat_silent",
    "battery_low", "battery_lower", "battery_empty",
)  # fmt: skip


class HardwareGraph(LiveGraph):
    """Graph ``hardware`` and the emulator, with a tap on the robot's own network.

    Args:
        domain: of the SDK; not the one of ROS.
        words: arguments of graph ``hardware``.
        robot_words: arguments of graph ``emulator``.
        given: as of :class:`LiveGraph`.
    """

    robot = "emulator"
    _wire = ()

    def __init__(self, domain: int, words: list[str], robot_words: list[str], **given: Any) -> None:
        """Start every node, and listen to the wire."""
        self._robot_words = [*robot_words, f"sdk_domain:={domain}"]
        tap = SdkTap(domain)
        super().__init__(words=[*words, f"sdk_domain:={domain}"], **given)
        for topic in ("robot_state", "joint_commands"):
            self.observer.keep(topic)
        self.observer.sources.append(tap.take)

    def _resolve(self, words: list[str]) -> list[NodeStart]:
        starts = []
        for name, given in (("emulator", self._robot_words), ("hardware", words)):
            graph = GRAPHS[name]
            starts += resolve(graph, parse_arguments(given, graph))
        return starts

    def kill_driver(self) -> float:
        """Kill the bridge's process that speaks to the robot; return when [s]."""
        parent = self._processes["bridge"].pid
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent and _DRIVER in (entry / "cmdline").read_bytes():
                    now = self.observer.now()
                    os.kill(int(entry.name), signal.SIGKILL)
                    return now
        raise AssertionError("the bridge has no process for its driver")


def bridge_killed(g: HardwareGraph) -> float:
    """Bridge killed: its driver damps the robot; return from the kill to the first such LowCmd."""
    killed = g.kill("bridge")
    return damped(g, killed).sent - killed


def driver_killed(g: HardwareGraph) -> float:
    """Driver killed: bridge damps, latched; return from the kill to the bridge's word."""
    killed = g.kill_driver()
    told = g.supervisor(6, "no reading from the robot", killed)
    return told.sent - killed


def lost_motor(g: HardwareGraph) -> float:
    """Motor lost: damping, latched, joint named; return until the first braking LowCmd."""
    begin = g.observer.now()
    g.set_parameters(g.robot, wire__lost_motor="RL_hip_joint")
    brake = latched(g, begin, "RL_hip_joint: the robot has lost this motor")
    g.set_parameters(g.robot, wire__lost_motor="")
    return brake.sent - begin


def bad_crc(g: HardwareGraph) -> float:
    """LowStates with a wrong CRC: dropped, counted, as silent; return until the braking LowCmd."""
    begin = g.observer.now()
    g.set_parameters(g.robot, wire__bad_crc=True)
    brake = latched(g, begin, "no reading from the robot")
    g.set_parameters(g.robot, wire__bad_crc=False)
    return brake.sent - begin


# Faults that only a robot behind the SDK has, by name, with row and bound [s].
SDK_CASES = {
    "bridge_killed": (5, bridge_killed, 0.1),
    "driver_killed": (5, driver_killed, 0.1),
    "lost_motor": (10, lost_motor, 0.1),
    "bad_crc": (4, bad_crc, 0.1),
}
