"""Judge from a bag whether a run reached its goal."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.assignments import parse_assignments
from gpc_ros.common.errors import ConfigError
from gpc_ros.replay.run import Run
from gpc_ros.tasks import make_task
from gpc_ros.tasks.judge import judge_series
from gpc_ros.tasks.task import Task


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        success: whether the goal was reached and held; None if the bag lacks the data.
        time: time of success, otherwise end of the recording [s since the goal].
        reason: one sentence.
        times: times of the two series (T,) [s].
        distance: distance to the goal (T,) [m].
        yaw_error: yaw error to the goal (T,) [rad].
    """

    success: bool | None
    time: float
    reason: str
    times: Array = field(default_factory=lambda: np.zeros(0))
    distance: Array = field(default_factory=lambda: np.zeros(0))
    yaw_error: Array = field(default_factory=lambda: np.zeros(0))


def run_task(run: Run) -> Task | None:
    """Return the task of a run with its recorded parameters; None if unknown.

    An invalid task is added to the problems of the run.
    """
    if not run.task:
        return None
    try:
        overrides = parse_assignments(run.info.get("task_params", ""), "task_params")
        return make_task(run.task, overrides)
    except ConfigError as error:
        run.problems.append(f"the task of the bag cannot be set up here: {error}")
        return None


def judge(run: Run, task: Task | None) -> Outcome:
    """Judge a run against its last goal.

    Args:
        run: the run.
        task: its task; without it only the planner's status is used.
    """
    end = float(run.motion.base.time[-1]) if len(run.motion.base.time) else run.duration
    fault = _fault(run)
    if not run.goals and fault:
        return Outcome(False, end, f"{fault} before a goal was set")
    if task is None or not run.goals:
        success = run.status["success"]
        if len(success) and (success > 0).any():
            time = float(run.status.time[np.argmax(success > 0)])
            return Outcome(True, time, "the planner reported success")
        what = "no goal was set" if not run.goals else "the task is unknown"
        return Outcome(None, end, f"{what}: nothing to judge")
    begin, goal = run.goals[-1]
    times, qpos = run.motion.qpos(task.bodies)
    qpos = qpos[times >= begin]
    times = times[times >= begin]
    if not len(times):
        return Outcome(
            False if fault else None, end, fault or "the bag has no state after the goal was set"
        )
    verdict = judge_series(task, goal, times, qpos)
    distance, yaw = verdict.distance, verdict.yaw_error
    if verdict.reached is not None:
        reason = f"reached and held for {task.config.success.dwell:g} s"
        return Outcome(True, verdict.reached - begin, reason, times, distance, yaw)
    return Outcome(
        False,
        end - begin,
        (f"{fault}, " if fault else "")
        + f"{distance[-1]:.2f} m and {yaw[-1]:.2f} rad from the goal at the end",
        times,
        distance,
        yaw,
    )


def _fault(run: Run) -> str:
    """Return the reason of the robot's own stop; empty without a stop."""
    for name, reasons in zip(run.modes.name, run.modes.reasons, strict=True):
        if name == "FAULT":
            return f"the robot stopped ({'; '.join(reasons) or 'fault'})"
    return ""
