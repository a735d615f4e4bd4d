"""Node ``emulator``: a Go2 behind Unitree's SDK, with motion capture and truth on ROS topics.

The plant and what watches it are those of node ``sim``; here its driver is reached as the real one
is, and physics runs from the start, as a real robot does.
"""

from __future__ import annotations

import sys

from gpc_ros.locomotion.walker import make_walker
from gpc_ros.nodes.diagnostics import OK, WARN, Report
from gpc_ros.nodes.runner import run
from gpc_ros.nodes.settings import EmulatorSettings, SimSettings
from gpc_ros.nodes.sim import Sim
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.simulation.plant import PERIOD
from gpc_ros.unitree import dds
from gpc_ros.unitree.codec import new_state, state_to
from gpc_ros.unitree.domains import check_domains
from gpc_ros.unitree.faults import WireFaults
from gpc_ros.unitree.firmware import Firmware


class Emulator(Sim):
    """The plant behind the topics and services of Unitree's SDK."""

    name = "emulator"
    defaults = EmulatorSettings()

    def _connect(self) -> None:
        """Switch the robot's computer on and join the robot's own network."""
        s = self._settings
        assert isinstance(s, EmulatorSettings)
        check_domains(s.sdk_domain)
        self._firmware = Firmware(s.firmware, make_walker(s.walker).gains)
        self._wire = WireFaults(s.wire)
        self._record = new_state()
        dds.join(s.sdk_domain, s.interface)
        self._services = dds.serve(self._firmware)
        self._states = dds.Publisher(dds.LOW_STATE_TOPIC)
        self._orders = dds.Subscriber(dds.LOW_COMMAND_TOPIC, self._receive)
        self.node.get_logger().info(
            f"a Go2 in its sport mode, on domain {s.sdk_domain} of interface {s.interface}"
        )

    def _configure(self, settings: SimSettings) -> None:
        """Take over live parameters."""
        assert isinstance(settings, EmulatorSettings)
        super()._configure(settings)
        self._wire.config = settings.wire

    def _receive(self, data: bytes) -> None:
        """Take in a LowCmd; called by a thread of the middleware."""
        if not self._wire.config.deaf:
            self._firmware.receive(data)

    def _take_command(self, now: float) -> JointCommand | None:
        position = self._plant.data.qpos[7:19]
        return self._wire.command(self._firmware.command(position, PERIOD))

    def _begins(self, command: JointCommand | None) -> bool:
        return True

    def _say(self, reading: RobotReading) -> None:
        data = self._wire.frame(state_to(reading, self._record))
        if data is not None:
            self._states.send(data)

    def _report(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        figures = self._figures() | {f"LowCmd {k}": v for k, v in self._firmware.counters.items()}
        if self._firmware.last_refusal:
            figures["last refused LowCmd"] = self._firmware.last_refusal
        if mode := self._firmware.check_mode():
            return OK, f"sport mode '{mode}' is active", figures
        if self._plant.watchdog_active:
            return WARN, "no LowCmd: damping", figures
        return OK, "follows LowCmd", figures


def main() -> int:
    """Run the node."""
    return run(Emulator)


if __name__ == "__main__":
    sys.exit(main())
