"""The status line of an episode, independent of ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gpc_ros.tasks.task import Progress


@dataclass
class Metrics:
    """Metrics of the status line beside the progress; NaN until the first value."""

    plan_rate: float = float("nan")
    plans: int = 0
    misses: int = 0
    cost: float = float("nan")
    plan_time: float = float("nan")
    supervisor: str = "?"


def status_line(time: float, progress: Progress | None, metrics: Metrics) -> str:
    """Return the state of an episode in one line of less than 100 characters."""
    goal = (
        "goal      ?          "
        if progress is None
        else f"goal {progress.distance:5.2f} m {progress.yaw_error:5.2f} rad"
    )
    share = 100.0 * metrics.misses / metrics.plans if metrics.plans else 0.0
    parts = (
        f"{time:6.1f} s",
        goal,
        f"plans {metrics.plan_rate:4.1f} Hz {metrics.plan_time * 1e3:3.0f} ms",
        f"missed {metrics.misses} ({share:.1f} %)",
        f"cost {metrics.cost:6.3f}",
        metrics.supervisor,
    )
    return " | ".join(parts)


class Line:
    """Writes the status line: in place on a terminal, else as a plain line once a second."""

    def __init__(self, in_place: bool, write: Callable[[str], None], interval: float = 1.0) -> None:
        """Start with nothing written.

        Args:
            in_place: whether a line that ends with a carriage return is overwritten on the
                terminal.
            write: called with each text.
            interval: shortest time between plain lines [s].
        """
        self._in_place = in_place
        self._write = write
        self._interval = interval
        self._last = -float("inf")

    def show(self, text: str, now: float) -> None:
        """Show a status at a time [s]."""
        if self._in_place:
            self._write(f"{text}\r")
        elif now - self._last >= self._interval:
            self._last = now
            self._write(f"{text}\n")

    def say(self, text: str) -> None:
        """Write a permanent line."""
        self._write(f"{text}\n")
