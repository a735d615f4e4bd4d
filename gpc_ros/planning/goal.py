"""Whether the goal is reached: inside the tolerance without a break for the task's dwell time."""

from __future__ import annotations

from gpc_ros.common.arrays import Array
from gpc_ros.tasks.task import Progress, Task


class GoalMonitor:
    """Counts how long a scene has been inside the tolerance of a goal.

    Args:
        task: gives tolerance and dwell.
        goal: x [m], y [m], yaw [rad], (3,).
    """

    def __init__(self, task: Task, goal: Array) -> None:
        """Start outside."""
        self._task = task
        self._goal = goal
        self._since: float | None = None
        self.dwell = 0.0
        self.progress: Progress | None = None

    def update(self, stamp: float, qpos: Array) -> Progress:
        """Take in a scene (nq,) at a time [s]; afterwards ``dwell`` [s] and ``reached`` hold."""
        self.progress = self._task.progress(qpos, self._goal)
        if not self.progress.inside:
            self._since = None
        elif self._since is None:
            self._since = stamp
        self.dwell = 0.0 if self._since is None else stamp - self._since
        return self.progress

    @property
    def reached(self) -> bool:
        """Whether the scene is inside now and has been for the dwell time."""
        return self._since is not None and self.dwell >= self._task.config.success.dwell
