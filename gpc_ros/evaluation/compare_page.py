"""Write the comparison as one self-contained HTML page with curves and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from gpc_ros.common.svg import svg
from gpc_ros.evaluation.compare import METHODS, Row, difference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {
    "plain": "#555555", "proposal": "#c8511b", "flow": "#2a6fbb", "cost_to_go": "#3a8f4d",
    "gaussian": "#8c5fb0", "alone": "#b08a1e",
}  # fmt: skip

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1060px; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.7rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
td.win { color: #1c7a34; font-weight: 600; } td.loss { color: #b3261e; font-weight: 600; }
svg { max-width: 100%; height: auto; } small, .note { color: #666; }
"""


def compare_page(
    title: str,
    rows: Sequence[Row],
    plan_times: Mapping[str, float],
    notes: Sequence[str],
) -> str:
    """Return the page.

    Args:
        title: title of the page.
        rows: metrics of every cell.
        plan_times: measured median time of a cycle [s] by cell file.
        notes: sentences on how the comparison was made.
    """
    own = [row for row in rows if not row.cell.variation]
    varied = [row for row in rows if row.cell.variation]
    methods = [m for m in METHODS if any(row.cell.method == m for row in rows)]
    described = "".join(f"<li><b>{m}</b>: {escape(METHODS[m][0])}</li>" for m in methods)
    parts = [
        f"<h1>{escape(title)}</h1>",
        *(f'<p class="note">{escape(note)}</p>' for note in notes),
        f"<ul>{described}</ul>",
        "<h2>Results by number of samples</h2>",
        _figure(own, "num_rollouts", "horizon", "samples N", lambda h: f"horizon {h:g} s"),
        "<h2>Results by horizon</h2>",
        _figure(own, "horizon", "num_rollouts", "horizon [s]", lambda n: f"N = {n:g}"),
    ]
    if plan_times:
        parts += ["<h2>Results by plan time</h2>", _against_plan_time(own, plan_times)]
    parts += ["<h2>All cells</h2>", _table(own, plan_times)]
    if varied:
        parts += [
            "<h2>Worlds outside the training of the proposals</h2>",
            "<p>The plant has the changed world. The planner's model has it too, unless the name "
            "ends with <i>planner believes the default</i>.</p>",
            _variations(varied),
        ]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def main_figure(rows: Sequence[Row]) -> str:
    """Return an SVG of success and time against the number of samples, by method."""
    shown = [r for r in rows if not r.cell.variation and r.cell.method in ("plain", "proposal")]
    return _figure(shown, "num_rollouts", "horizon", "samples N", lambda h: f"horizon {h:g} s")


def _figure(rows: Sequence[Row], x: str, panel: str, label: str, name: Any) -> str:
    """Return success and time over one setting, a column for each value of the other."""
    from matplotlib.figure import Figure

    scored = [row for row in rows if row.cell.method != "alone"]
    alone = [row for row in rows if row.cell.method == "alone"]
    columns = sorted({getattr(row.cell, panel) for row in scored})
    # A column with a single value on its axis has no curve.
    columns = [
        c
        for c in columns
        if len({getattr(r.cell, x) for r in scored if getattr(r.cell, panel) == c}) > 1
    ] or columns[:1]
    if not columns:
        return "<p>Nothing to show.</p>"
    figure = Figure(figsize=(2.9 * len(columns) + 0.6, 5.4), layout="constrained")
    axes = figure.subplots(2, len(columns), squeeze=False, sharex=True, sharey="row")
    for i, value in enumerate(columns):
        here = [row for row in scored if getattr(row.cell, panel) == value]
        for k, (what, unit) in enumerate((("success", ""), ("time to success", " [s]"))):
            for method in METHODS:
                line = sorted(
                    (r for r in here if r.cell.method == method), key=lambda r: getattr(r.cell, x)
                )
                _curve(axes[k, i], line, x, k)
            for row in alone:
                mean = row.intervals()[k].mean
                axes[k, i].axhline(mean, color=_COLOURS["alone"], ls=":", label="alone")
            axes[k, i].grid(alpha=0.3)
            axes[k, i].spines[["top", "right"]].set_visible(False)
            if i == 0:
                axes[k, i].set_ylabel(what + unit)
            if k == 0:
                axes[k, i].set(title=name(value), ylim=(-0.03, 1.05))
            else:
                axes[k, i].set(xlabel=label)
                axes[k, i].set_ylim(bottom=0.0)
            ticks = sorted({getattr(r.cell, x) for r in scored})
            if x == "num_rollouts":
                axes[k, i].set_xscale("log", base=2)
            axes[k, i].set_xticks(ticks, [f"{t:g}" for t in ticks])
            axes[k, i].minorticks_off()
    lines, labels = axes[0, 0].get_legend_handles_labels()
    unique = dict(zip(labels, lines, strict=True))
    figure.legend(
        unique.values(), unique.keys(), loc="outside lower center", ncols=6, frameon=False
    )
    return svg(figure)


