"""The sections of the report: charts of one part of a run, or a note about missing topics."""

from __future__ import annotations

from html import escape

import numpy as np

from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.common.geometry import rotate, wrap_angle, yaw_from_quat
from gpc_ros.replay.outcome import Outcome
from gpc_ros.replay.run import Body, Run, Status
from gpc_ros.report.charts import Canvas, Chart, Line, Rule, histogram
from gpc_ros.robot.joints import TORQUE_LIMIT
from gpc_ros.tasks.task import Task

_COLOURS = ("c1", "c2", "c3", "c4", "c5", "c6")


def section(title: str, explanation: str, *content: str) -> str:
    """Return a section: title and explanation are text, the content is HTML."""
    head = f"<h2>{escape(title)}</h2><p>{escape(explanation)}</p>"
    return f"<section>{head}{''.join(content)}</section>"


def missing(title: str, what: str) -> str:
    """Return a section that names the missing data."""
    return f'<section><h2>{escape(title)}</h2><p class="missing">{escape(what)}</p></section>'


def percentiles(values: Array, unit: str, scale: float = 1.0) -> str:
    """Return median, 99th percentile and maximum as text; empty without finite values."""
    values = values[np.isfinite(values)] * scale
    if not len(values):
        return ""
    p50, p99 = np.percentile(values, [50, 99])
    shown = (figure(v) for v in (p50, p99, float(values.max())))
    return "median {}, p99 {}, max {} ".format(*shown) + unit


def figure(value: float) -> str:
    """Return a number with three significant digits and never an exponent."""
    return f"{value:.3g}" if abs(value) < 1000.0 else f"{value:.0f}"


def progress(canvas: Canvas, outcome: Outcome, task: Task | None) -> str:
    """Return charts of distance and yaw error to the goal."""
    if task is None or not len(outcome.times):
        return missing("Progress", "The bag contains no goal or no state after it.")
    success = task.config.success
    distance = Chart(
        "Distance to the goal", "m", [Line("distance", outcome.times, outcome.distance)],
        rules=[Rule("tolerance", success.distance)], band=(0.0, success.distance),
    )  # fmt: skip
    yaw = Chart(
        "Yaw error", "rad", [Line("yaw error", outcome.times, outcome.yaw_error)],
        rules=[Rule("tolerance", success.yaw)], band=(0.0, success.yaw),
    )  # fmt: skip
    return section(
        "Progress",
        f"The goal counts as reached once both stay in the shaded tolerance for "
        f"{success.dwell:g} s.",
        pair(canvas.chart(distance), canvas.chart(yaw)),
    )


def cost(canvas: Canvas, run: Run) -> str:
    """Return charts of the best candidate's predicted cost and its terms."""
    s = run.status
    planned = s.planned
    if not planned.any():
        return missing("Cost and search", "The bag contains no planning cycle.")
    shown = [(n, v) for n, v in s.terms.items() if np.nanmax(np.abs(v), initial=0.0) > 1e-9]
    shown.sort(key=lambda item: -float(np.nanmean(item[1])))
    lines = [
        Line(name, s.time, value, colour, "area")
        for (name, value), colour in zip(shown, ("c1", "c6", "c3", "c4", "c5", "c2"), strict=False)
    ]
    lines.append(Line("previous plan, shifted", s.time, s["nominal_cost"], "ref", "dash"))
    # A previous plan that now ends in a fall costs a hundred times more and may leave the plot.
    best = s["best_cost"][np.isfinite(s["best_cost"])]
    top = 1.6 * float(np.percentile(best, 99.5)) if len(best) else np.inf
    chart = Chart("Predicted cost", "mean over the horizon", lines, height=200, top=top)
    ess = Chart(
        "Effective sample size", "candidates",
        [Line("effective", s.time, _where(planned, s["effective_sample_size"])),
         Line("valid", s.time, _where(planned, s["valid"]), "ref", "dash")],
    )  # fmt: skip
    sigma = s["sigma"].reshape(len(s.time), -1)
    lines = [
        Line(name, s.time, _where(planned, sigma[:, i]), colour)
        for i, (name, colour) in enumerate((("vx", "c1"), ("vy", "c6"), ("yaw rate", "c3")))
        if i < sigma.shape[1]
    ]
    noise = Chart("Search noise", "m/s, rad/s", lines)
    return section(
        "Cost and search",
        "Predicted cost of the best candidate in each cycle, split into the terms of the task's "
        f"cost ({_word(s.optimizer)}). The effective sample size is the number of candidates that "
        "determine the plan; the search noise is the standard deviation of the sampled commands.",
        canvas.chart(chart),
        pair(canvas.chart(ess), canvas.chart(noise)),
    )


