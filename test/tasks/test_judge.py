"""The judge of success: live, in lockstep and for a recorded run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gpc_ros.evaluation.lockstep import EpisodeConfig, Lockstep, Observer
from gpc_ros.planning.planner import PlannerConfig
from gpc_ros.replay.outcome import Outcome
from gpc_ros.replay.outcome import judge as judge_run
from gpc_ros.simulation.plant import PERIOD
from gpc_ros.tasks import make_task
from gpc_ros.tasks.judge import EpisodeJudge, GoalJudge, Verdict, judge_series
from gpc_ros.tasks.task import Task, standing_robot

TASK = make_task("navigate", {"success.dwell": 0.5})
GOAL = np.array([1.0, 0.0, 0.0])
AT_GOAL, AWAY = standing_robot(1.0, 0.0, 0.0), standing_robot(0.0, 0.0, 0.0)


def judged(inside: list[bool], step: float = 0.1, duration: float = 5.0) -> Verdict | None:
    """Feed one state per entry, ``step`` seconds apart, and return the first verdict."""
    judge = EpisodeJudge(TASK, GOAL, duration)
    for i, here in enumerate(inside):
        verdict = judge.judge(100.0 + i * step, AT_GOAL if here else AWAY)
        if verdict is not None:
            return verdict
    return None


def test_success_requires_the_dwell_time() -> None:
    assert judged([True] * 5) is None
    verdict = judged([True] * 7)
    assert verdict is not None and verdict.success
    assert verdict.time == pytest.approx(0.5, abs=0.11)


def test_leaving_the_tolerance_restarts_the_dwell() -> None:
    assert judged([True] * 4 + [False] + [True] * 4) is None


def test_episode_fails_at_the_time_limit() -> None:
    verdict = judged([False] * 60)
    assert verdict is not None and not verdict.success
    assert verdict.time == pytest.approx(5.0)
    assert "5 s" in verdict.reason


def test_goal_counts_as_reached_after_the_dwell_without_a_break() -> None:
    judge = GoalJudge(TASK, GOAL)
    for stamp, qpos, reached in [
        (0.0, AT_GOAL, False), (0.4, AT_GOAL, False), (0.45, AWAY, False), (0.6, AT_GOAL, False),
        (1.0, AT_GOAL, False), (1.1, AT_GOAL, True), (1.2, AWAY, False),
    ]:  # fmt: skip
        judge.update(stamp, qpos)
        assert judge.reached is reached


class Ticks(Observer):
    """Collects time and true scene of every period of an episode."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.qpos: list[Any] = []

    def after_tick(self, lockstep: Lockstep) -> None:
        self.times.append(lockstep.plant.time)
        self.qpos.append(lockstep.plant.data.qpos.copy())


def reported(task: Task, goal: Any, times: Any, qpos: Any) -> Outcome:
    """Return the outcome that the report of a run with these scenes states."""
    modes = SimpleNamespace(name=[], reasons=[])
    base = SimpleNamespace(time=times)
    motion = SimpleNamespace(base=base, qpos=lambda bodies: (times, qpos))
    run: Any = SimpleNamespace(motion=motion, modes=modes, goals=[(times[0], goal)])
    return judge_run(run, task)


@pytest.mark.parametrize("begin", [0.0, 0.1, 0.7, 17.3, 1234.567])
def test_live_and_report_agree_at_the_boundary_of_the_dwell_time(begin: float) -> None:
    # Sums of a period: their difference can be below the dwell time by a rounding error.
    times = np.cumsum([begin, *[0.1] * 7])
    qpos = np.array([AT_GOAL] * len(times))
    judge = EpisodeJudge(TASK, GOAL, 60.0)
    verdicts = [judge.judge(time, scene) for time, scene in zip(times, qpos, strict=True)]
    assert [v is not None for v in verdicts] == [False] * 5 + [True] * 3
    outcome = reported(TASK, GOAL, times, qpos)
    assert outcome.success and verdicts[5] is not None
    assert outcome.time == verdicts[5].time == pytest.approx(0.5)
    assert judge_series(TASK, GOAL, times[:5], qpos[:5]).reached is None


def test_lockstep_live_and_report_agree_when_an_episode_succeeds() -> None:
    # Every pose is inside this tolerance, so that success takes exactly the dwell time.
    overrides = {"success.distance": 1.0, "success.yaw": 3.15, "start.goal_distance": (0.3, 0.3)}
    task = make_task("navigate", overrides)
    config = EpisodeConfig("navigate", planner=PlannerConfig(num_rollouts=4, horizon=0.4))
    lockstep, ticks = Lockstep(config, 3, overrides), Ticks()
    lockstep.get_ready()
    lockstep.observer = ticks
    result = lockstep.run()
    assert result.success
    assert result.time == pytest.approx(0.5 + PERIOD, abs=1e-6)
    assert len(ticks.times) == round(0.5 / PERIOD) + 1
    goal, judge = lockstep.episode.goal, EpisodeJudge(task, lockstep.episode.goal, 60.0)
    verdicts = [judge.judge(t, q) for t, q in zip(ticks.times, ticks.qpos, strict=True)]
    assert [v is not None for v in verdicts] == [False] * (len(verdicts) - 1) + [True]
    outcome = reported(task, goal, np.array(ticks.times), np.array(ticks.qpos))
    assert outcome.success
    assert outcome.time == pytest.approx(ticks.times[-1] - ticks.times[0], abs=1e-9)
