"""A clock on the topic /clock that can jump, for a graph that uses it; rows 17 and 33."""

from __future__ import annotations

import threading
import time

from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMsg

from fault_injection.cases import case, check, damped
from fault_injection.live_graph import LiveGraph
from gpc_msgs.msg import SupervisorState
from gpc_ros.ros import qos
from gpc_ros.ros.convert import msgs

_PERIOD = 0.004  # [s]


class Clock:
    """Publish the system's time, and later a modified time, from a separate thread.

    Attributes:
        jumped: time of the last jump [s], on the system's clock.
    """

    def __init__(self, node: Node) -> None:
        """Start with the system's time."""
        self._publisher = node.create_publisher(ClockMsg, "/clock", qos.sensor(1))
        self._offset, self.jumped = 0.0, 0.0
        self._rate, self._since = 1.0, time.time()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def jump(self, by: float) -> None:
        """Make the clock jump by a time [s] with its next message."""
        self.jumped = time.time()
        self._offset += by

    def set_rate(self, rate: float) -> None:
        """Make the clock run at another rate from now on; 0 stops it."""
        now = time.time()
        self._offset, self._since = self._time(now) - now, now
        self._rate, self.jumped = rate, now

    def _time(self, now: float) -> float:
        """Return the time of this clock at a time of the system's clock [s]."""
        return self._since + self._offset + self._rate * (now - self._since)

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        message = ClockMsg()
        while not self._over.wait(_PERIOD):
            msgs.set_time(message.clock, self._time(time.time()))
            self._publisher.publish(message)


def _jump(g: LiveGraph, by: float) -> float:
    """Make the clock jump; return the time until the robot stood."""
    assert isinstance(g.clock, Clock)
    begin = g.observer.now()
    g.clock.jump(by)
    held = g.supervisor(SupervisorState.HOLDING, "the clock has jumped", begin)
    check(not any(held.message.command), "it continues to walk after a clock jump")
    g.supervisor(SupervisorState.ACTIVE, "", held.sent)
    braked = [h for h in g.observer.kept("supervisor", begin)
              if h.message.state == SupervisorState.FAULT]  # fmt: skip
    check(not braked, "a clock jump made the robot brake")
    return held.sent - g.clock.jumped


_OF = "jump to the supervisor's message"


@case(17, "planner and filter reset, stands, continues", 0.02, _OF, clock=True)
def clock_jumped_back(g: LiveGraph) -> float:
    """Clock jumps back by 20 s."""
    return _jump(g, -20.0)


@case(17, "planner and filter reset, stands, continues", 0.02, _OF, clock=True)
def clock_jumped_ahead(g: LiveGraph) -> float:
    """Clock jumps ahead by 30 s."""
    return _jump(g, 30.0)


def _bad_rate(g: LiveGraph, rate: float, words: str) -> float:
    """Run the clock at a wrong rate; return the time until the robot braked."""
    assert isinstance(g.clock, Clock)
    begin = g.observer.now()
    g.clock.set_rate(rate)
    try:
        g.supervisor(SupervisorState.FAULT, words, begin)
        return damped(g, begin).sent - g.clock.jumped
    finally:
        g.clock.set_rate(1.0)


@case(33, "damping, latched, named", 0.1, "last advance to first braking command", clock=True)
def clock_stands_still(g: LiveGraph) -> float:
    """Clock stands still."""
    return _bad_rate(g, 0.0, "the clock has stood still")


@case(33, "damping, latched, named", 1.1, "change of rate to first braking command", clock=True)
def clock_too_slow(g: LiveGraph) -> float:
    """Clock runs at half its rate."""
    # On a busy machine the clock's source may pause too, which the bridge detects first.
    return _bad_rate(g, 0.5, "the clock ")
