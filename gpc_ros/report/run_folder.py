"""Writes report.html, episode.mp4 and poster.png from a bag."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import GpcError
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.replay.load_run import load_run
from gpc_ros.replay.outcome import Outcome, judge, run_task
from gpc_ros.replay.run import Run
from gpc_ros.report.run_report import Clip, write_report
from gpc_ros.report.video import Motion, VideoConfig, write_poster, write_video
from gpc_ros.tasks import build_model
from gpc_ros.tasks.task import Task

# The video begins a little before the goal is set [s].
_BEFORE = 0.5
_POSTER = (1600, 900)


@dataclass(frozen=True)
class EpisodeReport:
    """The outcome of a run and the written files.

    Attributes:
        outcome: success, time and reason.
        files: the written files.
        problems: unreadable parts and failed steps, each in a sentence.
    """

    outcome: Outcome
    files: list[Path]
    problems: list[str]


def make_episode_report(
    reader: BagReader, page: Path, video: bool = True, config: VideoConfig | None = None
) -> EpisodeReport:
    """Write the report of a bag and, beside it, episode.mp4 and poster.png.

    Without a renderer the page is written without video, and the problems name the reason.

    Args:
        reader: the bag.
        page: path of the page.
        video: whether to render the run.
        config: settings of the video.

    Raises:
        BagError: the page cannot be written.
    """
    run = load_run(reader)
    task = run_task(run)
    outcome = judge(run, task)
    files: list[Path] = []
    clip = None
    failures: list[str] = []
    if video:
        try:
            clip = _film(run, task, outcome, page.parent, config, files)
        except GpcError as error:
            failures.append(f"no video: {error}")
        else:
            if clip is None:
                failures.append("no video: the task of the bag is unknown here")
    write_report(run, task, outcome, page, clip)
    return EpisodeReport(outcome, [page, *files], run.problems + failures)


def _film(
    run: Run,
    task: Task | None,
    outcome: Outcome,
    folder: Path,
    config: VideoConfig | None,
    files: list[Path],
) -> Clip | None:
    """Write video and poster; return None if the scene is unknown."""
    if task is None:
        return None
    motion = run_motion(run, task)
    model = build_model(task, "plant", make_walker(DEFAULT_WALKER).gains)
    write_video(model, motion, folder / "episode.mp4", config)
    files.append(folder / "episode.mp4")
    # Late enough to show contact with the object.
    moment = 0.6 * outcome.time
    write_poster(model, motion, moment, folder / "poster.png", _POSTER)
    files.append(folder / "poster.png")
    return Clip(folder / "episode.mp4", float(motion.time[0]))


def run_motion(run: Run, task: Task) -> Motion:
    """Return the motion for a video, from shortly before the goal was set."""
    time, qpos = run.motion.qpos(task.bodies)
    goal: Array | None = run.goals[-1][1] if run.goals else None
    keep = time >= ((run.goals[-1][0] if run.goals else -1e30) - _BEFORE)
    body = task.bodies[0] if task.bodies else ""
    return Motion(time[keep], qpos[keep], goal, body)
