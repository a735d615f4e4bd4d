"""The graph of a real robot on the emulated one: bridge, driver and SDK over both DDS domains."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from fault_injection.cases import NO_DELAY, Case, check, damped, latched
from fault_injection.every_case import EVERY_CASE
from fault_injection.live_graph import LiveGraph
from fault_injection.sdk_tap import SdkTap
from gpc_msgs.msg import SupervisorState
from gpc_ros.graph.graphs import GRAPHS
from gpc_ros.graph.resolve import NodeStart, parse_arguments, resolve

_DRIVER = b"gpc_ros.unitree.driver_process"
# Cases of the fault table that hold behind the SDK as in simulation.
_SAME = (
    "robot_silent", "target_clamped", "target_far_outside", "motor_warm", "motor_hot",
    "torque_over", "velocity_over", "tilt_reported", "emergency_stop", "heartbeat_silent",
    "bridge_stopped",
    "battery_low", "battery_lower", "battery_empty",
)  # fmt: skip


class HardwareGraph(LiveGraph):
    """Graph ``hardware`` and the emulator, with a tap on the robot's own network.

    Args:
        domain: DDS domain of the SDK; differs from ROS_DOMAIN_ID.
        words: arguments of graph ``hardware``.
        robot_words: arguments of graph ``emulator``.
        given: further arguments of :class:`LiveGraph`.
    """

    robot = "emulator"
    _tolerance = 1e-5  # numbers on the wire have single precision
    _wire = ()

    def __init__(self, domain: int, words: list[str], robot_words: list[str], **given: Any) -> None:
        """Start every node and record the messages of the SDK."""
        self._robot_words = [*robot_words, f"sdk_domain:={domain}"]
        self._tap = tap = SdkTap(domain)
        super().__init__(words=[*words, f"sdk_domain:={domain}"], **given)
        for topic in ("robot_reading", "joint_commands"):
            self.observer.keep(topic)
        self.observer.sources.append(tap.take)

    def _resolve(self, words: list[str]) -> list[NodeStart]:
        starts = []
        for name, given in (("emulator", self._robot_words), ("hardware", words)):
            graph = GRAPHS[name]
            starts += resolve(graph, parse_arguments(given, graph))
        return starts

    def close(self) -> None:
        """End everything."""
        super().close()
        self._tap.close()

    def kill_driver(self) -> float:
        """Kill the bridge's driver process; return the time [s]."""
        parent = self._processes["bridge"].pid
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent and _DRIVER in (entry / "cmdline").read_bytes():
                    now = self.observer.now()
                    os.kill(int(entry.name), signal.SIGKILL)
                    return now
        raise AssertionError("the bridge has no process for its driver")


def wire_bridge_killed(g: HardwareGraph) -> float:
    """Bridge killed: its driver brakes the robot."""
    killed = g.kill("bridge")
    return damped(g, killed).sent - killed


def wire_driver_killed(g: HardwareGraph) -> float:
    """Driver killed: the robot brakes by itself, and the bridge knows."""
    killed = g.kill_driver()
    reported = g.supervisor(SupervisorState.FAULT, "no reading from the robot", killed)
    g.kill("bridge")  # a bridge starts its driver only once; a new driver needs a new bridge
    return reported.sent - killed


def wire_lost_motor(g: HardwareGraph) -> float:
    """Motor lost, as the robot reports."""
    return _spoilt(g, "RL_hip_joint: the robot has lost this motor", lost_motor="RL_hip_joint")


def wire_bad_crc(g: HardwareGraph) -> float:
    """LowStates with a wrong CRC."""
    return _spoilt(g, "no reading from the robot", bad_crc=True)


def wire_frozen_tick(g: HardwareGraph) -> float:
    """LowStates whose tick stands still."""
    begin = g.observer.now()
    g.set_parameters(g.robot, wire__frozen_tick=True)
    try:
        brake = latched(g, begin, "no reading from the robot")
        g.said("bridge", "their tick stands still")
        return brake.sent - begin
    finally:
        g.set_parameters(g.robot, wire__frozen_tick=False)


def wire_battery_missing(g: HardwareGraph) -> float:
    """Every field of the battery zero."""
    g.set_parameters(g.robot, wire__battery_missing=True)
    try:
        reported = g.observer.wait("supervisor", lambda m: "unknown" in "; ".join(m.reasons))
        check(reported.message.state in _ON_ITS_LEGS, "it does not continue")
        g.ask("disarm")
        g.supervisor(SupervisorState.DISARMED)
        answer = g.ask("arm")
        check(not answer.success and "reports no battery" in answer.message, "it was armed")
    finally:
        g.set_parameters(g.robot, wire__battery_missing=False)
    return NO_DELAY


def _spoilt(g: HardwareGraph, words: str, **fault: Any) -> float:
    """Inject a fault at the wire until the robot brakes; return the delay."""
    begin = g.observer.now()
    name, value = next(iter(fault.items()))
    g.set_parameters(g.robot, **{f"wire__{name}": value})
    try:
        return latched(g, begin, words).sent - begin
    finally:
        g.set_parameters(g.robot, **{f"wire__{name}": type(value)()})


_ASKED = "asked for it to first braking LowCmd"
_ON_ITS_LEGS = (SupervisorState.READY, SupervisorState.ACTIVE, SupervisorState.HOLDING)
_LATCHED = "damping, latched"
_WIRE = (
    Case(4, "wire_bad_crc", "LowStates with a wrong CRC", _LATCHED, 0.15, _ASKED, wire_bad_crc),
    Case(5, "wire_bridge_killed", "Bridge killed", "its driver damps the robot", 0.1,
         "kill to first braking LowCmd", wire_bridge_killed),
    Case(5, "wire_driver_killed", "Driver killed", "robot damps by itself; bridge: fault, latched",
         0.1, "kill to the bridge's message", wire_driver_killed),
    Case(10, "wire_lost_motor", "Motor lost, as the robot reports", "damping, latched, joint named",
         0.15, _ASKED, wire_lost_motor),
    Case(35, "wire_frozen_tick", "LowStates whose tick stands still", "damping, latched, named",
         0.15, _ASKED, wire_frozen_tick),
    Case(35, "wire_battery_missing", "Every field of the battery zero",
         "WARN, continues; arming refused", None, "", wire_battery_missing),
)  # fmt: skip
# All cases of the driver and the emulated robot.
HARDWARE_CASES: dict[str, Case] = {
    **{name: EVERY_CASE[name] for name in _SAME},
    **{case.name: case for case in _WIRE},
}
HARDWARE_WORDS = ("task:=box_push", "num_rollouts:=2", "horizon:=0.8", "rate:=10")
ROBOT_WORDS = ("task:=box_push", "seed:=3")
HARDWARE_PARAMS = (
    "bridge.supervisor.heartbeat=true,planner.exclusivity_wait=1.5,bridge.exclusivity_wait=1.5"
)
