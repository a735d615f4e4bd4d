"""Node ``player``: plays the inputs of a recorded run, and its clock, into estimator and planner.

Sensors, motion capture, the walker's memory, the supervisor's state and goals come from the bag.
State, plans and commands are computed again. Its end ends the graph.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

from rclpy.node import Node
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock

from gpc_ros.bag import topics
from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.message_types import definition
from gpc_ros.bag.topics import Topic
from gpc_ros.common.errors import BagError
from gpc_ros.estimation.estimator import BASE
from gpc_ros.replay.bag_version import check_version
from gpc_ros.replay.playback import Playback
from gpc_ros.ros import qos
from gpc_ros.ros.diagnostics import OK, WARN, Diagnostics, Report
from gpc_ros.ros.ownership import TopicVacancy
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.runner import PeriodicNode, Stop, run
from gpc_ros.settings.node_settings import PlayerSettings

# Inputs of estimator, planner and bridge, and the truth.
PLAYED = (
    topics.JOINTS, topics.IMU, topics.READINGS, topics.WALKER, topics.SUPERVISOR, topics.TRUTH,
)  # fmt: skip
# The goals that the planner accepted are given to it again as wishes.
GOAL_POSE = Topic("goal_pose", topics.GOAL.type)


class Player(PeriodicNode):
    """A bag as a node."""

    def __init__(self, stop: Stop) -> None:
        """Open the bag and create its publishers."""
        self.period = 0.004
        self._stop = stop
        self.node = node = Node("player")
        s = NodeParameters(node, PlayerSettings()).settings
        self.scheduling, self._speed = s.scheduling, s.speed
        self._lead, self._wait = s.lead, s.wait
        self._reader = BagReader(Path(s.bag))
        check_version(self._reader)
        TopicVacancy(node, ["joint_states", f"mocap/{BASE}/pose"], s.exclusivity_wait).wait()
        self._publishers = self._announce()
        self._playback = Playback(self._reader, list(self._publishers), s.start)
        self._clock = node.create_publisher(Clock, "/clock", qos.sensor(1))
        self._message = Clock()
        self._begin = time.monotonic()
        self._clock_time = self._playback.time - round(s.lead * 1e9)
        self._last = self._begin
        self._heard = False
        self._count = 0
        Diagnostics(node, self._diagnose)
        for problem in self._reader.problems:
            node.get_logger().warning(problem)

    def _announce(self) -> dict[str, Publisher]:
        """Return a publisher for every topic of the bag that is played."""
        wanted = {topics.find(self._reader, topic): topic for topic in (*PLAYED, topics.GOAL)}
        bodies = {name: topics.topic_body(name) for name in self._reader.topics}
        wanted |= {name: topics.mocap(body) for name, body in bodies.items() if body}
        publishers = {}
        for name, topic in wanted.items():
            if not name:
                continue
            here, there = definition(topic.type).digest, self._reader.topics[name].digest
            if there and here != there:
                self._reader.problems.append(
                    f"{name}: not played: {topic.type} is another one there than here"
                )
                continue
            shown = GOAL_POSE if topic is topics.GOAL else topic
            package, kind, message = topic.type.split("/")
            publishers[name] = self.node.create_publisher(
                getattr(importlib.import_module(f"{package}.{kind}"), message),
                shown.name,
                qos.sensor(5) if topic.qos.reliability == "best_effort" else qos.report(),
            )
        return publishers

    def step(self, late: float) -> None:
        """Publish the clock and the messages that are due."""
        now = time.monotonic()
        elapsed, self._last = (now - self._last) * self._speed, now
        if not self._heard:
            self._heard = self._listened()
            if not self._heard and now - self._begin > self._wait:
                raise BagError(
                    f"node player: no subscriber of the motion capture or the readings of "
                    f"{self._reader.path} after {self._wait:g} s"
                )
            return
        if self._lead > 0.0:  # the other nodes settle while only the clock runs
            self._lead -= elapsed
            self._clock_time += round(elapsed * 1e9)
            if self._lead <= 0.0:
                self._publish(list(self._playback.before.items()))
        else:
            due = self._playback.advance(elapsed)
            self._clock_time = self._playback.time
            self._tick()
            self._publish(due)
            if self._playback.done:
                self.node.get_logger().info(f"played {self._count} messages")
                self._stop.request(0)
            return
        self._tick()

    def _listened(self) -> bool:
        """Return whether each kind of input and the clock have a subscriber."""
        needed = [self._clock, *self._publishers.values()]
        spared = {topics.TRUTH.name, topics.READINGS.name}
        return all(
            publisher.get_subscription_count() > 0
            for publisher in needed
            if publisher.topic_name.rpartition("/")[2] not in spared
        )

    def _tick(self) -> None:
        seconds, nanoseconds = divmod(max(self._clock_time, 0), 10**9)
        self._message.clock.sec, self._message.clock.nanosec = int(seconds), int(nanoseconds)
        self._clock.publish(self._message)

    def _publish(self, due: list[tuple[str, bytes]]) -> None:
        for name, data in due:
            self._publishers[name].publish(data)
            self._count += 1

    def _diagnose(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        figures = {
            "messages": self._count,
            "speed": self._speed,
            "clock jumps": self._playback.jumps,
        }
        if not self._heard:
            return WARN, "waiting for listeners", figures
        return OK, "playing", figures

    def close(self) -> None:
        """Do nothing; the player has no resources."""


def main() -> int:
    """Run the node."""
    return run(Player)


if __name__ == "__main__":
    sys.exit(main())
