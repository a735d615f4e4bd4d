"""Sections of the report about causes: delays, innovations, model error and proposal."""

from __future__ import annotations

import numpy as np

from gpc_ros.bag import topics
from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import wrap_angle, yaw_from_quat
from gpc_ros.replay.run import Body, Run
from gpc_ros.report.charts import Canvas, Chart, Line, Rule, histogram
from gpc_ros.report.model_error import ModelError
from gpc_ros.report.sections import figure, missing, pair, percentiles, section
from gpc_ros.robot.joints import TORQUE_LIMIT

_COLOURS = ("c1", "c6", "c3", "c4", "c5", "c2")
# Meaning of the delay of each topic's messages.
_DELAYS = {
    topics.JOINTS.name: "joint reading to the recorder",
    topics.STATE.name: "measurement to state",
    topics.PLAN.name: "state to plan",
    topics.COMMANDS.name: "joint reading to command",
}
# Window of moving averages [cycles].
_MOVING = 40


def delays(canvas: Canvas, run: Run) -> str:
    """Return charts of the delay from each measurement to the message made from it."""
    found = [
        (text, run.delays[topic].time, run.delays[topic].delay * 1e3)
        for topic, text in _DELAYS.items()
        if topic in run.delays and np.isfinite(run.delays[topic].delay).any()
    ]
    if not found:
        return missing(
            "Delays", "The stamps in the bag are from another clock than the times of receipt."
        )
    lines = [
        Line(text, time, value, colour, "dots")
        for (text, time, value), colour in zip(found, _COLOURS, strict=False)
    ]
    values = np.concatenate([value[np.isfinite(value)] for _, _, value in found])
    top = 1.5 * float(np.percentile(values, 99.0))
    rows = "".join(
        f"<tr><th>{text}</th><td>{percentiles(value, 'ms')}</td></tr>" for text, _, value in found
    )
    text, _, command = found[-1]
    return section(
        "Delays",
        "Time from a measurement until the recorder received the message made from it: "
        "computation, and usually less than a millisecond of transport.",
        canvas.chart(Chart("Age at arrival", "ms", lines, top=top)),
        pair(
            histogram(text[:1].upper() + text[1:], "ms", command, None, percentiles(command, "ms"),
                      what="messages"),
            f'<div class="scroll"><table>{rows}</table></div>',
        ),
    )  # fmt: skip


def residuals(canvas: Canvas, run: Run) -> str:
    """Return charts of motion capture minus the estimate at the time of capture."""
    bodies = [("robot", run.mocap.get("base"), run.state.base)]
    bodies += [(name, run.mocap.get(name), body) for name, body in run.state.objects.items()]
    position, yaw, notes = [], [], []
    for (name, capture, estimate), colour in zip(bodies, _COLOURS, strict=False):
        if capture is None or len(estimate.time) < 2 or not len(capture.time):
            continue
        time, distance, turn = _residual(capture, estimate)
        if not len(time):
            continue
        position.append(Line(name, time, distance * 1e3, colour, "dots"))
        yaw.append(Line(name, time, np.degrees(turn), colour, "dots"))
        notes.append(f"{name} rms {figure(float(np.sqrt(np.mean(distance**2))) * 1e3)} mm")
    if not position:
        return missing("Innovations", "The bag contains no motion capture or no state.")
    return section(
        "Innovations",
        "Motion capture minus the estimate at the time of capture. Noise around zero is "
        "normal. A lasting offset, or errors that grow while walking, point to a wrong filter "
        "setting or calibration.",
        pair(
            canvas.chart(Chart("Position", "mm", position, note=", ".join(notes))),
            canvas.chart(Chart("Yaw", "deg", yaw, zero=False)),
        ),
    )


def tracking(canvas: Canvas, run: Run) -> str:
    """Return charts of joint error and torque over time, of the worst joint."""
    targets, readings = run.targets, run.readings
    if len(readings.time) < 2 or len(targets.time) < 2:
        return ""
    index = np.searchsorted(targets.time, readings.time, side="right") - 1
    error = np.degrees(np.abs(readings.position - targets.position[np.clip(index, 0, None)]))
    held = np.isfinite(error)
    worst = np.where(held.any(axis=1), np.where(held, error, 0.0).max(axis=1), np.nan)
    rms = np.sqrt(np.square(np.where(held, error, 0.0)).mean(axis=1))
    share = 100.0 * np.nanmax(
        np.where(np.isfinite(readings.effort), np.abs(readings.effort), 0.0) / TORQUE_LIMIT, axis=1
    )
    return pair(
        canvas.chart(
            Chart(
                "Joint error", "deg",
                [Line("worst joint", readings.time, worst, "c5"),
                 Line("root mean square", readings.time, rms, "c1")],
            )
        ),
        canvas.chart(
            Chart(
                "Largest torque", "% of the joint's limit",
                [Line("of any joint", readings.time, share, "c6")],
                rules=[Rule("limit", 100.0)] if share.max(initial=0.0) > 60.0 else [],
            )
        ),
    )  # fmt: skip


