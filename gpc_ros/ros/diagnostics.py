"""/diagnostics: one status per node, once a second, with its figures as key values."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from gpc_ros.common.graph_identity import graph_id
from gpc_ros.ros import qos

OK = DiagnosticStatus.OK
WARN = DiagnosticStatus.WARN
ERROR = DiagnosticStatus.ERROR
STALE = DiagnosticStatus.STALE

# Report of a node: level, sentence, figures.
Report = tuple[bytes, str, Mapping[str, Any]]


class Diagnostics:
    """Publishes the status of a node once a second."""

    def __init__(self, node: Node, report: Callable[[], Report], hardware_id: str = "") -> None:
        """Start the timer.

        Args:
            node: the node that reports.
            report: called once a second for level, sentence and figures.
            hardware_id: subject of the figures, for example the robot's name.
        """
        self._node = node
        self._report = report
        self._hardware_id = hardware_id
        self._clocks = (time.process_time(), time.monotonic())
        self._publisher = node.create_publisher(DiagnosticArray, "diagnostics", qos.report())
        node.create_timer(1.0, self.publish)

    def publish(self) -> None:
        """Publish the status now."""
        level, sentence, figures = self._report()
        figures = {**figures, "cpu [cores]": self._cpu(), "graph": graph_id()}
        status = DiagnosticStatus(
            level=level,
            name=self._node.get_fully_qualified_name().lstrip("/"),
            message=sentence,
            hardware_id=self._hardware_id,
            values=[KeyValue(key=key, value=_text(value)) for key, value in figures.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _cpu(self) -> float:
        """Return the share of a core that this process used since the last status."""
        (cpu, wall), self._clocks = self._clocks, (time.process_time(), time.monotonic())
        return (self._clocks[0] - cpu) / max(self._clocks[1] - wall, 1e-3)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
