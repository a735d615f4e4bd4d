"""Judge success: inside the tolerance of the goal without a break for the dwell time.

The planner, episodes in lockstep, the live monitor and the report of a recorded run all use it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpc_ros.common.arrays import Array
from gpc_ros.tasks.task import Progress, Task, pose_error

# Tolerance of the dwell time [s]: stamps are sums of periods, and whole nanoseconds in messages, so
# an exact comparison would depend on rounding.
STAMP_ROUNDING = 1e-6


class DwellTimer:
    """Measures how long a condition has held without a break.

    Args:
        required: time for which it must hold [s].

    Attributes:
        dwell: time for which it has held so far [s].
        complete: whether it holds now and has held for the required time.
    """

    def __init__(self, required: float) -> None:
        """Start with the condition not met."""
        self._required = required
        self._since: float | None = None
        self.dwell = 0.0
        self.complete = False

    def update(self, stamp: float, inside: bool) -> None:
        """Add a sample of the condition at a time [s]."""
        if not inside:
            self._since = None
        elif self._since is None:
            self._since = stamp
        self.dwell = 0.0 if self._since is None else stamp - self._since
        self.complete = inside and self.dwell >= self._required - STAMP_ROUNDING


class GoalJudge:
    """Judges, scene by scene, whether a goal is reached.

    Args:
        task: gives tolerance and dwell time.
        goal: x [m], y [m], yaw [rad], (3,).

    Attributes:
        progress: of the last scene; None before the first.
    """

    def __init__(self, task: Task, goal: Array) -> None:
        """Start outside the tolerance."""
        self._task, self._goal = task, goal
        self._timer = DwellTimer(task.config.success.dwell)
        self.progress: Progress | None = None

    def update(self, stamp: float, qpos: Array) -> Progress:
        """Add a scene (nq,) at a time [s] and return its distance from the goal."""
        self.progress = self._task.progress(qpos, self._goal)
        self._timer.update(stamp, self.progress.inside)
        return self.progress

    @property
    def dwell(self) -> float:
        """Time inside the tolerance so far [s]."""
        return self._timer.dwell

    @property
    def reached(self) -> bool:
        """Whether the scene is inside now and has been for the dwell time."""
        return self._timer.complete


@dataclass(frozen=True)
class Verdict:
    """How an episode ended.

    Attributes:
        success: whether the goal was reached and held.
        time: from the goal to the end [s].
        reason: one sentence.
    """

    success: bool
    time: float
    reason: str


class EpisodeJudge(GoalJudge):
    """Judges an episode, which fails after a time limit.

    Args:
        task: gives tolerance and dwell time.
        goal: x [m], y [m], yaw [rad], (3,).
        duration: time limit [s].

    Attributes:
        time: since the first scene [s].
    """

    def __init__(self, task: Task, goal: Array, duration: float) -> None:
        """Start the time with the first scene."""
        super().__init__(task, goal)
        self._duration = duration
        self._begin: float | None = None
        self.time = 0.0

    def judge(self, stamp: float, qpos: Array) -> Verdict | None:
        """Add a true scene (nq,) at a time [s]; return the verdict, None while undecided."""
        if self._begin is None:
            self._begin = stamp
        self.time = stamp - self._begin
        self.update(stamp, qpos)
        if self.reached:
            dwell = self._task.config.success.dwell
            return Verdict(True, self.time, f"goal reached and held for {dwell:g} s")
        if self.time >= self._duration:
            return Verdict(False, self.time, f"goal not reached within {self._duration:g} s")
        return None


@dataclass(frozen=True)
class SeriesVerdict:
    """A series of scenes, judged.

    Attributes:
        reached: time at which the goal was first reached and held [s]; None if it never was.
        distance: to the goal (T,) [m].
        yaw_error: to the goal (T,) [rad].
    """

    reached: float | None
    distance: Array
    yaw_error: Array


def judge_series(task: Task, goal: Array, times: Array, qpos: Array) -> SeriesVerdict:
    """Judge scenes (T, nq) at times (T,) [s] as :class:`GoalJudge` judges them one by one."""
    distance, yaw = pose_error(task.target_pose(qpos), goal)
    timer = DwellTimer(task.config.success.dwell)
    for time, inside in zip(times, task.config.success.inside(distance, yaw), strict=True):
        timer.update(float(time), bool(inside))
        if timer.complete:
            return SeriesVerdict(float(time), distance, yaw)
    return SeriesVerdict(None, distance, yaw)