def model(errors: ModelError) -> str:
    """Return charts of the model's prediction error over the prediction time."""
    if not len(errors.begin):
        return missing(
            "Model error",
            "The bag lacks planning cycles, settings, commands or motion.",
        )
    canvas = Canvas(0.0, float(errors.ahead[-1]), follows=False)
    notes, charts = [], []
    for title, unit, rows, scale in (
        ("Distance", "cm", errors.distance, 100.0),
        ("Turn", "deg", errors.turn, 180.0 / np.pi),
    ):
        lines = []
        for (name, error), colour in zip(rows.items(), _COLOURS, strict=False):
            mean, high = error.mean(axis=0) * scale, np.percentile(error, 95, axis=0) * scale
            lines.append(Line(f"{name}, mean", errors.ahead, mean, colour))
            lines.append(Line(f"{name}, 95th percentile", errors.ahead, high, colour, "dash"))
            notes.append(f"{name} {figure(float(mean[-1]))} {unit}")
        charts.append(canvas.chart(Chart(title, unit, lines, height=180)))
    return section(
        "Model error",
        f"Difference between the planner's model, rolled out from {len(errors.begin)} recorded "
        "states under the executed commands, and the recorded motion. The axis is the prediction "
        f"time. Mean at the end of the horizon: {', '.join(notes)}.",
        pair(charts[0], charts[1]),
    )


def proposal(canvas: Canvas, run: Run) -> str:
    """Return charts of the learned proposal; empty for a run without one."""
    cycles = [c for c in run.cycles if len(c.costs)]
    if not any(c.proposed for c in cycles):
        return ""
    time = np.array([c.inputs.stamp for c in cycles]) - run.begin
    share = np.array([100.0 * len(c.proposed) / len(c.costs) for c in cycles])
    won = np.array([100.0 * (c.indices[0] in c.proposed) for c in cycles])
    gain = np.array([_gain(c.costs, c.indices, c.proposed) for c in cycles])
    rate = figure(float(won.mean()))
    return section(
        "Proposal",
        f"A candidate of the learned proposal was the best one in {rate} % of the cycles. The "
        "proposal helps while its share of wins is above its share of the candidates.",
        pair(
            canvas.chart(
                Chart("Best candidate from the proposal", "%",
                      [Line("moving share of wins", time, _moving(won)),
                       Line("share of the candidates kept", time, share, "ref", "dash")])
            ),
            canvas.chart(
                Chart("Best of the others minus best of the proposal", "cost",
                      [Line("positive: the proposal is better", time, gain, "c3")], zero=False)
            ),
        ),
        *_health(canvas, run),
    )  # fmt: skip


def _health(canvas: Canvas, run: Run) -> list[str]:
    """Return charts of the planner's own measures of its proposal."""
    status = run.status
    judged = status.tried & (status["valid"] > 0)
    time = status.time[judged]

    def chart(title: str, unit: str, *lines: tuple[str, str, str]) -> str:
        drawn = [
            Line(label, time, status[name][judged], *style.split())
            for label, name, style in lines
            if name in status.values and np.isfinite(status[name][judged]).any()
        ]
        return canvas.chart(Chart(title, unit, drawn)) if drawn else ""

    charts = (
        chart("Usefulness", "1: as good as the search noise",
              ("share of the elites per share drawn", "proposal_usefulness", "c1"),
              ("fraction of its candidates that is drawn", "proposal_weight", "ref dash")),
        chart("Among the best", "share of the last cycles",
              ("the best candidate", "proposal_win_rate", "c1"),
              ("the elites", "proposal_agreement", "c2")),
        chart("Spread of its samples", "m/s, rad/s",
              ("standard deviation", "proposal_spread", "c1")),
        chart("Cost to go", "error 1: as bad as predicting the mean",
              ("error, relative to the spread of costs", "proposal_cost_error", "c1"),
              ("weight in the cost", "proposal_cost_weight", "ref dash")),
    )  # fmt: skip
    return [pair(*two) for two in zip(charts[::2], charts[1::2], strict=True) if any(two)]


def _gain(costs: Array, indices: list[int], proposed: list[int]) -> float:
    mine = np.array([i in proposed for i in indices])
    if mine.all() or not mine.any():
        return float("nan")
    gain = float(costs[~mine].min()) - float(costs[mine].min())
    return gain if np.isfinite(gain) else float("nan")


def _moving(values: Array) -> Array:
    """Return the mean over the last cycles, at each cycle."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - _MOVING, 0)
    mean: Array = (sums[ends] - sums[begins]) / (ends - begins)
    return mean


def _residual(capture: Body, estimate: Body) -> tuple[Array, Array, Array]:
    """Return times (T,), distances (T,) [m] and turns (T,) [rad] of captures from an estimate."""
    good = (capture.time >= estimate.time[0]) & (capture.time <= estimate.time[-1])
    good &= np.isfinite(capture.position).all(axis=1)
    time = capture.time[good]
    there = np.column_stack(
        [np.interp(time, estimate.time, estimate.position[:, i]) for i in range(3)]
    )
    heading = np.interp(time, estimate.time, np.unwrap(yaw_from_quat(estimate.orientation)))
    turn = wrap_angle(yaw_from_quat(capture.orientation[good]) - heading)
    return time, np.linalg.norm(capture.position[good] - there, axis=1), turn
