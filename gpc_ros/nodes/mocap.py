"""Node ``mocap``: maps the bodies of a motion capture system to poses in the map frame.

It publishes the same topics as the simulation, so that estimator, recorder and replay do not depend
on the system. The middleware stamps the arrival of each message; without a driver, the process that
reads the system does.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from geometry_msgs.msg import PoseStamped
from rclpy.node import Node

from gpc_ros.common.timing import Rate, RollingPercentiles
from gpc_ros.estimation.estimator import BASE
from gpc_ros.mocap.mocap_client import MocapClient
from gpc_ros.mocap.mocap_map import SYSTEMS, MocapMap
from gpc_ros.mocap.mocap_offsets import read_offsets
from gpc_ros.ros import qos
from gpc_ros.ros.convert import msgs
from gpc_ros.ros.convert.mocap_msgs import Check, message_type, pose_seen, poses_in
from gpc_ros.ros.diagnostics import OK, WARN, Diagnostics, Report
from gpc_ros.ros.ownership import TopicVacancy
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.runner import PeriodicNode, Stop, run
from gpc_ros.ros.validator import MessageValidator
from gpc_ros.settings.node_settings import MocapSettings
from gpc_ros.tasks import make_task

# A body that was not seen for longer than this is reported [s].
_UNSEEN = 0.2


class Mocap(PeriodicNode):
    """The map behind topics."""

    def __init__(self, stop: Stop) -> None:
        """Subscribe to the driver, or connect to the system."""
        self.period = 0.002
        self.node = node = Node("mocap")
        parameters = NodeParameters(node, MocapSettings())
        self._settings = s = parameters.settings
        self.scheduling = s.scheduling
        bodies = (BASE, *make_task(s.task).bodies)
        offsets = read_offsets(Path(s.offsets)) if s.offsets else {}
        self._map = MocapMap(s, bodies, offsets)
        # gpc calibrate-mocap reads from the bag which offsets were added to its poses.
        parameters.add_facts(
            mocap_offsets={
                body: {"position": o.position.tolist(), "orientation": o.orientation.tolist()}
                for body, o in offsets.items()
            }
        )
        topics = {topic: self._map.names[body] for body, topic in self._map.topics.items()}
        self._sources: dict[str, PolledSubscription[Any]] = {
            name: PolledSubscription(node, message_type(s.driver), topic, qos.sensor(10))
            for topic, name in topics.items()
        }
        self._system: MocapClient | None = None
        if s.driver in SYSTEMS:
            self._system = MocapClient(s.driver, s.host, s.interface)
        TopicVacancy(node, [f"mocap/{body}/pose" for body in bodies], s.exclusivity_wait).wait()
        self._validator = MessageValidator(node)
        self._clock = node.get_clock()
        self._publishers = {
            body: node.create_publisher(PoseStamped, f"mocap/{body}/pose", qos.sensor())
            for body in bodies
        }
        self._message = PoseStamped()
        self._rates = {body: Rate() for body in bodies}
        self._seen = dict.fromkeys(bodies, -1.0)
        self._delays = RollingPercentiles(400)
        Diagnostics(node, self._diagnose)

    def step(self, late: float) -> None:
        """Publish every pose that has come since the last cycle."""
        for name, source in self._sources.items():
            for message, received in source.drain_stamped():
                for check in poses_in(self._settings.driver, name, message):
                    self._on_pose(source.topic, check, received * 1e-9)
        if self._system is not None:
            for body in self._system.drain():
                self._on_pose(self._settings.driver, partial(pose_seen, body), body.arrival)

    def _on_pose(self, source: str, check: Check, arrival: float) -> None:
        pose = self._validator.validate(source, lambda c: self._map.pose(c(), arrival), check)
        if pose is None:
            return
        msgs.pose_to_msg(pose.stamp, pose.position, pose.orientation, self._message)
        self._publishers[pose.body].publish(self._message)
        now = self._now()
        self._rates[pose.body].add(now)
        self._seen[pose.body] = now
        self._delays.add(arrival - pose.stamp)

    def _diagnose(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        now = self._now()
        p50, p99, _ = self._delays.percentiles()
        figures: dict[str, Any] = {
            "capture to arrival p50 [ms]": 1e3 * p50,
            "capture to arrival p99 [ms]": 1e3 * p99,
            **self._validator.figures(),
        }
        late = [self._system.trouble] if self._system is not None and self._system.trouble else []
        for body, name in self._map.names.items():
            figures[f"{body} rate [Hz]"] = self._rates[body].value(now)
            figures[f"{body} poses repeated by the driver"] = self._map.repeated[body]
            if now - self._seen[body] > _UNSEEN:
                late.append(f"{body} ('{name}' in the system) is not seen")
        if late and self._map.unknown:
            late.append(f"seen and not asked for: {', '.join(sorted(self._map.unknown))}")
        return (WARN, "; ".join(late), figures) if late else (OK, "all bodies are seen", figures)

    def close(self) -> None:
        """Let go of the system."""
        if self._system is not None:
            self._system.close()

    def _now(self) -> float:
        return self._clock.now().nanoseconds * 1e-9


def main() -> int:
    """Run the node."""
    return run(Mocap)


if __name__ == "__main__":
    sys.exit(main())
