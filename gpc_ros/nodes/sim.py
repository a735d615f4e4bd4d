"""Node ``sim``: the simulated robot and motion capture, in real time.

Physics begins with the first joint command that holds a joint (kp above zero), so that the robot
does not fall while the other nodes start; until then the plant is held at its start.
"""

from __future__ import annotations

import sys

from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.publisher import Publisher

from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_msgs.msg import RobotReading as RobotReadingMsg
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_ros.common.assignments import parse_assignments
from gpc_ros.common.timing import RollingPercentiles
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.robot import ceilings
from gpc_ros.robot.model import BASE_BODY
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.ros import qos
from gpc_ros.ros.convert import msgs, robot_msgs, state_msgs
from gpc_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics, Report
from gpc_ros.ros.ownership import ExclusivePublisher
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.runner import PeriodicNode, Stop, run
from gpc_ros.ros.validator import MessageValidator
from gpc_ros.settings.node_settings import SimSettings
from gpc_ros.simulation.mocap_sensor import PoseSample
from gpc_ros.simulation.plant import PERIOD, DivergedError, Plant
from gpc_ros.tasks import build_model, make_task

# Ground truth goes out at 100 Hz.
_TRUTH_EVERY = round(0.01 / PERIOD)
# A source of joint commands keeps the robot until it has been silent for this long [s].
_LEASE = 0.5
# A command has about 600 bytes [bytes].
_MAX_COMMAND = 2048
# Simulated time that differs this much from the clock means that the clock was set [s].
_JUMP = 0.2


