"""Node ``estimator``: fuses motion capture, IMU and joint states into one state at 200 Hz."""

from __future__ import annotations

import sys

from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import Imu, JointState
from tf2_msgs.msg import TFMessage

from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_ros.common.timing import Rate, RollingPercentiles
from gpc_ros.estimation.estimator import BASE, Estimator
from gpc_ros.robot.types import SceneState
from gpc_ros.ros import qos
from gpc_ros.ros.convert import msgs, robot_msgs, state_msgs
from gpc_ros.ros.convert.status_msgs import frames_to_msg, odometry_to_msg
from gpc_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics, Report
from gpc_ros.ros.ownership import ExclusivePublisher
from gpc_ros.ros.pairing import Pairing
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.runner import PeriodicNode, Stop, run
from gpc_ros.ros.validator import MessageValidator
from gpc_ros.settings.node_settings import EstimatorSettings
from gpc_ros.tasks import make_task

# Odometry and frames are for display: every fourth state (50 Hz).
_SHOWN_EVERY = 4


class EstimatorNode(PeriodicNode):
    """The estimator behind topics."""

    def __init__(self, stop: Stop) -> None:
        """Subscribe to the sensors and look for another estimator."""
        self.node = node = Node("estimator")
        s = NodeParameters(node, EstimatorSettings()).settings
        self.period, self.scheduling = 1.0 / s.rate, s.scheduling
        self._bodies = make_task(s.task).bodies
        self._estimator = Estimator(self._bodies, s)
        self._validator = MessageValidator(node)
        self._pairing = Pairing()
        self._clock = node.get_clock()
        self._joints = PolledSubscription(node, JointState, "joint_states", qos.sensor(10))
        self._imu = PolledSubscription(node, Imu, "imu/data", qos.sensor(10))
        self._mocap = {
            body: PolledSubscription(node, PoseStamped, f"mocap/{body}/pose", qos.sensor(10))
            for body in (BASE, *self._bodies)
        }
        self._state_out = ExclusivePublisher(
            node, SceneStateMsg, "scene_state", qos.sensor(1), s.exclusivity_wait
        )
        self._odom_out = node.create_publisher(Odometry, "odom", qos.sensor())
        # Absolute by convention; the graph remaps it to follow the namespace.
        self._frames_out = node.create_publisher(TFMessage, "/tf", qos.report(100))
        self._state_message = SceneStateMsg()
        self._odom_message, self._frames_message = Odometry(), TFMessage()
        self._last: SceneState | None = None
        self._count = 0
        self._rate = Rate()
        self._ages = RollingPercentiles(400)
        Diagnostics(node, self._diagnose)
        self._state_out.check_regularly(stop)

    @property
    def settled(self) -> bool:
        """Whether this is the only estimator."""
        return self._state_out.is_exclusive

    def step(self, late: float) -> None:
        """Process new measurements and publish the state."""
        now = self._now()
        self._take_in(now)
        state = self._estimator.estimate()
        if state is None or (self._last is not None and state.stamp == self._last.stamp):
            return
        if not self._state_out.is_exclusive:
            return
        self._last = state
        self._state_out.publisher.publish(state_msgs.scene_state_to_msg(state, self._state_message))
        self._rate.add(now)
        self._ages.add(now - state.stamp)
        self._count += 1
        if self._count % _SHOWN_EVERY == 0:
            self._odom_out.publish(odometry_to_msg(state, self._odom_message))
            self._frames_out.publish(frames_to_msg(state, self._frames_message))

    def _take_in(self, now: float) -> None:
        """Add readings before poses, so that late poses find the samples around them."""
        for imu_message in self._imu.drain():
            imu = self._validator.validate("imu/data", robot_msgs.imu_from_msg, imu_message)
            if imu is not None:
                self._pairing.add_imu(imu)
        for joint_message in self._joints.drain():
            joints = self._validator.validate(
                "joint_states", robot_msgs.joints_from_msg, joint_message
            )
            if joints is not None:
                self._pairing.add_joints(joints)
        for reading in self._pairing.ready():
            self._estimator.on_reading(reading, now)
        for body, subscription in self._mocap.items():
            for message in subscription.drain():
                pose = self._validator.validate(subscription.topic, msgs.pose_from_msg, message)
                if pose is not None:
                    self._estimator.on_mocap(body, *pose, now)

    def _diagnose(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        now = self._now()
        _, age99, _ = self._ages.percentiles()
        figures = {
            "rate [Hz]": self._rate.value(now),
            "state age p99 [ms]": 1e3 * age99,
            "unpaired readings": self._pairing.dropped,
            **self._estimator.counters,
            **self._validator.figures(),
        }
        if names := self._state_out.other_publishers:
            return ERROR, f"another estimator publishes: {', '.join(names)}", figures
        state = self._last
        if self._estimator.complaint or state is None:
            return ERROR, self._estimator.complaint or "waiting for sensors", figures
        figures["base age [ms]"] = 1e3 * state.base_age
        if state.mocap_inconsistency:
            return ERROR, state.mocap_inconsistency, figures
        late = self._estimator.warnings()
        if state.base_age > 0.1:
            late.append(f"base not seen for {state.base_age:.2f} s")
        for body in self._bodies:
            if body not in state.objects:
                late.append(f"{body} was never seen")
            elif state.objects[body].age > 0.1:
                late.append(f"{body} not seen for {state.objects[body].age:.2f} s")
        return (WARN, "; ".join(late), figures) if late else (OK, "estimating", figures)

    def close(self) -> None:
        """Do nothing; the estimator has no resources."""

    def _now(self) -> float:
        return self._clock.now().nanoseconds * 1e-9


def main() -> int:
    """Run the node."""
    return run(EstimatorNode)


if __name__ == "__main__":
    sys.exit(main())
