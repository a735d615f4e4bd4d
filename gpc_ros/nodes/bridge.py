"""Node ``bridge``: turns reading, state and plan into joint commands at 500 Hz.

The controller and its supervisor decide; this node moves messages, measures the cycle and publishes
the robot's sensor readings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rclpy.node import Node
from sensor_msgs.msg import Imu, JointState
from std_srvs.srv import Trigger

from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_msgs.msg import SupervisorState, WalkerState
from gpc_ros.bridge.controller import BridgeController
from gpc_ros.bridge.driver import RobotDriver
from gpc_ros.common.errors import REFUSED, GpcError
from gpc_ros.common.graph_identity import own_service
from gpc_ros.common.timing import RollingPercentiles
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.types import RobotReading
from gpc_ros.ros import qos
from gpc_ros.ros.convert import msgs, robot_msgs, state_msgs
from gpc_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics, Report
from gpc_ros.ros.drivers import NodeDriver, SimDriver, UnitreeDriver
from gpc_ros.ros.dry_run import DryRun
from gpc_ros.ros.endpoints import TopicAuthority
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.runner import PeriodicNode, Stop, run
from gpc_ros.ros.stop_inputs import StopInputs
from gpc_ros.ros.validator import MessageValidator
from gpc_ros.safety.supervisor import State
from gpc_ros.settings.node_settings import BridgeSettings

PERIOD = 0.002  # [s]
# Shortest time between two republished readings: 250 Hz, with room for jitter [s].
_SENSOR_PERIOD = 0.0035
_SUPERVISOR_PERIOD = 0.1  # [s]
_CHECK_PERIOD = 0.2  # [s]
# A state with 16 objects, a plan with 600 knots: larger messages are rejected [bytes].
_MAX_STATE, _MAX_PLAN = 8192, 16384
# For each topic that moves the robot the node that may take it while nobody publishes it.
_SUCCESSORS = {"scene_state": "estimator", "plan": "planner", "goal": "planner"}
_DOWN = (State.DISARMED, State.FAULT)


class Bridge(PeriodicNode):
    """The control loop behind topics."""

    def __init__(self, stop: Stop) -> None:
        """Build controller and driver, and connect."""
        self._stop = stop
        self.period = PERIOD
        self.node = node = Node("bridge")
        self._settings = s = NodeParameters(node, BridgeSettings()).settings
        self.scheduling = s.scheduling
        self._walker = make_walker(s.walker)
        self._controller = BridgeController(self._walker, s.task, s, time.monotonic)
        self._validator = MessageValidator(node)
        over_topics = s.driver == "sim"
        robot = {"robot_reading": "sim"} if over_topics and not s.dry_run else {}
        self._authority = TopicAuthority(node, {**_SUCCESSORS, **robot})
        self._driver: NodeDriver = (
            SimDriver(
                node, self._validator, self._gate("robot_reading"), s.exclusivity_wait, s.damping
            )
            if over_topics
            else UnitreeDriver(node, s.unitree, s.exclusivity_wait, s.damping, s.dry_run)
        )
        self._output: RobotDriver = DryRun(node, self._driver) if s.dry_run else self._driver
        self._clock = node.get_clock()
        reject = self._validator.reject
        self._states = PolledSubscription(
            node, SceneStateMsg, "scene_state", qos.sensor(1), max_bytes=_MAX_STATE,
            on_reject=reject, admit=self._gate("scene_state"),
        )  # fmt: skip
        self._plans = PolledSubscription(
            node, PlanMsg, "plan", qos.command(), max_bytes=_MAX_PLAN,
            on_reject=reject, admit=self._gate("plan"),
        )  # fmt: skip
        self._stops = StopInputs(node, self._controller, self._validator, s.supervisor)
        self._joints_out = node.create_publisher(JointState, "joint_states", qos.sensor())
        self._imu_out = node.create_publisher(Imu, "imu/data", qos.sensor())
        self._walker_out = node.create_publisher(WalkerState, "walker_state", qos.sensor(1))
        self._supervisor_out = node.create_publisher(SupervisorState, "supervisor", qos.report())
        for name in ("arm", "sit_down", "disarm", "stop", "reset"):
            node.create_service(Trigger, name, self._service(name))
        for name in ("sit_down", "disarm"):
            node.create_service(Trigger, own_service(name), self._service(name))
        self._joint_message, self._imu_message = JointState(), Imu()
        self._walker_message = WalkerState(walker=self._walker.name)
        self._requests = {"arm": self._arm, "reset": self._reset}
        self._wants_arming, self._state_seen = s.auto_arm, False
        self._sensed, self._skipped = 0.0, 0
        self._plan: Plan | None = None
        self._walker_stamp = 0.0
        self._last_supervisor = (-1.0, -1, 0)  # time, state and number of reasons
        self._p99 = (0.0, 0.0)  # of period and latency [s], renewed once a second
        self._errors: list[str] = []
        self._last = time.monotonic()
        self._periods, self._latencies = RollingPercentiles(2500), RollingPercentiles(2500)
        self._plan_latencies = RollingPercentiles(200)
        Diagnostics(node, self._diagnose, s.driver)
        node.create_timer(_CHECK_PERIOD, self._check_graph)

    def step(self, late: float) -> None:
        """Do one cycle."""
        begin = time.monotonic()
        self._periods.add(begin - self._last)
        self._last = begin
        now = self._now()
        reading = self._take_in(now)
        command = self._controller.step(now)
        if time.monotonic() - begin > self._settings.supervisor.max_loop_pause:
            command = self._controller.step(self._now())  # it was stopped within this cycle
        self._output.write(command)
        if not self.settled:
            return  # listeners hear the bridge that may be there already
        if reading is not None:
            self._latencies.add(self._now() - reading.stamp)
            self._publish_sensors(reading)
        self._publish_walker(now)
        self._publish_supervisor(now)

    @property
    def settled(self) -> bool:
        """Whether this is the only bridge."""
        return self._driver.is_exclusive

    def skipped(self, time: float) -> None:
        """Count cycles that did not happen."""
        self._skipped += round(time / PERIOD)

    def _take_in(self, now: float) -> RobotReading | None:
        """Pass the newest message of each topic to the controller; return a new reading or None."""
        reading = self._output.read()
        if reading is not None and not self._controller.set_reading(reading, now):
            reading = None
        message = self._states.latest()
        if message is not None:
            state = self._validator.validate(
                "scene_state", state_msgs.scene_state_from_msg, message
            )
            if state is not None and self._controller.set_state(state, now):
                self._state_seen = True
        plan_message = self._plans.latest()
        if plan_message is not None:
            plan = self._validator.validate("plan", state_msgs.plan_from_msg, plan_message)
            if plan is not None and self._controller.set_plan(plan, now):
                self._plan = plan
        self._stops.step()
        return reading

    def _publish_sensors(self, reading: RobotReading) -> None:
        # Publish again at once after the clock was set back.
        if not 0.0 <= reading.stamp - self._sensed < _SENSOR_PERIOD:
            self._sensed = reading.stamp
            self._joints_out.publish(robot_msgs.joints_to_msg(reading, self._joint_message))
            self._imu_out.publish(robot_msgs.imu_to_msg(reading, self._imu_message))

    def _publish_walker(self, now: float) -> None:
        """Publish the walker's memory after each step; measure the latency of plans."""
        stamp = self._controller.walker_stamp
        if stamp == self._walker_stamp:
            return
        self._walker_stamp = stamp
        self._walker_out.publish(
            robot_msgs.walker_state_to_msg(
                stamp,
                self._controller.executed_command,
                self._controller.walker_state,
                self._walker_message,
            )
        )
        if self._plan is not None and self._controller.decision.state == State.ACTIVE:
            self._plan_latencies.add(now - self._plan.stamp)
            self._plan = None

    def _publish_supervisor(self, now: float) -> None:
        """Publish the supervisor's decision at 10 Hz and on every change."""
        decision = self._controller.decision
        last, state, reasons = self._last_supervisor
        same = decision.state == state and len(decision.reasons) == reasons
        if same and 0.0 <= now - last < _SUPERVISOR_PERIOD:
            return
        self._last_supervisor = (now, int(decision.state), len(decision.reasons))
        message = SupervisorState(
            state=int(decision.state),
            name=decision.state.name,
            reasons=list(dict.fromkeys([*decision.reasons, *self._errors])),
            command=self._controller.executed_command,
            period_p99=self._p99[0],
            latency_p99=self._p99[1],
            battery=self._controller.battery,
            goal_refusal=self._controller.goal_refusal(),
        )
        msgs.set_time(message.header.stamp, now)
        counters = {**self._controller.counters, **self._validator.figures()}
        message.counter_names = list(counters)
        message.counter_values = list(counters.values())
        self._supervisor_out.publish(message)

    def _service(
        self, name: str
    ) -> Callable[[Trigger.Request, Trigger.Response], Trigger.Response]:
        """Return a service that passes a person's request on."""

        def serve(_request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            self._wants_arming = False  # from now on a person decides
            response.success, response.message = self._requests.get(
                name, getattr(self._controller, name)
            )()
            self.node.get_logger().info(f"{name}: {response.message}")
            return response

        return serve

    def _arm(self) -> tuple[bool, str]:
        """Fix the publishers of commands and ask the controller to arm."""
        if not self._driver.is_exclusive:
            return False, "looking for other bridges; try again"
        self._authority.update()
        if complaints := self._complaints():
            return False, "; ".join(complaints)
        armed, reason = self._controller.arm()
        if armed:
            self._authority.lease.fix()
        return armed, reason

    def _reset(self) -> tuple[bool, str]:
        """Leave a fault if no emergency stop forbids it."""
        self._stops.prepare_reset()
        return self._controller.reset()

    def _complaints(self) -> list[str]:
        """Return one sentence for each node that must not command this robot."""
        return [*self._driver.other_publishers, *self._authority.lease.complaints()]

    def _check_graph(self) -> None:
        """End this node if another bridge was there first; watch publishers and stops."""
        try:
            self._driver.check()
        except GpcError as error:
            self.node.get_logger().fatal(str(error))
            self._stop.request(REFUSED)
            return
        if self._controller.decision.state in _DOWN and self._authority.lease.is_fixed:
            self._authority.lease.release()
        self._stops.look()
        self._authority.update()
        complaints = self._complaints()
        self._controller.set_other_authority("; ".join(complaints))
        self._errors = [*complaints, *([self._driver.error] if self._driver.error else [])]
        if self._wants_arming and self._driver.is_exclusive and self._state_seen:
            armed, reason = self._arm()
            self._wants_arming = not armed
            self.node.get_logger().info(f"arming: {reason}", throttle_duration_sec=2.0)

    def _diagnose(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        periods, latencies = self._periods.percentiles(), self._latencies.percentiles()
        self._p99 = (periods[1], latencies[1])
        names = ("p50", "p99", "max")
        figures: dict[str, object] = {}
        for what, values in (
            ("period", periods),
            ("measurement to command", latencies),
            ("measurement to first use of its plan", self._plan_latencies.percentiles()),
        ):
            for name, value in zip(names, values, strict=True):
                figures[f"{what} {name} [ms]"] = 1e3 * value
        figures["skipped cycles"] = self._skipped
        figures |= self._controller.counters | self._validator.figures()
        figures |= self._driver.figures()
        figures |= {f"last of {what}": why for what, why in self._controller.refusals.items()}
        figures |= self._authority.lease.holders()
        for stop, (pressed, age) in self._controller.stops.items():
            figures[f"emergency stop {stop}"] = (
                f"{'PRESSED' if pressed else 'released'}, {age:.2f} s"
            )
        decision = self._controller.decision
        sentence = ": ".join([decision.state.name.lower(), *decision.reasons])
        if self._errors:
            return ERROR, "; ".join(self._errors), figures
        if decision.state == State.FAULT:
            return ERROR, sentence, figures
        return (WARN if decision.reasons else OK), sentence, figures

    def _gate(self, topic: str) -> Callable[[bytes], str]:
        """Return the check of a topic's publishers; a topic without authority admits everybody."""
        lease = self._authority.lease
        return self._authority.gate(topic) if topic in lease.topics else lambda _gid: ""

    def close(self) -> None:
        """Damp the robot."""
        self._output.close()

    def _now(self) -> float:
        return self._clock.now().nanoseconds * 1e-9


def main() -> int:
    """Run the node."""
    return run(Bridge)


if __name__ == "__main__":
    sys.exit(main())