def timing(canvas: Canvas, run: Run) -> str:
    """Return charts of the plan time with its deadline, and of the ages of the inputs."""
    s = run.status
    tried = s.tried
    if not tried.any():
        return missing("Timing", "The bag contains no planning cycle.")
    plan_time = _where(tried, s["plan_time"]) * 1e3
    deadline = float(np.nanmedian(s["deadline"]) * 1e3)
    rules = [Rule(f"deadline {deadline:.3g} ms", deadline)] if deadline > 0.0 else []
    misses = s.time[s.missed]
    kept = 100.0 * (1.0 - len(misses) / int(tried.sum()))
    note = percentiles(plan_time, "ms")
    series = Chart(
        "Plan time", "ms",
        [Line("whole cycle", s.time, plan_time),
         Line("simulation", s.time, _where(tried, s["rollout_time"]) * 1e3, "c5")],
        rules=rules, marks=("deadline missed", misses), note=note,
    )  # fmt: skip
    ages = [
        Line(name, s.time, _where(tried, s[field]) * 1e3, colour, "dots")
        for name, field, colour in (
            ("state", "state_age", "c1"),
            ("robot in motion capture", "base_age", "c5"),
            ("object in motion capture", "object_age", "c6"),
        )
        if np.nanmax(s[field], initial=0.0) > 0.0
    ]
    age = Chart("Age of the inputs", "ms", ages, note=percentiles(s["state_age"][tried], "ms", 1e3))
    return section(
        "Timing",
        f"{int(tried.sum())} cycles; {len(misses)} missed the deadline. {_missed(s)}Before "
        "planning, a state is predicted forward by its age.",
        pair(
            canvas.chart(series),
            histogram(
                "Distribution of the plan time",
                "ms",
                plan_time,
                rules[0] if rules else None,
                f"{kept:.1f} % in time",
            ),
            wide=True,
        ),
        canvas.chart(age) if ages else "",
    )


def _missed(s: Status) -> str:
    """Return how cycles missed the deadline: with fewer candidates, or late with all of them."""
    dropped = s.missed & (s["completed"] < s["samples"])
    late = s.missed & ~dropped
    parts = []
    if dropped.any():
        parts.append(f"In {int(dropped.sum())} of them unfinished candidates were dropped and the "
                     "best finished one was used. ")  # fmt: skip
    if late.any():
        parts.append(f"In {int(late.sum())} of them all candidates finished, but too late. ")
    return "".join(parts)


def velocities(canvas: Canvas, run: Run) -> str:
    """Return charts of commanded and measured base velocity, in the heading frame."""
    base, commands = run.motion.base, run.commands
    if not len(base.time):
        return missing("Velocities", "The bag contains no state.")
    measured = _heading_velocity(base)
    charts = []
    for i, (name, unit) in enumerate((("Forward", "m/s"), ("Sideways", "m/s"), ("Turn", "rad/s"))):
        lines = [Line("measured", base.time, measured[:, i])]
        if len(commands.time):
            lines.append(Line("commanded", commands.time, commands.command[:, i], "ref", "dash"))
        charts.append(canvas.chart(Chart(name, unit, lines)))
    return section(
        "Velocities",
        "Commanded and measured velocity of the base in its heading frame. The ripple comes from "
        "the gait.",
        f'<div class="three">{"".join(charts)}</div>',
    )