class Sim(PeriodicNode):
    """The plant behind topics.

    The emulated robot (``emulator.py``) derives from it.
    """

    name = "sim"
    defaults: SimSettings = SimSettings()

    def __init__(self, stop: Stop) -> None:
        """Build plant and topics."""
        self._stop = stop
        self.period = PERIOD
        self.node = Node(self.name)
        settings = NodeParameters(self.node, self.defaults, self._configure).settings
        self._settings = settings
        self.scheduling = settings.scheduling
        task = make_task(settings.task, parse_assignments(settings.task_params, "task_params"))
        model = build_model(task, "plant", make_walker(settings.walker).gains)
        self._plant = Plant(model, task.bodies, settings, settings.seed)
        self._plant.reset(task.sample_episode(settings.seed).qpos)
        self._validator = MessageValidator(self.node)
        self._clock = self.node.get_clock()
        node = self.node
        self._truth = ExclusivePublisher(
            node, SceneStateMsg, "ground_truth", qos.sensor(), settings.exclusivity_wait
        )
        self._bodies = (BASE_BODY, *task.bodies)
        self._poses: dict[str, Publisher] = {}
        self._pose_message = PoseStamped()
        self._epoch: float | None = None  # clock time at plant time zero, once physics runs
        self._count, self._lost = 0, 0.0
        self._periods = RollingPercentiles(2500)
        self._last = self._now()
        self._connect()
        Diagnostics(node, self._report, "simulated Go2")
        self._truth.check_regularly(stop, self._announce)

    def _connect(self) -> None:
        """Subscribe to the commands of the driver."""
        self._commands = PolledSubscription(
            self.node,
            JointCommandMsg,
            "joint_commands",
            qos.stream(),
            max_bytes=_MAX_COMMAND,
            on_reject=self._validator.reject,
        )
        self._reading_message = RobotReadingMsg()
        self._source, self._commanded = "", -1.0  # who commands, and when it did last

    def _announce(self) -> None:
        """Create the publishers; no other simulation publishes these topics."""
        node = self.node
        self._poses = {
            body: node.create_publisher(PoseStamped, f"mocap/{body}/pose", qos.sensor())
            for body in self._bodies
        }
        self._robot_state = node.create_publisher(RobotReadingMsg, "robot_reading", qos.sensor(1))

    @property
    def settled(self) -> bool:
        """Whether this is the only simulation."""
        return self._truth.is_exclusive

    def step(self, late: float) -> None:
        """Take the newest command, advance the plant by one period and publish its sensors."""
        now = self._now()
        self._periods.add(now - self._last)
        self._last = now
        if not self._poses:
            return  # another simulation may be there already
        command = self._take_command(now)
        if self._epoch is None and self._begins(command):
            # The result of the coming step is stamped now, so that no stamp lies in the future.
            self._epoch = now - late - self._plant.time - PERIOD
        if self._epoch is not None:
            try:
                self._plant.step(command)
            except DivergedError as error:
                self.node.get_logger().error(str(error))
                self._stop.request(1)
                return
        self._publish(now)
        self._count += 1

    def _configure(self, settings: SimSettings) -> None:
        """Apply changed faults."""
        self._plant.faults.config = settings.faults

    def skipped(self, time: float) -> None:
        """Delay simulated time by the time that the loop gave up."""
        if self._epoch is not None:
            self._epoch += time
        self._lost += time

    def _take_command(self, now: float) -> JointCommand | None:
        """Return a new joint command, or None."""
        message = self._commands.latest()
        if message is None or not self._holds_lease(message.source, now):
            return None
        return self._validator.validate("joint_commands", _command_within_ceilings, message)

    def _begins(self, command: JointCommand | None) -> bool:
        """Return whether physics begins with a command."""
        return command is not None and bool(command.kp.any())

    def _send(self, reading: RobotReading) -> None:
        """Publish a reading of the robot's sensors."""
        robot_msgs.reading_to_msg(reading, self._reading_message)
        self._robot_state.publish(self._reading_message)

    def _holds_lease(self, source: str, now: float) -> bool:
        """Return whether commands of a source are accepted: only the first, until it is silent."""
        if source != self._source and now - self._commanded < _LEASE:
            self._validator.reject("joint_commands", f"from a second source: {source}")
            return False
        self._source, self._commanded = source, now
        return True

    def _publish(self, now: float) -> None:
        """Publish readings in every cycle, poses when due, truth at its own rate."""
        offset = self._offset(now)
        reading = self._plant.reading()
        reading.stamp += offset
        reading.tick = 2 * self._count  # [ms]; goes on while the plant is held
        reported = self._plant.faults.reading(reading)
        if reported is not None:
            self._send(reported)
        poses = self._plant.poses() if self._epoch is not None else self._still_poses()
        for sample in self._plant.faults.poses(poses):
            message = self._pose_message
            msgs.pose_to_msg(sample.stamp + offset, sample.position, sample.quaternion, message)
            self._poses[sample.body].publish(message)
        if self._count % _TRUTH_EVERY == 0:
            truth = self._plant.truth()
            truth.stamp += offset
            self._truth.publisher.publish(state_msgs.scene_state_to_msg(truth, SceneStateMsg()))

    def _offset(self, now: float) -> float:
        """Return clock time minus plant time; it jumps only if the clock does."""
        if self._epoch is None:
            return now - self._plant.time
        if abs(now - self._epoch - self._plant.time) > _JUMP:
            self._epoch = now - self._plant.time
            self.node.get_logger().warning("the clock jumped; stamps follow it")
        return self._epoch

    def _still_poses(self) -> list[PoseSample]:
        """Return the held plant's poses, every fourth cycle (125 Hz)."""
        if self._count % 4:
            return []
        truth = self._plant.truth()
        poses = [PoseSample(BASE_BODY, truth.stamp, truth.position, truth.orientation)]
        for body, state in truth.objects.items():
            poses.append(PoseSample(body, truth.stamp, state.position, state.orientation))
        return poses

    def _report(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        figures = self._figures()
        if self._commands.publishers() > 1:
            return ERROR, "joint_commands has more than one publisher", figures
        if self._epoch is None:
            return OK, "held until the first joint command that stands", figures
        if self._plant.watchdog_active:
            return WARN, "no joint commands: damping", figures
        return OK, "running", figures

    def _figures(self) -> dict[str, object]:
        """Return the figures of the loop and of the plant."""
        p50, p99, longest = self._periods.percentiles()
        return {
            "period p50 [ms]": p50 * 1e3,
            "period p99 [ms]": p99 * 1e3,
            "period max [ms]": longest * 1e3,
            "time lost [s]": self._lost,
            "watchdog active": self._plant.watchdog_active,
            **self._validator.figures(),
        }

    def close(self) -> None:
        """Do nothing; the plant has no resources."""

    def _now(self) -> float:
        return self._clock.now().nanoseconds * 1e-9


def _command_within_ceilings(message: JointCommandMsg) -> JointCommand:
    """Return the command of a message.

    Raises:
        InputError: a value is not finite or beyond its absolute ceiling.
    """
    command = robot_msgs.command_from_msg(message)
    ceilings.check(command)
    return command


def main() -> int:
    """Run the node."""
    return run(Sim)


if __name__ == "__main__":
    sys.exit(main())
