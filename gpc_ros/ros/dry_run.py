"""A driver that reads the robot and publishes its commands instead of sending them."""

from __future__ import annotations

from rclpy.node import Node

from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_ros.bridge.driver import RobotDriver
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.ros import qos
from gpc_ros.ros.convert import robot_msgs


class DryRun:
    """Wraps a driver; see :class:`gpc_ros.bridge.driver.RobotDriver`.

    It does not close the driver either: the closing command would move the robot.
    """

    def __init__(self, node: Node, driver: RobotDriver) -> None:
        """Announce the topic ``dry_run/joint_commands``."""
        self._driver = driver
        self._publisher = node.create_publisher(
            JointCommandMsg, "dry_run/joint_commands", qos.stream()
        )
        self._message = JointCommandMsg(source=f"{node.get_fully_qualified_name()}, dry run")
        self._stamp, self._sequence = 0.0, 0

    def read(self) -> RobotReading | None:
        """Return the newest reading that was not returned before, or None."""
        reading = self._driver.read()
        if reading is not None:
            self._stamp = reading.stamp
        return reading

    def write(self, command: JointCommand) -> None:
        """Publish a command."""
        self._sequence += 1
        self._publisher.publish(
            robot_msgs.command_to_msg(command, self._message, self._stamp, self._sequence)
        )

    def close(self) -> None:
        """Leave the driver open."""
