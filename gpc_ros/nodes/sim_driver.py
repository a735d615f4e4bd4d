"""The driver of the simulated robot: readings and commands over topics, behind RobotDriver."""

from __future__ import annotations

import os
import socket

from rclpy.node import Node

from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_msgs.msg import RobotState as RobotStateMsg
from gpc_ros.nodes import convert_robot, qos
from gpc_ros.nodes.intake import Intake
from gpc_ros.nodes.ownership import SolePublisher
from gpc_ros.nodes.polling import PolledSubscription
from gpc_ros.robot.types import JointCommand, RobotReading


class SimDriver:
    """Reaches the robot of node ``sim``; see :class:`gpc_ros.bridge.driver.RobotDriver`.

    Attributes:
        commands: the publisher, which must be the only one of its topic.
    """

    def __init__(self, node: Node, intake: Intake, discovery: float, damping: float) -> None:
        """Connect.

        Args:
            node: the bridge.
            intake: counts bad readings.
            discovery: how long to look for another bridge first [s].
            damping: gain of the last command when it is closed [N m s/rad].
        """
        self._intake = intake
        self._damping = damping
        self._readings = PolledSubscription(node, RobotStateMsg, "robot_state", qos.sensor(1))
        self.commands = SolePublisher(
            node, JointCommandMsg, "joint_commands", qos.stream(), discovery
        )
        name = node.get_fully_qualified_name()
        self._message = JointCommandMsg(source=f"{name} on {socket.gethostname()} {os.getpid()}")
        self._sequence = 0
        self._stamp = 0.0

    def read(self) -> RobotReading | None:
        """Return the newest reading that was not returned before, or None."""
        message = self._readings.latest()
        if message is None:
            return None
        reading = self._intake.accept("robot_state", convert_robot.reading_from, message)
        if reading is not None:
            self._stamp = reading.stamp
        return reading

    def write(self, command: JointCommand) -> None:
        """Send a command, once it is sure that nobody else does."""
        if not self.commands.settled:
            return
        self._sequence += 1
        self.commands.publisher.publish(
            convert_robot.command_to(command, self._message, self._stamp, self._sequence)
        )

    def close(self) -> None:
        """Send damping as the last word; if it is lost, the robot's watchdog does the same."""
        self.write(JointCommand.damping(self._damping))
