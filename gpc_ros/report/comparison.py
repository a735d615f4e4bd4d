"""Writes comparison.html: metrics, settings and charts of two runs side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.common.errors import BagError
from gpc_ros.common.files import write_atomic
from gpc_ros.replay.load_run import load_run
from gpc_ros.replay.outcome import Outcome, judge, run_task
from gpc_ros.replay.run import Run
from gpc_ros.report import sections
from gpc_ros.report.charts import HEIGHT, WIDTH, Canvas, Chart, Line
from gpc_ros.report.footprint import object_outline
from gpc_ros.report.html_page import page
from gpc_ros.report.path_view import Goal, Track, path_view
from gpc_ros.report.run_report import scene_model
from gpc_ros.report.sections import figure, pair
from gpc_ros.tasks.task import Task

_COLOURS = ("c1", "c6")
# Settings that always differ between two runs.
_IGNORED = ("folder", "arguments")


@dataclass(frozen=True)
class Side:
    """One of the two runs."""

    name: str
    run: Run
    task: Task | None
    outcome: Outcome


def side(path: Path, name: str) -> Side:
    """Open one run.

    Args:
        path: its bag.
        name: its name on the page.

    Raises:
        BagError: the path does not contain a bag.
    """
    run = load_run(BagReader(path))
    task = run_task(run)
    return Side(name, run, task, judge(run, task))


def write_comparison(sides: tuple[Side, Side], path: Path) -> None:
    """Write the page atomically.

    Raises:
        BagError: the file cannot be written.
    """
    try:
        write_atomic(path, render_comparison(sides))
    except OSError as error:
        raise BagError(f"{path}: the page cannot be written: {error.strerror}") from None


def render_comparison(sides: tuple[Side, Side]) -> str:
    """Return the page as text."""
    ends = [float(s.run.status.time[-1]) for s in sides if len(s.run.status.time)]
    ends += [float(s.outcome.times[-1]) for s in sides if len(s.outcome.times)]
    canvas = Canvas(0.0, max(ends, default=1.0))
    body = "\n".join(
        (_header(sides), _figures(sides), _path(sides, canvas.end), _charts(canvas, sides),
         _settings(sides), _problems(sides))
    )  # fmt: skip
    data = {
        "begin": 0.0, "end": round(canvas.end, 4), "count": len(canvas.grid), "width": WIDTH,
        "height": HEIGHT, "series": canvas.series, "bodies": [], "video": 0.0,
    }  # fmt: skip
    return page(f"{sides[0].name} and {sides[1].name}", body, data)


def _header(sides: tuple[Side, Side]) -> str:
    words = []
    for s in sides:
        state = {True: "good", False: "bad", None: "unknown"}[s.outcome.success]
        word = {True: "success", False: "failed", None: "not judged"}[s.outcome.success]
        words.append(
            f'<p><span class="pill {state}">{word}</span><b>{escape(s.name)}</b> '
            f"{escape(s.run.task or 'a run')}, {escape(s.outcome.reason)}</p>"
        )
    return (
        f'<header><p class="eyebrow">gpc_ros</p><h1>Two runs compared</h1>{"".join(words)}'
        f"{_different_tasks(sides)}</header>"
    )


def _different_tasks(sides: tuple[Side, Side]) -> str:
    """Return a warning if the runs have different tasks or different goals."""
    first, second = (s.run for s in sides)
    if first.task != second.task:
        names = " and ".join(escape(run.task or "an unknown task") for run in (first, second))
        text = f"<b>The tasks differ</b>: {names}. Times, errors and costs are not comparable."
    elif first.goals and second.goals and not np.allclose(first.goals[-1][1], second.goals[-1][1]):
        text = "<b>The goals differ</b>, so times and errors depend on the goal as well."
    else:
        return ""
    return f"<aside>{text}</aside>"


def side_metrics(s: Side) -> dict[str, tuple[float, str, bool]]:
    """Return the metrics of a run by name: value, unit, and whether less is better."""
    status = s.run.status
    tried, planned = status.tried, status.planned
    found: dict[str, tuple[float, str, bool]] = {}

    def add(name: str, unit: str, value: Callable[[], Any], less: bool = True) -> None:
        try:
            number = float(value())
        except (IndexError, ValueError, ZeroDivisionError):
            number = float("nan")
        found[name] = (number, unit, less)

    def share(values: BoolArray) -> float:
        return 100.0 * float(values.sum()) / int(tried.sum())

    def delay(topic: str) -> Array:
        values = s.run.delays[topic].delay if topic in s.run.delays else np.zeros(0)
        return values[np.isfinite(values)] * 1e3

    times = status["plan_time"][tried] * 1e3
    add("time", "s", lambda: s.outcome.time)
    add("distance at the end", "m", lambda: s.outcome.distance[-1])
    add("yaw error at the end", "rad", lambda: s.outcome.yaw_error[-1])
    add("deadlines missed", "%", lambda: share(status.missed))
    add("plan time, median", "ms", lambda: np.percentile(times, 50))
    add("plan time, p99", "ms", lambda: np.percentile(times, 99))
    add("state age, p99", "ms", lambda: np.percentile(status["state_age"][planned] * 1e3, 99))
    add("reading to command, p99", "ms", lambda: np.percentile(delay("joint_commands"), 99))
    add("cost, mean", "", lambda: np.nanmean(status["best_cost"][planned]))
    add(
        "effective sample size, mean", "",
        lambda: np.nanmean(status["effective_sample_size"][planned]), less=False,
    )  # fmt: skip
    return found


def _figures(sides: tuple[Side, Side]) -> str:
    left, right = (side_metrics(s) for s in sides)
    same_task = sides[0].run.task == sides[1].run.task
    rows = []
    for name, (a, unit, less) in left.items():
        b = right[name][0]
        if not np.isfinite([a, b]).any():
            continue
        tie = _shown(a, unit) == _shown(b, unit) or not np.isfinite([a, b]).all()
        better = "" if tie or not same_task else ("b" if (b < a) == less else "a")
        cells = [
            f'<td class="n">{"<b>" if better == which else ""}{_shown(v, unit)}'
            f"{'</b>' if better == which else ''}</td>"
            for which, v in (("a", a), ("b", b))
        ]
        comparable = np.isfinite([a, b]).all() and a
        change = f"{100 * (b / a - 1):+.0f} %" if comparable else ""
        change = change.replace("-", "\N{MINUS SIGN}")
        rows.append(f'<tr><th>{name}</th>{"".join(cells)}<td class="n">{change}</td></tr>')
    names = "".join(f'<th class="n">{escape(s.name)}</th>' for s in sides)
    return sections.section(
        "Metrics",
        "The better value is bold. One pair of runs is not significant; gpc evaluate repeats them."
        if same_task else "No value is bold, since the tasks differ.",
        f'<div class="scroll"><table><tr><th></th>{names}<th class="n">change</th></tr>'
        f"{''.join(rows)}</table></div>",
    )  # fmt: skip


def _shown(value: float, unit: str) -> str:
    return f"{figure(value)} {unit}".strip() if np.isfinite(value) else "unknown"


def _path(sides: tuple[Side, Side], end: float) -> str:
    tracks, goals = [], []
    for s, colours in zip(sides, (("c1", "c5"), ("c6", "c2")), strict=True):
        motion = s.run.motion
        if not len(motion.base.time):
            continue
        tracks.append(Track(f"{s.name}: robot", colours[0], motion.base.time, motion.base.planar))
        model = scene_model(s.task)
        outline = None
        for name, thing in motion.objects.items():
            outline = object_outline(model, name)
            track = Track(f"{s.name}: {name}", colours[1], thing.time, thing.planar, outline)
            tracks.append(track)
        tolerance = s.task.config.success.distance if s.task else 0.15
        goals += [Goal(goal, tolerance, outline) for _, goal in s.run.goals[-1:]]
    if not tracks:
        return sections.missing("Path", "Neither bag contains a state of the robot.")
    return f'<div class="top one"><div class="card">{path_view(tracks, goals, end)}</div></div>'


def _charts(canvas: Canvas, sides: tuple[Side, Side]) -> str:
    def lines(pick: Callable[[Side], tuple[Array, Array]]) -> list[Line]:
        return [Line(s.name, *pick(s), c) for s, c in zip(sides, _COLOURS, strict=True)]

    def status(name: str, scale: float = 1.0) -> Callable[[Side], tuple[Array, Array]]:
        return lambda s: (
            s.run.status.time,
            np.where(s.run.status.planned, s.run.status[name] * scale, np.nan),
        )

    charts = [
        Chart("Distance to the goal", "m", lines(lambda s: (s.outcome.times, s.outcome.distance))),
        Chart("Yaw error", "rad", lines(lambda s: (s.outcome.times, s.outcome.yaw_error))),
        Chart("Predicted cost", "", lines(status("best_cost"))),
        Chart("Plan time", "ms", lines(status("plan_time", 1e3))),
        Chart("Effective sample size", "candidates", lines(status("effective_sample_size"))),
        Chart("State age", "ms", lines(status("state_age", 1e3))),
    ]
    drawn = [canvas.chart(chart) for chart in charts]
    return sections.section(
        "Over time", "Times count from the setting of each run's goal.",
        *(pair(drawn[i], drawn[i + 1]) for i in range(0, len(drawn), 2)),
    )  # fmt: skip


def setting_differences(sides: tuple[Side, Side]) -> list[tuple[str, object, object]]:
    """Return name and both values of every setting and version that differs."""
    sides_values = []
    for s in sides:
        values: dict[str, object] = {
            f"{node.node}.{name}": value
            for node in s.run.settings
            for name, value in node.parameters.items()
            if name not in _IGNORED
        }
        values |= {n: v for n, v in s.run.info.items() if n not in ("arguments", "started")}
        sides_values.append(values)
    first, second = sides_values
    names = sorted({*first, *second})
    return [
        (name, first.get(name), second.get(name))
        for name in names
        if first.get(name) != second.get(name)
    ]


def _settings(sides: tuple[Side, Side]) -> str:
    found = setting_differences(sides)
    if not found:
        return sections.section("Settings", "All settings and versions are the same.")
    rows = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(f"<td>{'' if v is None else escape(str(v))}</td>" for v in values)
        + "</tr>"
        for name, *values in found
    )
    names = "".join(f"<th>{escape(s.name)}</th>" for s in sides)
    return sections.section(
        "Settings", "Settings and versions that differ.",
        f'<div class="scroll"><table><tr><th></th>{names}</tr>{rows}</table></div>',
    )  # fmt: skip


def _problems(sides: tuple[Side, Side]) -> str:
    rows = "".join(
        f"<li>{escape(s.name)}: {escape(problem)}</li>" for s in sides for problem in s.run.problems
    )
    return (
        f"<aside><b>Parts of the bags could not be read.</b><ul>{rows}</ul></aside>" if rows else ""
    )
