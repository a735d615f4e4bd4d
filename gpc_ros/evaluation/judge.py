"""The judge of an episode and the line that shows how it goes; no ROS here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gpc_ros.common.arrays import Array
from gpc_ros.planning.goal import GoalMonitor
from gpc_ros.tasks.task import Progress, Task


@dataclass(frozen=True)
class Verdict:
    """How an episode ended.

    Attributes:
        success: whether the goal was reached and held.
        time: seconds from the goal to the end.
        reason: one sentence.
    """

    success: bool
    time: float
    reason: str


class Judge:
    """Watches the true state: success is staying inside the tolerance for the task's dwell time.

    Args:
        task: the task that is done.
        goal: x [m], y [m], yaw [rad], (3,).
        duration: time to give up after [s].
    """

    def __init__(self, task: Task, goal: Array, duration: float) -> None:
        """Start with the first state that comes."""
        self._task = task
        self._duration = duration
        self._begin: float | None = None
        self._goal_monitor = GoalMonitor(task, goal)
        self.time = 0.0
        self.progress: Progress | None = None

    def update(self, stamp: float, qpos: Array) -> Verdict | None:
        """Take in a true state and return the verdict once there is one.

        Args:
            stamp: time of the state [s].
            qpos: of robot and objects (nq,).
        """
        if self._begin is None:
            self._begin = stamp
        self.time = stamp - self._begin
        self.progress = self._goal_monitor.update(stamp, qpos)
        if self._goal_monitor.reached:
            dwell = self._task.config.success.dwell
            return Verdict(True, self.time, f"goal reached and held for {dwell:g} s")
        if self.time >= self._duration:
            return Verdict(False, self.time, f"goal not reached within {self._duration:g} s")
        return None


@dataclass
class Metrics:
    """What the status line shows beside the progress; NaN and None where nothing is known yet."""

    plan_rate: float = float("nan")
    plans: int = 0
    misses: int = 0
    cost: float = float("nan")
    plan_time: float = float("nan")
    supervisor: str = "?"


def status_line(time: float, progress: Progress | None, figures: Metrics) -> str:
    """Return the state of an episode in one line of less than 100 characters."""
    goal = (
        "goal      ?          "
        if progress is None
        else f"goal {progress.distance:5.2f} m {progress.yaw_error:5.2f} rad"
    )
    share = 100.0 * figures.misses / figures.plans if figures.plans else 0.0
    parts = (
        f"{time:6.1f} s",
        goal,
        f"plans {figures.plan_rate:4.1f} Hz {figures.plan_time * 1e3:3.0f} ms",
        f"missed {figures.misses} ({share:.1f} %)",
        f"cost {figures.cost:6.3f}",
        figures.supervisor,
    )
    return " | ".join(parts)


class Line:
    """Writes the status line: in place on a terminal, else as a plain line once a second."""

    def __init__(self, in_place: bool, write: Callable[[str], None], interval: float = 1.0) -> None:
        """Start with nothing written.

        Args:
            in_place: whether a line that ends with a carriage return is overwritten.
            write: where the text goes.
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
        """Write a line that stays."""
        self._write(f"{text}\n")
