"""Draw charts as HTML with inline SVG: line chart over time, histogram, strip of states.

The plot is an SVG that stretches with the page; axis labels are text beside it, so they keep
their size. Without JavaScript a chart is complete; the page's script adds cursor and zoom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.report.axes import (
    nice_ticks,
    number,
    pieces,
    resample,
    spans,
    stretches,
    thin,
    thin_points,
)

# Size of the SVG in its own units; whole numbers keep the page small.
WIDTH, HEIGHT = 10_000, 1_000


@dataclass
class Line:
    """One curve.

    Attributes:
        name: for the legend.
        time: (T,) [s].
        value: (T,) in the chart's unit; NaN breaks the line.
        colour: one of c1 to c6, or ref for a reference line.
        style: solid, dash, dots, or area (stacked on the previous areas).
    """

    name: str
    time: Array
    value: Array
    colour: str = "c1"
    style: str = "solid"


@dataclass
class Rule:
    """A horizontal line with a name, such as a limit."""

    name: str
    value: float


@dataclass
class Chart:
    """Curves over time.

    Attributes:
        title: name of the quantity.
        unit: of the values.
        lines: the curves.
        rules: limits.
        band: lower and upper end of the acceptable values, shaded.
        marks: times of single events (M,) [s], drawn on the upper edge, and their name.
        note: figures below the title.
        height: of the plot [px].
        zero: whether the axis includes zero.
        top: upper limit of the axis; higher values leave the plot.
    """

    title: str
    unit: str
    lines: list[Line]
    rules: list[Rule] = field(default_factory=list)
    band: tuple[float, float] | None = None
    marks: tuple[str, Array] | None = None
    note: str = ""
    height: int = 150
    zero: bool = True
    top: float = math.inf


class Canvas:
    """Draws the charts of one page over the same time span and collects their values."""

    def __init__(self, begin: float, end: float, follows: bool = True) -> None:
        """Set the time span [s] of every chart.

        Args:
            begin: of the axis.
            end: of the axis.
            follows: whether the axis is the run's time, which the page's cursor follows.
        """
        self._follows = follows
        self.begin = begin
        self.end = max(end, begin + 1e-3)
        count = int(np.clip((self.end - self.begin) / 0.05, 50, 900))
        self.grid = np.linspace(self.begin, self.end, count)
        self.series: list[list[float | None]] = []

    def chart(self, chart: Chart) -> str:
        """Return a line chart as HTML."""
        stacked = _stack(chart.lines)
        low, high = _value_range(chart, stacked)
        ticks = nice_ticks(low, high, 4)
        low, high = min(low, ticks[0]), max(high, ticks[-1])
        shapes = [_grid_lines(ticks, low, high)]
        if chart.band:
            shapes.append(_band(chart.band, low, high))
        base: Array | None = None
        for line, top in zip(chart.lines, stacked, strict=True):
            if line.style == "area":
                shapes.append(self._area(line, base, top, low, high))
                base = top
            else:
                shapes.append(self._path(line, low, high))
        for rule in chart.rules:
            y = _y(rule.value, low, high)
            shapes.append(f'<path class="rule" d="M0 {y}H{WIDTH}"/>')
        if chart.marks:
            xs = "".join(f"M{self.x(float(t))} 0v90" for t in chart.marks[1])
            shapes.append(f'<path class="marks" d="{xs}"/>' if xs else "")
        labels = "".join(
            f'<span style="top:{_percent(tick, low, high):.2f}%">{number(tick, ticks)}</span>'
            for tick in ticks
        )
        return (
            f'<figure class="chart">{self._caption(chart)}'
            f'<div class="plot{" time" if self._follows else ""}" style="height:{chart.height}px">'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
            f'aria-label="{escape(chart.title)}">{"".join(shapes)}</svg>'
            f'<div class="y">{labels}</div></div>'
            f"{self._time_axis()}</figure>"
        )

    def strip(self, title: str, times: Array, states: Sequence[str]) -> str:
        """Return a strip of states over time.

        Args:
            title: name of the strip.
            times: when each state was reported (S,) [s].
            states: the states; equal neighbours are joined.
        """
        parts = []
        for name, begin, end in spans(times, states, self.end):
            left, right = self._share(begin), self._share(end)
            if right <= left:
                continue
            kind = name.lower().replace("_", "-")
            parts.append(
                f'<span class="state s-{escape(kind)}" data-from="{begin:.3f}" '
                f'data-to="{end:.3f}" style="left:{left:.3f}%;width:{right - left:.3f}%" '
                f'title="{escape(name)} {begin:.2f} s to {end:.2f} s">{escape(name.lower())}</span>'
            )
        return (
            f'<figure class="chart"><figcaption><b>{escape(title)}</b></figcaption>'
            f'<div class="plot time strip">{"".join(parts)}</div>{self._time_axis()}</figure>'
        )

    def x(self, time: float) -> int:
        """Return a time [s] in the SVG's units."""
        return round((time - self.begin) / (self.end - self.begin) * WIDTH)

    def sample(self, time: Array, value: Array) -> int:
        """Add a series to the page's data, at the times of the grid, and return its number."""
        picked = resample(time, value, self.grid)
        self.series.append([None if not math.isfinite(v) else float(f"{v:.4g}") for v in picked])
        return len(self.series) - 1

    def _share(self, time: float) -> float:
        return float(np.clip((time - self.begin) / (self.end - self.begin), 0.0, 1.0)) * 100.0

    def _caption(self, chart: Chart) -> str:
        keys = []
        for line in chart.lines:
            shown = ""
            if self._follows:
                number_ = self.sample(line.time, line.value)
                shown = f' <output data-series="{number_}"></output>'
            keys.append(
                f'<span class="key {line.style}"><i style="--c:var(--{line.colour})"></i>'
                f"{escape(line.name)}{shown}</span>"
            )
        keys += [_rule_key(rule) for rule in chart.rules]
        if chart.marks and len(chart.marks[1]):
            keys.append(f'<span class="key mark"><i></i>{escape(chart.marks[0])}</span>')
        note = f'<span class="note">{escape(chart.note)}</span>' if chart.note else ""
        return (
            f"<figcaption><b>{escape(chart.title)}</b> <small>{escape(chart.unit)}</small>"
            f'<span class="keys">{"".join(keys)}</span>{note}</figcaption>'
        )

    def _time_axis(self) -> str:
        ticks = [t for t in nice_ticks(self.begin, self.end, 8) if self.begin <= t <= self.end]
        # The unit takes the end of the axis.
        labelled = [t for t in ticks if self._share(t) < 98.5]
        labels = "".join(
            f'<span style="left:{self._share(t):.3f}%">{number(t, ticks)}</span>' for t in labelled
        )
        return f'<div class="x">{labels}<em>s</em></div>'

    def _points(self, time: Array, value: Array, low: float, high: float) -> list[tuple[int, int]]:
        xs = np.rint((time - self.begin) / (self.end - self.begin) * WIDTH).astype(int)
        ys = np.rint((high - value) / (high - low) * HEIGHT).astype(int)
        return list(zip(xs.tolist(), ys.tolist(), strict=True))

    def _path(self, line: Line, low: float, high: float) -> str:
        parts = []
        thinned = (thin_points if line.style == "dots" else thin)(line.time, line.value)
        for time, value in pieces(*thinned):
            points = self._points(time, value, low, high)
            if line.style == "dots":
                parts += [f"M{x} {y}h0" for x, y in points]
                continue
            # A single point is visible too, since a line of zero length has round ends.
            rest = points[1:] or points
            parts.append(f"M{points[0][0]} {points[0][1]}L" + " ".join(f"{x} {y}" for x, y in rest))
        kind = line.style if line.style in ("dash", "dots") else "line"
        return f'<path class="{kind}" style="--c:var(--{line.colour})" d="{"".join(parts)}"/>'

    def _area(self, line: Line, base: Array | None, top: Array, low: float, high: float) -> str:
        bottom = np.zeros_like(top) if base is None else base
        parts = []
        good = np.isfinite(top) & np.isfinite(bottom)
        for piece in stretches(good):
            time = line.time[piece]
            upper = self._points(time, top[piece], low, high)
            lower = self._points(time, bottom[piece], low, high)[::-1]
            corners = " ".join(f"{x} {y}" for x, y in upper + lower)
            parts.append(f"M{corners}Z")
        return f'<path class="area" style="--c:var(--{line.colour})" d="{"".join(parts)}"/>'


