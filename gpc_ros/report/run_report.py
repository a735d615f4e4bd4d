"""Writes report.html: one self-contained page about a run."""

from __future__ import annotations

import base64
import datetime
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

import mujoco
import numpy as np

from gpc_ros.common.errors import BagError
from gpc_ros.common.files import write_atomic
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.replay.outcome import Outcome
from gpc_ros.replay.run import Run
from gpc_ros.report import sections
from gpc_ros.report import sections_analysis as analysis
from gpc_ros.report.charts import HEIGHT, WIDTH, Canvas
from gpc_ros.report.events import events
from gpc_ros.report.footprint import object_outline
from gpc_ros.report.html_page import page
from gpc_ros.report.model_error import model_error
from gpc_ros.report.path_view import Goal, Track, path_view
from gpc_ros.report.plan_paths import plan_paths
from gpc_ros.tasks import build_model
from gpc_ros.tasks.task import Task

# Time shown before the goal was set, for standing up and arming [s].
_BEFORE = 5.0
# Larger videos are not embedded [bytes].
_LARGEST_VIDEO = 24_000_000
_COLOURS = ("c2", "c6", "c4")
# Meaning of the bridge's counters; test_report checks that every counter is here.
_COUNTERS = {
    "readings_dropped": "joint readings that were malformed, out of order or not finite",
    "states_dropped": "states of robot and objects that were malformed, too old or in the future",
    "plans_refused": "plans that were malformed, expired, or of another robot or task; the "
    "previous plan stayed in force",
    "targets_clamped": "joint targets moved back inside their joint's range (12 joints, 500 "
    "targets a second each)",
    "steps_limited": "joint targets slowed down to the largest allowed step (12 joints, 500 "
    "targets a second each)",
    "commands_limited": "control steps in which the velocity command was limited to the walker's "
    "range or acceleration",
    "clock_jumps": "jumps of the clock",
    "bad_times": "control steps with a time that was not finite or ran backwards",
    "walker_failures": "control steps in which the walker gave no valid targets",
}


@dataclass(frozen=True)
class Clip:
    """A video of the run.

    Attributes:
        path: the file.
        begin: time of its first frame [s since the goal].
    """

    path: Path
    begin: float


def write_report(
    run: Run, task: Task | None, outcome: Outcome, path: Path, clip: Clip | None = None
) -> None:
    """Write the page.

    Args:
        run: the recorded run.
        task: the run's task, if known.
        outcome: success, time and reason.
        path: the file; an existing one is replaced.
        clip: a video to embed.

    Raises:
        BagError: the file cannot be written.
    """
    text = render_report(run, task, outcome, clip)
    try:
        write_atomic(path, text)
    except OSError as error:
        raise BagError(f"{path}: the report cannot be written: {error.strerror}") from None


def render_report(run: Run, task: Task | None, outcome: Outcome, clip: Clip | None = None) -> str:
    """Return the page as text; see :func:`write_report`."""
    begin, end = _span(run)
    canvas = Canvas(begin, end)
    tracks = _tracks(run, task)
    bodies = [[canvas.sample(track.time, track.pose[:, i]) for i in range(3)] for track in tracks]
    body = "\n".join(
        (
            _header(run, task, outcome),
            _tiles(run, outcome),
            _problems(run),
            _top(run, task, tracks, end, clip),
            _timeline(canvas, run, outcome),
            sections.progress(canvas, outcome, task),
            sections.cost(canvas, run),
            sections.timing(canvas, run),
            analysis.delays(canvas, run),
            analysis.proposal(canvas, run),
            analysis.model(model_error(run)),
            sections.velocities(canvas, run),
            sections.estimator(canvas, run),
            analysis.residuals(canvas, run),
            sections.joints(run, analysis.tracking(canvas, run)),
            _settings(run),
            _bag(run),
            _footer(run),
        )
    )
    data = {
        "begin": round(begin, 4),
        "end": round(canvas.end, 4),
        "count": len(canvas.grid),
        "width": WIDTH,
        "height": HEIGHT,
        "series": canvas.series,
        "bodies": bodies,
        "video": round(clip.begin, 3) if clip else 0.0,
    }
    return page(f"{run.task or 'run'}: {_headline(outcome)[1]}", body, data)


def _span(run: Run) -> tuple[float, float]:
    """Return the time span of the charts [s]."""
    times = [
        t[np.isfinite(t)]
        for t in (run.motion.base.time, run.status.time, run.modes.time, run.commands.time)
    ]
    joined = np.concatenate(times)
    if not len(joined):
        return 0.0, max(run.duration, 1.0)
    return max(float(joined.min()), -_BEFORE), float(joined.max())


