"""Start the driver's process, exchange messages with it, and detect its end."""

from __future__ import annotations

import json
import subprocess
import sys

from gpc_ros.common import config
from gpc_ros.common.errors import REFUSED, ConfigError
from gpc_ros.common.ipc import PeerClosed, pair
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.unitree.link import BridgeEndpoint, Status
from gpc_ros.unitree.low_level_driver import UnitreeConfig

# Time that the process may take to end after its damping [s].
_PATIENCE = 2.0


class UnitreeClient:
    """A robot behind Unitree's SDK; see :class:`gpc_ros.bridge.driver.RobotDriver`.

    Attributes:
        process: the driver's process, in a session of its own: Ctrl-C in a terminal reaches only
            the bridge, which then ends the driver.
    """

    def __init__(self, settings: UnitreeConfig, damping: float, dry_run: bool) -> None:
        """Start the driver's process.

        Args:
            settings: how the robot is reached.
            damping: gain kd of the damping at the end [N m s/rad].
            dry_run: read the robot and send it nothing.
        """
        mine, its = pair()
        arguments = {"config": config.flatten(settings), "damping": damping, "dry_run": dry_run}
        self._limit = settings.exit_damping + _PATIENCE
        self._link = BridgeEndpoint(mine)
        self._gone = False
        self._tick = 0  # of the last reading [ms]
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gpc_ros.unitree.driver_process",
                str(its.fileno()),
                json.dumps(arguments),
            ],
            pass_fds=(its.fileno(),),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        its.close()

    @property
    def status(self) -> Status:
        """Last status of the process, or that it has ended."""
        if self._gone:
            code = self.process.poll()
            return Status(f"the driver's process has ended (code {code})")
        return self._link.status

    def check(self) -> None:
        """Check whether the process refused to start.

        Raises:
            ConfigError: it did; its error output contains the reason.
        """
        if self._gone and self.process.poll() == REFUSED:
            raise ConfigError("the driver of the robot did not start; its error is above")

    def read(self) -> RobotReading | None:
        """Return the newest reading that was not returned before, or None."""
        if self._gone:
            return None
        try:
            reading = self._link.receive()
        except PeerClosed:
            self._gone = True
            return None
        if reading is not None:
            self._tick = reading.tick
        return reading

    def write(self, command: JointCommand) -> None:
        """Send a command."""
        self._link.send_command(command, self._tick)

    def close(self) -> None:
        """Have the robot damped, and wait for the end of the process."""
        self._link.end()
        try:
            self.process.wait(self._limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._link.close()