def histogram(
    title: str, unit: str, values: Array, rule: Rule | None, note: str = "", what: str = "cycles"
) -> str:
    """Return a histogram as HTML.

    Args:
        title: name of the quantity.
        unit: of the values.
        values: (N,); non-finite ones are ignored.
        rule: a limit, drawn as a vertical line.
        note: figures below the title.
        what: unit of the counts.
    """
    values = values[np.isfinite(values)]
    high = max([float(values.max(initial=0.0)), rule.value if rule else 0.0, 1e-9]) * 1.05
    ticks = nice_ticks(0.0, high, 5)
    high = max(high, ticks[-1])
    counts, edges = np.histogram(values, bins=48, range=(0.0, high))
    most = max(int(counts.max(initial=0)), 1)
    bars = "".join(
        f"M{round(left / high * WIDTH)} {HEIGHT}v{-round(0.94 * HEIGHT * n / most)}"
        f"h{round((edges[1] - edges[0]) / high * WIDTH * 0.86)}V{HEIGHT}Z"
        for left, n in zip(edges[:-1], counts, strict=True)
        if n
    )
    line = key = ""
    if rule:
        x = round(rule.value / high * WIDTH)
        line = f'<path class="rule" d="M{x} 0V{HEIGHT}"/>'
        key = f'<span class="keys">{_rule_key(rule)}</span>'
    labels = "".join(
        f'<span style="left:{100 * t / high:.2f}%">{number(t, ticks)}</span>'
        for t in ticks
        if t < 0.985 * high
    )
    return (
        f'<figure class="chart"><figcaption><b>{escape(title)}</b> <small>{what}</small>{key}'
        f'<span class="note">{escape(note)}</span></figcaption><div class="plot" '
        f'style="height:150px"><svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(title)}"><path class="bars" d="{bars}"/>{line}</svg>'
        f'<div class="y"><span style="top:6%">{most}</span>'
        '<span style="top:100%">0</span></div></div>'
        f'<div class="x">{labels}<em>{escape(unit)}</em></div></figure>'
    )


