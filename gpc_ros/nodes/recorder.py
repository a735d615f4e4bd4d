"""Node ``recorder``: writes every topic of the graph into a bag.

Messages are taken from the middleware in serialised form, a batch at a time, and handed to a
writer in a thread of its own.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from gpc_ros.bag.bag_recorder import Recorder
from gpc_ros.bag.recording_info import run_info
from gpc_ros.bag.topics import COMMANDS, Topic, recorded
from gpc_ros.common.graph_identity import own_service
from gpc_ros.ros import qos
from gpc_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics, Report
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.runner import PeriodicNode, Stop, run, uses_sim_time
from gpc_ros.settings.node_settings import RecorderSettings
from gpc_ros.tasks import make_task

# Messages that wait between two visits: 0.4 s of the fastest topic.
_DEPTH = 200


class RecorderNode(PeriodicNode):
    """The recorder behind subscriptions."""

    def __init__(self, stop: Stop) -> None:
        """Create the bag and subscribe to everything."""
        self.period = 0.02
        self.node = node = Node("recorder")
        s = NodeParameters(node, RecorderSettings()).settings
        self.scheduling = s.scheduling
        self._bag = Path(s.folder) / "bag"
        bodies = make_task(s.task).bodies
        given = {n: getattr(s, n) for n in ("task", "task_params", "seed", "arguments")}
        self._recorder = Recorder(self._bag, s, run_info(given))
        self._subscriptions = [
            (topic, node.resolve_topic_name(topic.name), _subscribe(node, topic))
            for topic in recorded(bodies)
        ]
        self._closed = False
        self._replayed = uses_sim_time(node)
        for service in ("recorder/stop", own_service("recorder/stop")):
            node.create_service(Trigger, service, self._on_stop)
        Diagnostics(node, self._diagnose)

    def step(self, late: float) -> None:
        """Pass every received message to the writer."""
        if self._replayed:
            # In a replay, times are those of the replayed clock, which starts late.
            time = self.node.get_clock().now().nanoseconds
            if time == 0 and not self._closed:
                return
        for topic, name, subscription in self._subscriptions:
            for data, received in subscription.drain_stamped():
                moment = time if self._replayed else received
                self._recorder.put(name, topic.type, data, moment, topic.qos)

    def _on_stop(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Close the bag; afterwards it can be read."""
        self.close()
        status = self._recorder.status()
        response.success = not status.error
        response.message = status.error or str(self._bag)
        return response

    def _diagnose(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        status = self._recorder.status()
        figures: dict[str, Any] = {
            "messages": sum(status.counts.values()),
            "size [MB]": status.bytes * 1e-6,
            "dropped": status.dropped,
            "waiting [kB]": status.waiting * 1e-3,
        }
        if status.error:
            return ERROR, status.error, figures
        if status.refused:
            return WARN, "; ".join(status.refused.values()), figures
        if status.dropped and status.recording:
            return WARN, f"dropped {status.dropped} messages: the disk is too slow", figures
        return OK, "recording" if status.recording else "closed", figures

    def close(self) -> None:
        """Write the remaining messages and close the bag."""
        if self._closed:
            return
        self.step(0.0)
        self._closed = True
        status = self._recorder.close()
        if status.error:
            self.node.get_logger().error(status.error)


def _subscribe(node: Node, topic: Topic) -> PolledSubscription[bytes]:
    """Subscribe to a topic in serialised form."""
    package, kind, name = topic.type.split("/")
    message = getattr(importlib.import_module(f"{package}.{kind}"), name)
    return PolledSubscription(node, message, topic.name, _profile(topic), raw=True, max_bytes=None)


def _profile(topic: Topic) -> QoSProfile:
    """Return the profile of the publisher, except that no 500 Hz loop has to resend."""
    if topic.qos.durability == "transient_local":
        return qos.latched(_DEPTH)
    if topic.qos.reliability == "best_effort" or topic is COMMANDS:
        return qos.sensor(_DEPTH)
    return qos.report(_DEPTH)


def main() -> int:
    """Run the node."""
    return run(RecorderNode)


if __name__ == "__main__":
    sys.exit(main())
