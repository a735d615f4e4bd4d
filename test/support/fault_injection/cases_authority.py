"""Strangers in the domain and second emergency stops: rows 26 to 31."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from fault_injection.cases import (
    ACTIVE,
    FAULT,
    NO_DELAY,
    case,
    check,
    exit_code,
    latched,
    stands_still,
    until_moving,
)
from fault_injection.cases_plan import send_plan
from fault_injection.live_graph import LiveGraph
from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_msgs.msg import SupervisorState
from gpc_ros.common.errors import REFUSED
from gpc_ros.ros import qos
from gpc_ros.ros.convert import state_msgs
from gpc_ros.ros.heartbeat import Heartbeat

_STRANGER = "/observer"
_LONG = 1_000_000  # characters
_FAR = 9.0  # position in the stranger's state [m]
# A command that a planner never returns.
_ODD = (0.0, 0.1234, 0.0)


@contextmanager
def _second_stop(g: LiveGraph) -> Iterator[Heartbeat]:
    """Add a second emergency stop; replace the bridge, which keeps it registered, afterwards."""
    node = Node("second_stop", context=g.observer.node.context)
    stop = Heartbeat(node)
    try:
        g.said("bridge", "emergency stop /second_stop: released")
        yield stop
    finally:
        stop.close()
        node.destroy_node()
        g.kill("bridge")


@case(26, "damping, latched; no reset and no arming while it is pressed", 0.02,
      "its message sent to first braking command sent")  # fmt: skip
def one_stop_of_two_pressed(g: LiveGraph) -> float:
    """One emergency stop pressed, another one released."""
    with _second_stop(g):
        begin = g.observer.now()
        g.stop.press()
        brake = latched(g, begin, f"the emergency stop is pressed: {_STRANGER}")
        for _ in range(20):
            answer = g.ask("reset")
            check(not answer.success, "it was reset while a stop was pressed")
            check(_STRANGER in answer.message, f"the answer was: {answer.message}")
            check(not g.ask("arm").success, "it was armed while a stop was pressed")
        g.stop.press(False)
        g.observer.wait("supervisor", lambda m: m.state == FAULT)
        check(g.ask("reset").success, "it was not reset when all stops were released")
    return brake.sent - begin


@case(26, "damping, latched", 0.52, "its last heartbeat sent to first braking command sent")
def one_stop_of_two_silent(g: LiveGraph) -> float:
    """One emergency stop silent, another one alive."""
    with _second_stop(g) as stop:
        begin = g.observer.now()
        stop.silence()
        brake = latched(g, begin, "no heartbeat of the emergency stop /second_stop")
        check(g.ask("reset").success, "it was not reset")
        answer = g.ask("arm")
        check(not answer.success and "/second_stop" in answer.message, "it was armed without it")
        return brake.sent - stop.last


def _stands_for_stranger(g: LiveGraph, topic: str, send: Callable[[], None]) -> float:
    """Publish as a stranger; check that the robot stands, names it, and continues afterwards."""
    begin = g.observer.now()
    try:
        words = f"{_STRANGER} publishes {topic}; {topic} belongs to"
        g.observer.wait(
            "supervisor",
            lambda m: m.state == SupervisorState.HOLDING and words in "; ".join(m.reasons),
            begin,
            send,
        )
        still = stands_still(g, begin)
        g.observer.pass_time(0.5, send)
    finally:
        g.observer.silence(topic)
    g.supervisor(ACTIVE)
    return still.sent - begin


@case(27, "rejected, the robot stands and names it", 1.0,
      "first message to first walker step with a command of zero")  # fmt: skip
def state_of_a_stranger(g: LiveGraph) -> float:
    """Stranger's states, stamped 49 ms ahead, from another place."""
    until_moving(g)
    last = state_msgs.scene_state_from_msg(g.observer.last("scene_state").message)

    def send() -> None:
        last.stamp = g.observer.now() + 0.049
        last.position = np.array([_FAR, _FAR, 0.3])
        message = state_msgs.scene_state_to_msg(last, SceneStateMsg())
        g.observer.publish("scene_state", message, qos.sensor(1))

    delay = _stands_for_stranger(g, "scene_state", send)
    state = g.observer.last("supervisor").message
    counted = dict(zip(state.counter_names, state.counter_values, strict=True))
    check(counted.get("rejected scene_state", 0) > 0, "the states were not counted")
    check(counted["states_dropped"] == 0, "the estimator's own states were displaced")
    return delay


@case(28, "rejected, the robot stands and names it", 1.0,
      "first message to first walker step with a command of zero")  # fmt: skip
def plan_of_a_stranger(g: LiveGraph) -> float:
    """Stranger's plans with the largest id."""
    until_moving(g)
    begin = g.observer.now()
    delay = _stands_for_stranger(g, "plan", lambda: send_plan(g, _ODD, number=2**64 - 1))
    for heard in g.observer.kept("walker_state", begin):
        check(abs(heard.message.command[1] - _ODD[1]) > 1e-6, "the stranger's plan was followed")
    return delay


@case(29, "refused, control unaffected")
def clock_source_changed(g: LiveGraph) -> float:
    """Parameter use_sim_time set on running nodes."""
    for node in ("bridge", "planner", "estimator", g.robot):
        parameter = RosParameter("use_sim_time", value=True).to_parameter_msg()
        answer = g.observer.call(f"{node}/set_parameters", SetParameters, parameters=[parameter])
        result = answer.results[0]
        check(not result.successful, f"{node} accepted it")
        check("use_sim_time cannot change" in result.reason, f"{node} answered: {result.reason}")
    g.supervisor(ACTIVE)
    return NO_DELAY


@case(30, "rejected before they are decoded, control unaffected", 0.05,
      "longest pause between two joint commands meanwhile")  # fmt: skip
def megabytes(g: LiveGraph) -> float:
    """Stranger's messages of a megabyte on the bridge's topics."""
    begin = g.observer.now()
    message = SceneStateMsg(mocap_inconsistency="x" * _LONG)
    plan = PlanMsg(task="x" * _LONG)
    try:
        for _ in range(20):
            g.observer.pass_time(0.1)
            g.observer.publish("scene_state", message, qos.sensor(1))
            g.observer.publish("plan", plan)
    finally:
        for topic in ("scene_state", "plan"):
            g.observer.silence(topic)
    commands = g.observer.kept("joint_commands", begin)
    pauses = [
        b.sent - a.sent
        for a, b in itertools.pairwise(commands)
        if b.message.sequence == a.message.sequence + 1
    ]
    g.supervisor(ACTIVE)
    return max(pauses)


@case(31, "refuses to start; the first continues undisturbed")
def second_graph(g: LiveGraph) -> float:
    """Second `gpc sim` in the same domain."""
    begin = g.observer.now()
    goal = g.observer.last("planner/status").message.goal
    words = ["task:=box_push", "goal:=-1,0.5,0", "record:=false", "report:=false"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gpc_ros.cli.main", "sim", *words, f"out:={g.folder / 'second'}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    while process.poll() is None and g.observer.now() - begin < g.observer.patience:
        g.observer.pass_time(0.1)
    code = exit_code(g, process)
    check(code == REFUSED, f"the second graph ended with {code}")
    for heard in g.observer.kept("supervisor", begin):
        why = "; ".join(heard.message.reasons)
        check("publish" not in why, f"it disturbed the first: {why}")
    status = g.observer.last("planner/status").message
    check(bool(np.allclose(status.goal, goal)), f"it moved the goal to {status.goal}")
    g.supervisor(ACTIVE)
    return NO_DELAY