def _rule_key(rule: Rule) -> str:
    """Return the legend entry of a limit, which is beside the plot so that it covers no curve."""
    return f'<span class="key rule"><i></i>{escape(rule.name)}</span>'


def _stack(lines: list[Line]) -> list[Array]:
    """Return the upper edge of each line; areas are stacked."""
    total: Array | None = None
    tops = []
    for line in lines:
        if line.style == "area":
            total = line.value if total is None else total + line.value
            tops.append(total)
        else:
            tops.append(line.value)
    return tops


def _value_range(chart: Chart, stacked: list[Array]) -> tuple[float, float]:
    """Return the lowest and highest value that the chart must show."""
    values = [v[np.isfinite(v)] for v in stacked]
    values += [np.array([rule.value for rule in chart.rules if math.isfinite(rule.value)])]
    joined = np.concatenate(values) if values else np.zeros(0)
    if not len(joined):
        return 0.0, 1.0
    low, high = float(joined.min()), float(min(joined.max(), chart.top))
    if chart.zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-12:
        high = low + 1.0
    return low, high


def _y(value: float, low: float, high: float) -> int:
    return round((high - value) / (high - low) * HEIGHT)


def _percent(value: float, low: float, high: float) -> float:
    return (high - value) / (high - low) * 100.0


def _grid_lines(ticks: list[float], low: float, high: float) -> str:
    lines = "".join(f"M0 {_y(tick, low, high)}H{WIDTH}" for tick in ticks)
    return f'<path class="grid" d="{lines}"/>'


def _band(band: tuple[float, float], low: float, high: float) -> str:
    top, bottom = (_y(float(np.clip(v, low, high)), low, high) for v in (band[1], band[0]))
    return f'<rect class="band" x="0" y="{top}" width="{WIDTH}" height="{bottom - top}"/>'