def _tracks(run: Run, task: Task | None) -> list[Track]:
    motion = run.motion
    if not len(motion.base.time):
        return []
    model = scene_model(task)
    tracks = [Track("robot", "c1", motion.base.time, motion.base.planar)]
    for (name, body), colour in zip(motion.objects.items(), _COLOURS, strict=False):
        tracks.append(Track(name, colour, body.time, body.planar, object_outline(model, name)))
    return tracks


def scene_model(task: Task | None) -> mujoco.MjModel | None:
    """Return the scene of a task with objects, None without any."""
    return (
        build_model(task, "plant", make_walker(DEFAULT_WALKER).gains)
        if task and task.bodies
        else None
    )


def _headline(outcome: Outcome) -> tuple[str, str]:
    """Return CSS class and text of the outcome."""
    if outcome.success is None:
        return "unknown", "not judged"
    return ("good", "success") if outcome.success else ("bad", "failed")


def _header(run: Run, task: Task | None, outcome: Outcome) -> str:
    kind, word = _headline(outcome)
    name = run.task or "a run"
    if outcome.success:
        title = f"{name} in {outcome.time:.1f} s"
    elif outcome.success is None or not len(outcome.times):
        title = name
    else:
        title = f"{name}, given up after {outcome.time:.1f} s"
    goal = ""
    if run.goals:
        x, y, yaw = run.goals[-1][1]
        goal = _minus(f" Goal: {x:.2f} m, {y:.2f} m, {np.degrees(yaw):.0f}°.")
    seed = f", seed {run.info['seed']}" if "seed" in run.info else ""
    summary = task.summary if task else ""
    reason = outcome.reason[:1].upper() + outcome.reason[1:]
    return (
        f'<header><p class="eyebrow">gpc_ros · {escape(_date(run))}{escape(seed)}</p>'
        f'<h1><span class="pill {kind}">{word}</span>{escape(title)}</h1>'
        f'<p class="lead">{escape(f"{summary} {reason}.{goal}")}</p></header>'
    )


def _minus(text: str) -> str:
    """Return a text with real minus signs, and without one before zero."""
    text = re.sub(r"(?<![\w-])-(0(?:\.0+)?)(?![\d.]*\d)", r"\1", text)
    return re.sub(r"(?<![\w-])-(?=\d)", "\N{MINUS SIGN}", text)


def _date(run: Run) -> str:
    if run.begin < 1e9:  # no calendar time: simulated time counts from zero
        return "simulated time"
    moment = datetime.datetime.fromtimestamp(run.begin, tz=datetime.UTC)
    return moment.strftime("%d %B %Y, %H:%M UTC")


def _tiles(run: Run, outcome: Outcome) -> str:
    """Return the key metrics as tiles."""
    s = run.status
    planned, tried = s.planned, s.tried
    tiles: list[tuple[str, str, str, bool]] = []
    if len(outcome.times):
        word = "time to success" if outcome.success else "time"
        tiles.append((word, f"{outcome.time:.1f}", "s", outcome.success is False))
        error = f"m, {np.degrees(outcome.yaw_error[-1]):.0f}°"
        tiles.append(
            ("error at the end", f"{outcome.distance[-1]:.2f}", error, outcome.success is False)
        )
    if planned.any():
        length = float(np.ptp(s.time[planned])) or 1.0
        rate = f"at {(planned.sum() - 1) / length:.1f} Hz"
        tiles.append(("plans", f"{planned.sum()}", rate, False))
        share = 100.0 * s.missed.sum() / tried.sum()
        tiles.append(
            ("deadlines missed", f"{s.missed.sum()}", f"{share:.1f} %", bool(share >= 2.0))
        )
        p50, p99 = np.percentile(s["plan_time"][tried] * 1e3, [50, 99])
        tiles.append(("plan time", f"{p50:.0f}", f"ms, p99 {p99:.0f}", False))
        p50, p99 = np.percentile(s["state_age"][planned] * 1e3, [50, 99])
        tiles.append(("state age", f"{p50:.1f}", f"ms, p99 {p99:.1f}", False))
    if np.isfinite(run.modes.period_p99) and run.modes.period_p99 > 0.0:
        tiles.append(("control period", f"{run.modes.period_p99 * 1e3:.2f}", "ms, p99", False))
        tiles.append(
            ("measurement to command", f"{run.modes.latency_p99 * 1e3:.2f}", "ms, p99", False)
        )
    cells = "".join(
        f'<div class="tile{" bad" if bad else ""}"><span>{name}</span><b>{value} '
        f"<small>{unit}</small></b></div>"
        for name, value, unit, bad in tiles
    )
    return f'<div class="tiles">{cells}</div>' if cells else ""


