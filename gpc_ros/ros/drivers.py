"""The drivers of the bridge node: their common base, the simulation's and the robot's."""

from __future__ import annotations

import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from rclpy.node import Node

from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_msgs.msg import RobotReading as RobotReadingMsg
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.ros import qos
from gpc_ros.ros.convert import robot_msgs
from gpc_ros.ros.ownership import ExclusivePublisher
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.validator import MessageValidator
from gpc_ros.unitree.domains import check_domains
from gpc_ros.unitree.driver_client import UnitreeClient
from gpc_ros.unitree.low_level_driver import UnitreeConfig

# A reading has about 600 bytes [bytes].
_MAX_READING = 2048


class NodeDriver(ABC):
    """A driver behind a node; see :class:`gpc_ros.bridge.driver.RobotDriver`.

    Each driver publishes its commands on ``joint_commands``: for the simulated robot, for bags, and
    to detect another bridge, since there may be only one.

    Attributes:
        error: why it does not work; empty while it does.
    """

    error = ""

    def __init__(self, node: Node, exclusivity_wait: float, damping: float) -> None:
        """Begin to look for another bridge.

        Args:
            node: the bridge.
            exclusivity_wait: how long to look for another bridge first [s].
            damping: gain of the last command when it is closed [N m s/rad].
        """
        self.damping = damping
        self._commands = ExclusivePublisher(
            node, JointCommandMsg, "joint_commands", qos.stream(), exclusivity_wait
        )
        name = node.get_fully_qualified_name()
        self._message = JointCommandMsg(source=f"{name} on {socket.gethostname()} {os.getpid()}")
        self._sequence = 0
        self.stamp = 0.0  # of the last reading [s]

    @property
    def is_exclusive(self) -> bool:
        """Whether this is the only bridge."""
        return self._commands.is_exclusive

    @property
    def other_publishers(self) -> list[str]:
        """One sentence for each other node that commands this robot."""
        names = self._commands.other_publishers
        return [f"another bridge publishes joint commands: {name}" for name in names]

    def check(self) -> None:
        """Look for other bridges; call it a few times a second.

        Raises:
            ConfigError: there is another one and this one is not exclusive yet, or this one cannot
                start.
        """
        self._commands.check()

    def figures(self) -> dict[str, object]:
        """Return figures for diagnostics."""
        return {}

    @abstractmethod
    def read(self) -> RobotReading | None:
        """Return the newest reading that was not returned before, or None."""

    def write(self, command: JointCommand) -> None:
        """Send a command, once this is the only bridge."""
        if not self.is_exclusive:
            return
        self._sequence += 1
        self._commands.publisher.publish(
            robot_msgs.command_to_msg(command, self._message, self.stamp, self._sequence)
        )

    def close(self) -> None:
        """Send a damping command; if it is lost, the robot's watchdog does the same."""
        self.write(JointCommand.damping(self.damping))


class SimDriver(NodeDriver):
    """Reaches the robot of node ``sim`` over topics."""

    def __init__(
        self,
        node: Node,
        validator: MessageValidator,
        admit: Callable[[bytes], str],
        exclusivity_wait: float,
        damping: float,
    ) -> None:
        """Connect; see :class:`NodeDriver`.

        Args:
            node: the bridge.
            validator: counts rejected readings.
            admit: returns why the readings of a publisher (GID) are rejected.
            exclusivity_wait: how long to look for another bridge first [s].
            damping: gain of the last command when it is closed [N m s/rad].
        """
        super().__init__(node, exclusivity_wait, damping)
        self._validator = validator
        self._readings = PolledSubscription(
            node,
            RobotReadingMsg,
            "robot_reading",
            qos.sensor(1),
            max_bytes=_MAX_READING,
            on_reject=validator.reject,
            admit=admit,
        )

    def read(self) -> RobotReading | None:
        """Return the newest reading that was not returned before, or None."""
        message = self._readings.latest()
        if message is None:
            return None
        reading = self._validator.validate("robot_reading", robot_msgs.reading_from_msg, message)
        if reading is not None:
            self.stamp = reading.stamp
        return reading


class UnitreeDriver(NodeDriver):
    """Reaches a Go2 through Unitree's SDK, in a process of its own.

    The process starts when no other bridge was found, since it takes the robot's motors over.
    """

    def __init__(
        self,
        node: Node,
        settings: UnitreeConfig,
        exclusivity_wait: float,
        damping: float,
        dry_run: bool,
    ) -> None:
        """Look for another bridge; see :class:`NodeDriver`.

        Args:
            node: the bridge.
            settings: how the robot is reached.
            exclusivity_wait: how long to look for another bridge first [s].
            damping: gain of the damping at the end [N m s/rad].
            dry_run: read the robot and send it nothing.

        Raises:
            ConfigError: ROS uses the robot's own domain.
        """
        check_domains(settings.sdk_domain)
        super().__init__(node, exclusivity_wait, damping)
        self._settings, self._dry_run = settings, dry_run
        self._client: UnitreeClient | None = None
        self._cpu = (0, time.monotonic())  # processor time of its process [ms], and when

    def check(self) -> None:
        """Look for other bridges, and start the driver once this is the only one."""
        super().check()
        if self._client is not None:
            self._client.check()
            self.error = self._client.status.sentence
        elif self.is_exclusive:
            self._client = UnitreeClient(self._settings, self.damping, self._dry_run)

    @property
    def other_publishers(self) -> list[str]:
        """One sentence for each other node that commands this robot."""
        others = super().other_publishers
        if self._client is not None and self._client.status.other_sender:
            others.append("somebody else sends LowCmds to the robot")
        return others

    def figures(self) -> dict[str, object]:
        """Return figures for diagnostics; call it about once a second."""
        if self._client is None:
            return {}
        counters = dict(self._client.status.counters)
        cpu, now = counters.pop("cpu", 0), time.monotonic()
        share = 1e-3 * (cpu - self._cpu[0]) / max(now - self._cpu[1], 1e-3)
        self._cpu = (cpu, now)
        figures: dict[str, object] = {
            f"driver {name.replace('_', ' ')}": value for name, value in counters.items()
        }
        return figures | {"driver cpu [cores]": share}

    def read(self) -> RobotReading | None:
        """Return the newest reading that was not returned before, or None."""
        reading = None if self._client is None else self._client.read()
        if reading is not None:
            self.stamp = reading.stamp
        return reading

    def write(self, command: JointCommand) -> None:
        """Send a command, and publish it."""
        if self._client is not None:
            self._client.write(command)  # first, since the robot waits for it
        super().write(command)

    def close(self) -> None:
        """Have the robot damped and end the process."""
        super().close()
        if self._client is not None:
            self._client.close()
