"""A running, observed graph whose nodes can be killed, paused and restarted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from fault_injection.audit import CommandAudit
from fault_injection.observer import Heard, Observer
from fault_injection.processes import NodeProcesses
from fault_injection.recovery import TILTED, recover
from gpc_msgs.msg import (
    JointCommand,
    Plan,
    PlannerStatus,
    RobotReading,
    SceneState,
    SupervisorState,
    WalkerState,
)
from gpc_msgs.srv import SetGoal
from gpc_ros.common import config
from gpc_ros.common.errors import GpcError
from gpc_ros.graph.graphs import GRAPHS
from gpc_ros.graph.resolve import NodeStart, parse_arguments, resolve
from gpc_ros.ros import qos
from gpc_ros.ros.convert import robot_msgs
from gpc_ros.ros.heartbeat import Heartbeat
from gpc_ros.safety.limits import LimitsConfig
from gpc_ros.settings.node_settings import BridgeSettings
from gpc_ros.simulation.plant_faults import FaultConfig

# Reasons of the supervisor for a robot that has fallen or was not controlled.
MISHAPS = (
    TILTED,
    "it has fallen",
    "the control loop stood still",
    "the legs do not",
)
# Nice value of the observer, ahead of all processes without real-time priority. With real-time
# priority it would use up the kernel's real-time budget and stall the other real-time processes.
_NICE = -15
# Topic of a node once it is the only one, and the text that it publishes before.
_PLACES = {"planner": ("planner/status", "looking for"), "bridge": ("joint_commands", "-")}
# Nodes without an effect here, and nodes of single cases: a monitor would end the episode.
_LEFT_OUT = ("view",)
_DORMANT = ("recorder", "monitor")


class MishapError(GpcError):
    """The robot fell or its computer stalled without an injected fault: the result is void.

    This happens on a machine that is too busy for real-time control.
    """


class ClockSource(Protocol):
    """A clock that runs in the background."""

    def close(self) -> None:
        """End it."""
        ...


class LiveGraph(NodeProcesses):
    """The nodes of graph ``sim`` as processes, and an observer.

    Args:
        context: of the domain in which they run.
        folder: for the output of the nodes.
        words: arguments of the graph, ``name:=value`` each.
        patience: time limit of every wait [s].
        left_out: nodes that are not started.
        dormant: nodes that only :meth:`start` starts.
        goal: goal of the planner: x [m], y [m], yaw [rad].
        clock: creates the clock of the nodes; None uses the system's clock.

    Attributes:
        observer: records all relevant messages.
        stop: an emergency stop that sends its heartbeat.
        audit: checks every joint command.
        clock: clock of the nodes; None for the system's clock.
        robot: name of the node that simulates or emulates the robot.
        mishaps: reasons to repeat a case, see :class:`MishapError`.
    """

    robot = "sim"
    _tolerance = 1e-9  # rounding of numbers in messages
    # Functions that convert readings and commands.
    _wire: tuple[tuple[str, type, QoSProfile | None], ...] = (
        ("robot_reading", RobotReading, None),
        ("joint_commands", JointCommand, None),
    )

    def __init__(
        self,
        context: Context,
        folder: Path,
        words: Sequence[str],
        patience: float = 60.0,
        left_out: Sequence[str] = _LEFT_OUT,
        dormant: Sequence[str] = _DORMANT,
        goal: tuple[float, float, float] = (2.0, 0.0, 0.0),
        clock: Callable[[Node], ClockSource] | None = None,
    ) -> None:
        """Start every node."""
        starts = [start for start in self._resolve(list(words)) if start.name not in left_out]
        super().__init__(folder, starts, dormant)
        self._goal = goal
        self._faults: dict[str, Any] = {}
        self.observer = o = Observer(context, patience)
        _keep_up()
        o.guard = self._guard
        self._watched: tuple[str, ...] | None = None
        self.mishaps: list[str] = []
        for topic, kind, profile in (
            *self._wire,
            ("supervisor", SupervisorState, qos.report(100)),
            ("diagnostics", DiagnosticArray, qos.report(100)),
            ("planner/status", PlannerStatus, qos.report(100)),
            ("plan", Plan, qos.sensor(100)),
            ("scene_state", SceneState, None),
            ("ground_truth", SceneState, None),
            ("walker_state", WalkerState, None),
            ("mocap/base/pose", PoseStamped, None),
        ):
            o.listen(topic, kind, profile)
        self.audit = CommandAudit(LimitsConfig(), self._tolerance)
        o.watchers.append(self._check)
        self.stop = Heartbeat(o.node)
        self.clock = None if clock is None else clock(o.node)
        if self.clock is not None:
            self._starts = {
                name: replace(start, parameters={**start.parameters, "use_sim_time": True})
                for name, start in self._starts.items()
            }
        self.start_all()

    def _resolve(self, words: list[str]) -> list[NodeStart]:
        """Return the names of all nodes."""
        graph = GRAPHS["sim"]
        return resolve(graph, parse_arguments(words, graph))

    def _check(self, topic: str, heard: Heard) -> None:
        if topic == "joint_commands":
            m = heard.message
            self.audit.check(robot_msgs.command_from_msg(m), m.source, m.sequence)

    def start_again(self, name: str, **parameters: Any) -> None:
        """Start a killed node, and again if it mistook its predecessor for alive."""
        topic, searching = _PLACES[name]
        begin = self.observer.now()
        process = self.start(name, **parameters)
        for _ in self.observer.spin(f"{name} does not start"):
            self.observer.take()
            heard = self.observer.kept(topic, begin)
            if heard and searching not in getattr(heard[-1].message, "hold_reason", ""):
                return
            if process.poll() is not None:
                process = self.start(name, **parameters)

    def close(self) -> None:
        """End everything."""
        self.stop.close()
        if self.clock is not None:
            self.clock.close()
        self.kill_all()
        self.observer.node.destroy_node()  # its emergency stop would affect the next graph
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, self._nice)

    def fault(self, **values: Any) -> None:
        """Set faults of the simulated robot; other faults stay unchanged."""
        self.set_parameters(self.robot, **{f"faults__{name}": v for name, v in values.items()})
        self._faults |= values

    def set_parameters(self, node: str, **values: Any) -> None:
        """Change live parameters of a node (dots as two underscores)."""
        given = [
            RosParameter(name.replace("__", "."), value=value).to_parameter_msg()
            for name, value in values.items()
        ]
        answer = self.observer.call(f"{node}/set_parameters", SetParameters, parameters=given)
        refused = [result.reason for result in answer.results if not result.successful]
        assert not refused, refused

    def parameter(self, node: str, name: str) -> float:
        """Return a number from the start parameters of a node."""
        given = self._starts[node].parameters
        return float(given.get(name, config.flatten(BridgeSettings())[name]))

    def ask(self, service: str) -> Any:
        """Call one of the bridge's services."""
        return self.observer.call(service, Trigger)

    def supervisor(self, state: int, words: str = "", since: float | None = None) -> Heard:
        """Wait until the supervisor is in a state with a reason that contains some words."""
        return self.observer.wait(
            "supervisor",
            lambda m: m.state == state and (not words or words in "; ".join(m.reasons)),
            since,
        )

    def said(self, node: str, words: str) -> Heard:
        """Wait until the diagnostics of a node contain words, in the message or the values."""
        return self.observer.wait(
            "diagnostics",
            lambda m: m.status[0].name == node and words in status_text(m),
        )

    @contextlib.contextmanager
    def watched(self, reasons: tuple[str, ...] | None = MISHAPS) -> Iterator[None]:
        """Raise MishapError as soon as the robot brakes for one of some reasons, meanwhile.

        Args:
            reasons: words of the reasons; an empty text matches every reason. None disables the
                watch.
        """
        before, self._watched = self._watched, reasons
        try:
            yield
        finally:
            self._watched = before

    def _guard(self) -> None:
        heard = self.observer.kept("supervisor")[-1:] if self._watched else []
        for message in (h.message for h in heard):
            why = "; ".join(message.reasons)
            if message.state == SupervisorState.FAULT and any(
                w in why for w in self._watched or ()
            ):
                raise MishapError(f"by itself: {why}")

    def mend(self) -> None:
        """Clear every fault and start every node that does not run."""
        self.stop.silence(False)
        self.stop.press(False)
        # Also kill second nodes that are left from an earlier attempt: they would disturb this one.
        self.kill_leftovers()
        self.start_all()
        if self._faults:
            defaults = config.flatten(FaultConfig())
            self.fault(**{name: defaults[name] for name in self._faults})
            self._faults = {}

    def recover(self, walking: bool = True) -> None:
        """Clear every fault and bring the robot back to its legs and to its task.

        Raises:
            SilentError: the robot does not recover.
        """
        with self.watched(None):
            recover(self, walking)

    def state(self) -> int:
        """Return the supervisor's last state; disarmed before its first message."""
        heard = self.observer.kept("supervisor")
        return int(heard[-1].message.state) if heard else SupervisorState.DISARMED

    def give_goal(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Give the planner the graph's own goal."""
        x, y, yaw = self._goal
        self.observer.call("set_goal", SetGoal, meanwhile, x=x, y=y, yaw=yaw)

    def set_goal(self, x: float, y: float, yaw: float) -> Any:
        """Give the planner a goal and return its answer."""
        return self.observer.call("set_goal", SetGoal, x=x, y=y, yaw=yaw)


def _keep_up() -> None:
    """Raise the priority of this process if the system permits it.

    Real-time priority is avoided: if this process reads a bag with it for a second, the kernel
    stops every real-time process of the core for 50 ms, including the control loop
    (sched_rt_runtime_us).
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)


def status_text(message: DiagnosticArray) -> str:
    """Return message and values of a node's diagnostics in one line."""
    status = message.status[0]
    return "; ".join([status.message, *(f"{v.key}: {v.value}" for v in status.values)])


def first(heard: Sequence[Heard], condition: Callable[[Any], bool]) -> Heard | None:
    """Return the first message that meets a condition."""
    return next((h for h in heard if condition(h.message)), None)
