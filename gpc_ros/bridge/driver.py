"""Interface of the drivers that reach a robot, and a mock for tests."""

from __future__ import annotations

from typing import Protocol

from gpc_ros.robot.types import JointCommand, RobotReading


class RobotDriver(Protocol):
    """The transport between the bridge and one robot; the bridge calls it at 500 Hz."""

    def read(self) -> RobotReading | None:
        """Return the newest reading that was not returned before, or None; never blocks."""
        ...

    def write(self, command: JointCommand) -> None:
        """Send a command; never blocks."""
        ...

    def close(self) -> None:
        """Damp the robot if it can still be reached, and release the transport."""
        ...


class MockDriver:
    """A driver with given readings, which records its commands.

    Attributes:
        readings: returned one by one.
        commands: every command that was written.
        closed: whether it was closed.
    """

    def __init__(self) -> None:
        """Start with nothing to read."""
        self.readings: list[RobotReading] = []
        self.commands: list[JointCommand] = []
        self.closed = False

    def read(self) -> RobotReading | None:
        """Return the next reading."""
        return self.readings.pop(0) if self.readings else None

    def write(self, command: JointCommand) -> None:
        """Record a command."""
        self.commands.append(command)

    def close(self) -> None:
        """Record that it was closed."""
        self.closed = True
