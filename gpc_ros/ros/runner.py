"""The life of a node process: start, spin or loop, end on a signal without a traceback."""

from __future__ import annotations

import gc
import inspect
import os
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from gpc_ros.common.crash import CRASHED, crash_sentence
from gpc_ros.common.errors import REFUSED, GpcError
from gpc_ros.common.scheduling import Scheduling, drop_priority, schedule
from gpc_ros.ros.middleware import avoid_shared_memory

# Time after which a node that was asked to end is killed [s].
_PATIENCE = 20.0


class Stop:
    """Request to end the process, with an exit code."""

    def __init__(self) -> None:
        """Start unset."""
        self.requested = False
        self.code = 0

    def request(self, code: int = 0) -> None:
        """Ask the process to end with an exit code; the first request counts."""
        if not self.requested:
            self.requested, self.code = True, code


class NodeProcess(Protocol):
    """Interface of a process for :func:`run`: a node and its end."""

    node: Node
    scheduling: Scheduling

    def close(self) -> None:
        """Leave a safe state; publishing still works."""
        ...


class PeriodicNode(ABC):
    """A node whose main work is a fixed-rate loop of its own; the executor serves the rest.

    Attributes:
        period: of the loop [s].
        serve: how often services and timers are served [s]; each time costs 0.1 ms or more.
    """

    node: Node
    period: float
    scheduling: Scheduling = Scheduling()
    serve: float = 0.1

    @abstractmethod
    def step(self, late: float) -> None:
        """Do one cycle, which begins a time [s] after it was due."""

    def skipped(self, time: float) -> None:  # noqa: B027  (most loops ignore it)
        """Handle a time [s] that the loop gave up because it could not catch up."""

    @property
    def settled(self) -> bool:
        """Whether this is the only node of its kind; until then it gets no real-time priority.

        A second bridge would compete with the first one that it is about to find.
        """
        return True


def run(make: Callable[[Stop], NodeProcess]) -> int:
    """Run one node until a signal or its own request, and return the exit code.

    A single-threaded executor serves the node. A :class:`PeriodicNode` runs as a loop on the
    monotonic clock, and the executor gets the remaining time.

    Args:
        make: builds the node; a GpcError from it is printed on one line, with exit code 2.
    """
    stop = Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _on_signal(stop))
    avoid_shared_memory()
    # rclpy's own handlers would shut the context down before the node can publish its end.
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    process: NodeProcess | None = None
    try:
        process = make(stop)
        executor = SingleThreadedExecutor()
        executor.add_node(process.node)
        warm_logging_cache()
        gc.collect()
        gc.freeze()  # existing objects are never garbage: shorter pauses
        if isinstance(process, PeriodicNode):
            _loop(process, executor, stop)
        else:
            _take_place(process)
            while not stop.requested:
                executor.spin_once(timeout_sec=0.1)
    except GpcError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        stop.request(REFUSED)
    except Exception as error:
        name = Path(sys.argv[0]).stem
        print(f"error: {crash_sentence(f'node {name}', error)}", file=sys.stderr, flush=True)
        stop.request(CRASHED)
    finally:
        if process is not None:
            process.close()
            drop_priority()  # closing takes long and nothing waits for it
            process.node.destroy_node()
        rclpy.try_shutdown()
    return stop.code


def warm_logging_cache() -> None:
    """Look up every imported module, as a logger does with its first message.

    The look-up for the source of that message takes 20 ms and more, which a control loop must not
    spend while it runs.
    """
    inspect.getmodule(inspect.currentframe())


def uses_sim_time(node: Node) -> bool:
    """Return whether a node uses the time of the topic /clock."""
    return bool(node.get_parameter("use_sim_time").value)


def _loop(process: PeriodicNode, executor: SingleThreadedExecutor, stop: Stop) -> None:
    """Step at a fixed rate; serve services and timers in the slack."""
    every = max(1, round(process.serve / process.period))
    if uses_sim_time(process.node):
        every = 1  # the clock itself is a topic that the executor serves
    count = 0
    placed = False
    due = time.monotonic()
    while not stop.requested:
        if not placed and process.settled:
            _take_place(process)
            placed = True
        process.step(max(time.monotonic() - due, 0.0))
        count += 1
        if count % every == 0:
            executor.spin_once(timeout_sec=0.0)
        due += process.period
        now = time.monotonic()
        if due > now:
            time.sleep(due - now)
        elif now - due > 10 * process.period:
            process.skipped(now - due)  # do not chase a long stall with a burst of cycles
            due = now


def _take_place(process: NodeProcess | PeriodicNode) -> None:
    """Apply the node's cores and priority."""
    refused = schedule(process.scheduling)
    if refused:
        process.node.get_logger().info(refused)


def _on_signal(stop: Stop) -> None:
    if stop.requested:
        return
    stop.request(0)
    watchdog = threading.Timer(_PATIENCE, _give_up)
    watchdog.daemon = True
    watchdog.start()


def _give_up() -> None:
    os._exit(1)
