"""Measure the plan time of several settings interleaved, in one process on one thread."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from gpc_ros.evaluation.evaluate import Evaluation
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.planning.planner import Planner
from gpc_ros.robot.types import SceneState
from gpc_ros.tasks import make_task


def plan_times(evaluations: Sequence[Evaluation], rounds: int = 15) -> list[float]:
    """Return the median cycle time [s] of each; they alternate, so that load affects all alike.

    Args:
        evaluations: settings whose planners are measured at the start of an episode.
        rounds: number of cycles of each.
    """
    planners = []
    for evaluation in evaluations:
        c = evaluation.config
        config = dataclasses.replace(c.planner, threads=1)
        task = make_task(c.task, evaluation.task_overrides)
        planner = Planner(task, make_walker(c.walker), config, dict(evaluation.optimizer))
        planners.append(planner)
    times: list[list[float]] = [[] for _ in planners]
    for k, (i, planner) in itertools.product(range(rounds), enumerate(planners)):
        task = planner.task
        episode = task.sample_episode(k)
        state = SceneState.from_arrays(
            0.1 * k, episode.qpos, np.zeros(planner.model.nv), task.bodies
        )
        memory = planner.walker.initial_state(1)[0]
        report = planner.plan(state, memory, episode.goal, 0.1 * k)[1]
        if k:  # the first cycle includes one-time allocations
            times[i].append(report.plan_time)
    return [float(np.median(measured)) for measured in times]
