"""Node ``emulator``: an emulated Go2 that speaks Unitree's SDK, for testing ``gpc hardware``.

It has the plant, motion capture and truth of node ``sim``. Its driver is reached over the SDK's DDS
topics, and physics runs from the start.
"""

from __future__ import annotations

import sys
import time

from gpc_ros.common.timing import RollingPercentiles
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.nodes.sim import Sim
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.ros.diagnostics import OK, WARN, Report
from gpc_ros.ros.runner import run
from gpc_ros.settings.node_settings import EmulatorSettings, SimSettings
from gpc_ros.simulation.plant import PERIOD
from gpc_ros.unitree import dds
from gpc_ros.unitree.codec import new_state, reading_to_low_state
from gpc_ros.unitree.domains import check_domains
from gpc_ros.unitree.firmware import Firmware
from gpc_ros.unitree.wire_faults import WireFaults

# LowCmds that figures are over (20 s), and how long a LowState waits for an answer [ms].
_SHOWN, _MAX_ANSWER = 10_000, 1000


class Emulator(Sim):
    """The plant behind the topics and services of Unitree's SDK."""

    name = "emulator"
    defaults = EmulatorSettings()

    def _connect(self) -> None:
        """Start the firmware and join the robot's own DDS domain."""
        s = self._settings
        assert isinstance(s, EmulatorSettings)
        check_domains(s.sdk_domain)
        self._firmware = Firmware(s.firmware, make_walker(s.walker).gains)
        self._wire = WireFaults(s.wire)
        self._record = new_state()
        self._sent: dict[int, float] = {}  # when each LowState went out, by its tick [s]
        self._ordered: float | None = None  # when the last LowCmd was accepted [s]
        self._latencies, self._order_periods = (
            RollingPercentiles(_SHOWN),
            RollingPercentiles(_SHOWN),
        )
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
        """Receive a LowCmd; called by a thread of the middleware."""
        if self._wire.config.deaf or not self._firmware.receive(data):
            return
        now = time.perf_counter()
        if self._ordered is not None:
            self._order_periods.add(now - self._ordered)
        self._ordered = now
        # Only the first answer to each LowState counts.
        sent = self._sent.pop(self._firmware.answered, None)
        if sent is not None:
            self._latencies.add(now - sent)

    def _take_command(self, now: float) -> JointCommand | None:
        position = self._plant.data.qpos[7:19]
        return self._wire.command(self._firmware.command(position, PERIOD))

    def _begins(self, command: JointCommand | None) -> bool:
        return True

    def _send(self, reading: RobotReading) -> None:
        data = self._wire.frame(reading_to_low_state(reading, self._record))
        if data is not None:
            self._sent[reading.tick] = time.perf_counter()
            self._sent.pop(reading.tick - _MAX_ANSWER, None)
            self._states.send(data)

    def _report(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        figures = self._figures() | {f"LowCmd {k}": v for k, v in self._firmware.counters.items()}
        for what, window in (
            ("LowCmd period", self._order_periods),
            ("LowState to LowCmd", self._latencies),
        ):
            for name, value in zip(("p50", "p99", "max"), window.percentiles(), strict=True):
                figures[f"{what} {name} [ms]"] = 1e3 * value
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