def _curve(axes: Axes, rows: Sequence[Row], x: str, which: int) -> None:
    """Draw one method with its intervals."""
    if not rows:
        return
    method = rows[0].cell.method
    found = [row.intervals()[which] for row in rows]
    at = [getattr(row.cell, x) for row in rows]
    colour = _COLOURS[method]
    axes.plot(at, [f.mean for f in found], "o-", ms=4, lw=1.6, color=colour, label=method)
    axes.fill_between(at, [f.low for f in found], [f.high for f in found], color=colour, alpha=0.13)


def _against_plan_time(rows: Sequence[Row], plan_times: Mapping[str, float]) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 3.6), layout="constrained")
    axes = figure.subplots()
    for method, colour in _COLOURS.items():
        points = [
            (plan_times[r.cell.file] * 1e3, r.intervals()[1].mean)
            for r in rows
            if r.cell.method == method and r.cell.file in plan_times
        ]
        if points:
            xs, ys = np.array(points).T
            axes.scatter(xs, ys, s=26, color=colour, label=method)
    axes.set(xlabel="plan time, one thread [ms]", ylabel="time to success [s]", xscale="log")
    axes.set_ylim(bottom=0.0)
    axes.grid(alpha=0.3, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return svg(figure)


def _table(rows: Sequence[Row], plan_times: Mapping[str, float]) -> str:
    """Return every cell with its difference from plain sampling at the same settings."""
    plain = {(r.cell.num_rollouts, r.cell.horizon): r for r in rows if r.cell.method == "plain"}
    lines = []
    for row in rows:
        cell = row.cell
        other = plain.get((cell.num_rollouts, cell.horizon))
        success, time = row.intervals()
        where = (
            ("", "") if cell.method == "alone" else (f"{cell.num_rollouts}", f"{cell.horizon:g}")
        )
        spent = plan_times.get(cell.file)
        lines.append(
            f"<tr><td>{cell.method}</td><td>{where[0]}</td><td>{where[1]}</td>"
            f"<td>{len(row.seeds)}</td><td>{success}</td><td>{time}</td>{_less(row, other)}"
            f"<td>{row.falls}</td><td>{'' if spent is None else f'{1e3 * spent:.1f}'}</td></tr>"
        )
    return (
        "<p>Mean and 95 % interval over the seeds. Time counts a failure as the whole duration. "
        "The difference is paired by seed; bold where its interval excludes zero.</p>"
        "<table><tr><th>method</th><th>N</th><th>H [s]</th><th>episodes</th><th>success</th>"
        "<th>time [s]</th><th>time less plain [s]</th><th>falls</th><th>plan [ms]</th></tr>"
        f"{''.join(lines)}</table>"
    )


def _variations(rows: Sequence[Row]) -> str:
    """Return a table of the changed worlds: one row per world, one column group per method."""
    methods = [m for m in METHODS if any(r.cell.method == m for r in rows)]
    kinds = list(
        dict.fromkeys((r.cell.variation, r.cell.num_rollouts, r.cell.horizon) for r in rows)
    )
    found = {
        (r.cell.variation, r.cell.num_rollouts, r.cell.horizon, r.cell.method): r for r in rows
    }
    lines = []
    for kind in kinds:
        cells = [found.get((*kind, m)) for m in methods]
        plain = found.get((*kind, "plain"))
        text = "".join(
            "<td></td><td></td>"
            if row is None
            else f"<td>{row.intervals()[0]}</td><td>{row.intervals()[1]}</td>"
            for row in cells
        )
        best = found.get((*kind, "proposal"))
        less = "<td></td>" if best is None else _less(best, plain)
        lines.append(
            f"<tr><td>{escape(kind[0])}</td><td>{kind[1]}</td><td>{kind[2]:g}</td>{text}{less}</tr>"
        )
    heads = "".join(f"<th>{m}: success</th><th>time [s]</th>" for m in methods)
    return (
        f"<table><tr><th>world</th><th>N</th><th>H [s]</th>{heads}<th>proposal less plain [s]</th>"
        f"</tr>{''.join(lines)}</table>"
    )


def _less(row: Row, other: Row | None) -> str:
    """Return the table cell of a time difference, coloured if its interval excludes zero."""
    if other is None or other is row:
        return "<td></td>"
    time = difference(row, other)[1]
    kind = ' class="win"' if time.high < 0.0 else ' class="loss"' if time.low > 0.0 else ""
    text = f"{time.mean:+.2f} ({time.low:+.2f} to {time.high:+.2f})"
    return f"<td{kind}>{text}</td>"