def _problems(run: Run) -> str:
    if not run.problems:
        return ""
    rows = "".join(f"<li>{escape(problem)}</li>" for problem in run.problems)
    return (
        "<aside><b>Parts of the bag could not be read.</b> The readable parts are shown below."
        f"<ul>{rows}</ul></aside>"
    )


def _top(run: Run, task: Task | None, tracks: list[Track], end: float, clip: Clip | None) -> str:
    """Return the path from above and the video."""
    if not tracks:
        return sections.missing("Path", "The bag contains no state of the robot.")
    outline = tracks[1].outline if len(tracks) > 1 else None
    tolerance = task.config.success.distance if task else 0.15
    goals = [Goal(goal, tolerance, outline) for _, goal in run.goals]
    drawing = f'<div class="card">{path_view(tracks, goals, end, plan_paths(run))}</div>'
    video = _video(clip)
    return f'<div class="top{"" if video else " one"}">{drawing}{video}</div>'


def _video(clip: Clip | None) -> str:
    if clip is None or not clip.path.is_file() or clip.path.stat().st_size > _LARGEST_VIDEO:
        return ""
    content = base64.b64encode(clip.path.read_bytes()).decode("ascii")
    return (
        '<div class="card"><figure><figcaption><b>Video</b>'
        '<span class="note">The cursor in a chart sets the time of video and path.</span>'
        "</figcaption><video controls muted playsinline "
        f'src="data:video/mp4;base64,{content}#t=0.001"></video></figure></div>'
    )


def _timeline(canvas: Canvas, run: Run, outcome: Outcome) -> str:
    strip = canvas.strip("Supervisor", run.modes.time, run.modes.name) if run.modes.name else ""
    rows = "".join(
        f'<tr class="{event.kind}" data-time="{event.time:.3f}">'
        f"<td>{_minus(f'{event.time:.2f} s')}</td><td>{escape(_minus(event.text))}</td></tr>"
        for event in events(run, outcome)
    )
    table = f'<div class="events"><table>{rows}</table></div>' if rows else ""
    return sections.section(
        "Events",
        "Time zero is the setting of the goal. Drag over a chart to zoom in, double click to zoom "
        "out. Click an event to set the cursor.",
        strip, table, _counters(run),
    )  # fmt: skip


def _counters(run: Run) -> str:
    """Return the bridge's counters that are not zero, each with its meaning."""
    rows = "".join(
        f'<tr><th>{escape(name.replace("_", " "))}</th><td class="n">{n}</td>'
        f"<td>{escape(_COUNTERS.get(name, 'not explained in this version'))}</td></tr>"
        for name, n in run.modes.counters.items()
        if n
    )
    head = "<p>Rejected or limited by the bridge, over the whole run:</p>"
    return f'{head}<div class="scroll"><table class="counters">{rows}</table></div>' if rows else ""


def _bag(run: Run) -> str:
    rows = []
    for topic in sorted(run.reader.topics.values(), key=lambda t: t.name):
        length = (topic.last - topic.first) * 1e-9
        rate = f"{(topic.count - 1) / length:.1f}" if topic.count > 1 and length > 0.0 else ""
        rows.append(
            f"<tr><td>{escape(topic.name)}</td><td>{escape(topic.type)}</td>"
            f'<td class="n">{topic.count}</td><td class="n">{rate}</td></tr>'
        )
    facts = "".join(
        f"<tr><th>{escape(key.replace('_', ' '))}</th><td>{escape(value)}</td></tr>"
        for key, value in run.info.items()
        if value
    )
    head = '<tr><th>topic</th><th>type</th><th class="n">messages</th><th class="n">Hz</th></tr>'
    table = f'<div class="scroll"><table>{head}{"".join(rows)}</table></div>'
    return sections.section(
        "Run and bag",
        f"{run.reader.count} messages in {run.duration:.1f} s.",
        f'<div class="two wide">{table}<div class="scroll"><table>{facts}</table></div></div>',
    )


def _settings(run: Run) -> str:
    """Return the parameters of every node, folded up."""
    if not run.settings:
        return ""
    parts = []
    for node in run.settings:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
            for name, value in {**node.parameters, **node.facts}.items()
        )
        change = f", change {node.serial - 1}" if node.serial > 1 else ""
        parts.append(
            f"<details><summary>{escape(node.node)}{change} <small>{len(node.parameters)} "
            f'parameters</small></summary><div class="scroll"><table>{rows}</table></div></details>'
        )
    return sections.section(
        "Parameters", "The effective parameters that every node published.", *parts
    )


def _footer(run: Run) -> str:
    return (
        f"<footer>Made by gpc bag report from the bag {escape(run.reader.path.resolve().name)}. "
        "The page needs no network.</footer>"
    )