def estimator(canvas: Canvas, run: Run) -> str:
    """Return charts of the estimated minus the true poses."""
    if not len(run.truth.base.time) or not len(run.state.base.time):
        return missing("Estimator", "The bag lacks the estimated or the true state.")
    position, yaw, notes, turns = [], [], [], []
    pairs = [("robot", run.state.base, run.truth.base)]
    pairs += [
        (name, body, run.truth.objects[name])
        for name, body in run.state.objects.items()
        if name in run.truth.objects
    ]
    for (name, estimate, truth), colour in zip(pairs, _COLOURS, strict=False):
        time, offset, turn = _error(estimate, truth)
        distance = np.linalg.norm(offset, axis=1) * 1e3
        position.append(Line(name, time, distance, colour))
        yaw.append(Line(name, time, np.degrees(turn), colour))
        if len(time):
            notes.append(f"{name} rms {figure(np.sqrt(np.mean(distance**2)))} mm")
            turns.append(f"{name} rms {figure(np.degrees(np.sqrt(np.mean(turn**2))))} deg")
    return section(
        "Estimator",
        "Distance of the estimated poses from the true ones at the time of their stamp.",
        pair(
            canvas.chart(Chart("Position error", "mm", position, note=", ".join(notes))),
            canvas.chart(Chart("Yaw error", "deg", yaw, note=", ".join(turns), zero=False)),
        ),
    )


def joints(run: Run, charts: str = "") -> str:
    """Return a table and charts of the tracking error and torque of every joint."""
    targets, readings = run.targets, run.readings
    if len(readings.time) < 2 or len(targets.time) < 2:
        return missing("Joints", "The bag contains no joint commands or no joint readings.")
    index = np.clip(
        np.searchsorted(targets.time, readings.time, side="right") - 1, 0, len(targets.time) - 1
    )
    error = np.degrees(readings.position - targets.position[index])
    held = np.isfinite(error).any(axis=0)
    rms = np.sqrt(np.nanmean(np.where(held, error, 0.0) ** 2, axis=0))
    torque = np.nanpercentile(np.abs(readings.effort), 99, axis=0)
    worst = max(float(rms.max()), 1e-9)
    rows = []
    for leg, name in enumerate(("front left", "front right", "rear left", "rear right")):
        cells = []
        for joint in range(3):
            i = 3 * leg + joint
            share = 100.0 * torque[i] / TORQUE_LIMIT[i]
            cells.append(
                f'<td><i class="bar" style="--w:{100 * rms[i] / worst:.0f}%"></i>{rms[i]:.1f}°</td>'
                f'<td><i class="bar torque" style="--w:{min(share, 100):.0f}%"></i>'
                f"{torque[i]:.1f} N m <small>{share:.0f} %</small></td>"
            )
        rows.append(f"<tr><th>{name}</th>{''.join(cells)}</tr>")
    head = "".join(f'<th colspan="2">{name}</th>' for name in ("hip", "thigh", "calf"))
    return section(
        "Joints",
        "For each joint: root mean square of angle minus target, and the 99th percentile of the "
        "torque, also as a share of the joint's limit.",
        f'<div class="scroll"><table class="joints"><tr><th></th>{head}</tr>{"".join(rows)}'
        f"</table></div>{charts}",
    )


def _where(condition: BoolArray, values: Array) -> Array:
    """Return values (C,) with NaN where a condition does not hold."""
    return np.where(condition, values, np.nan)


def pair(left: str, right: str, wide: bool = False) -> str:
    """Return two charts side by side."""
    return f'<div class="{"two wide" if wide else "two"}">{left}{right}</div>'


def _word(text: str) -> str:
    return f"optimizer {text}" if text else "optimizer unknown"


def _heading_velocity(base: Body) -> Array:
    """Return vx, vy [m/s] and yaw rate [rad/s] (T, 3) in the heading frame."""
    yaw = yaw_from_quat(base.orientation)
    c, s = np.cos(yaw), np.sin(yaw)
    vx, vy = base.linear[:, 0], base.linear[:, 1]
    rate = rotate(base.orientation, base.angular)[:, 2]
    return np.column_stack([c * vx + s * vy, c * vy - s * vx, rate])


def _error(estimate: Body, truth: Body) -> tuple[Array, Array, Array]:
    """Return times (T,), position error (T, 3) [m] and yaw error (T,) [rad] of an estimate."""
    inside = (estimate.time >= truth.time[0]) & (estimate.time <= truth.time[-1])
    time = estimate.time[inside]
    there = np.column_stack([np.interp(time, truth.time, truth.position[:, i]) for i in range(3)])
    heading = np.interp(time, truth.time, np.unwrap(yaw_from_quat(truth.orientation)))
    turn = wrap_angle(yaw_from_quat(estimate.orientation[inside]) - heading)
    return time, estimate.position[inside] - there, turn
