"""Draws the paths of robot and object, and the goal, from above."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.report.axes import nice_ticks, number

# Units of the SVG per metre, and the width of the whole drawing in these units.
_SCALE = 200.0
_WIDTH = 640.0
_MARGIN = 0.35  # [m]
# Approximate number of footprints along the path.
_FOOTPRINTS = 9
# Width and height of a time's label, at the larger size that narrow pages use.
_LABEL = (66.0, 26.0)

# The robot from above in metres: trunk, head and feet.
_FEET = "".join(
    f"M{x - 0.03:.3f} {y}a.03 .03 0 1 0 .06 0a.03 .03 0 1 0 -.06 0Z"
    for x in (-0.19, 0.19)
    for y in (-0.142, 0.142)
)
_ROBOT = (
    f'<path class="feet" d="{_FEET}"/>'
    '<path d="M-.21 -.1H.2Q.25 -.1 .25 -.05V.05Q.25 .1 .2 .1H-.21Q-.26 .1 -.26 .05V-.05'
    'Q-.26 -.1 -.21 -.1Z"/><path class="head" d="M.25 -.06H.3Q.34 -.06 .34 -.02V.02'
    'Q.34 .06 .3 .06H.25Z"/>'
)


@dataclass
class Track:
    """The motion of one body.

    Attributes:
        name: for the legend.
        colour: one of c1 to c6.
        time: (T,) [s].
        pose: x [m], y [m], yaw [rad] (T, 3).
        outline: loops (M, 2) in the body's frame [m]; None draws the robot.
    """

    name: str
    colour: str
    time: Array
    pose: Array
    outline: list[Array] | None = None


@dataclass
class Goal:
    """A goal.

    Attributes:
        pose: x [m], y [m], yaw [rad] (3,).
        distance: tolerance [m].
        outline: loops (M, 2) of the object that belongs there [m]; None for the robot.
    """

    pose: Array
    distance: float
    outline: list[Array] | None = None


def path_view(
    tracks: list[Track], goals: list[Goal], end: float, fans: list[Array] | None = None
) -> str:
    """Return the drawing as SVG; the page's script moves its elements ``ghost``.

    Args:
        tracks: the moving bodies.
        goals: the goals in order; the last one is the current goal.
        end: time of the end of the run [s].
        fans: commanded paths of plans, each (P, 2) [m].
    """
    frame = _Frame(tracks, goals)
    parts = [frame.grid()]
    for i, goal in enumerate(goals):
        parts.append(_goal(frame, goal, current=i == len(goals) - 1))
    times = _footprint_times(tracks, end)
    parts.append(_fans(frame, fans or []))
    # The robot comes first in the list, so that the task's object is drawn on top.
    parts += [_trail(frame, track) for track in tracks]
    parts += [_footprints(frame, track, times) for track in tracks]
    parts += [_times(frame, tracks[0], times)] if tracks else []
    parts += [
        f'<g class="ghost" data-body="{i}" style="--c:var(--{track.colour})" opacity="0">'
        f"{_shape(track.outline)}</g>"
        for i, track in enumerate(tracks)
    ]
    keys = "".join(
        f'<span class="key solid"><i style="--c:var(--{t.colour})"></i>{escape(t.name)}</span>'
        for t in tracks
    )
    keys += '<span class="key fan"><i></i>plans as commanded</span>' if fans else ""
    keys += '<span class="key goal"><i></i>goal and its tolerance</span>' if goals else ""
    return (
        '<figure class="path"><figcaption><b>Path from above</b> <small>m</small>'
        f'<span class="keys">{keys}</span></figcaption>'
        f'<svg viewBox="0 0 {frame.width:.0f} {frame.height:.0f}" role="img" '
        f'aria-label="Path from above" data-left="{frame.left:.4f}" data-top="{frame.top:.4f}" '
        f'data-scale="{frame.scale:.4f}">{"".join(parts)}</svg></figure>'
    )


class _Frame:
    """The part of the floor that is shown."""

    def __init__(self, tracks: list[Track], goals: list[Goal]) -> None:
        points = [t.pose[np.isfinite(t.pose).all(axis=1), :2] for t in tracks]
        points += [goal.pose[None, :2] for goal in goals]
        joined = np.vstack([np.zeros((0, 2)), *points])
        low, high = (joined.min(axis=0), joined.max(axis=0)) if len(joined) else ([0, 0], [0, 0])
        low, high = np.array(low) - _MARGIN, np.array(high) + _MARGIN
        span = high - low
        # Limit the aspect ratio.
        wanted = np.maximum(span, [span[1] * 0.9, span[0] * 0.6])
        wanted = np.maximum(wanted, 1.5)
        low, high = low - (wanted - span) / 2, high + (wanted - span) / 2
        self.left, self.top = float(low[0]), float(high[1])
        self.low, self.high = low, high
        self.width = _WIDTH
        self.scale = _WIDTH / float(high[0] - low[0])
        self.height = float(high[1] - low[1]) * self.scale

    def xy(self, point: Array) -> tuple[float, float]:
        """Return a point (2,) [m] in the drawing: x to the right, y up."""
        x, y = (float(point[0]) - self.left) * self.scale, (self.top - float(point[1])) * self.scale
        return round(x, 1), round(y, 1)

    def place(self, pose: Array) -> str:
        """Return the transform that puts a shape in metres at a pose (3,)."""
        x, y = self.xy(pose)
        turn = -np.degrees(float(pose[2]))
        return f'transform="translate({x} {y}) rotate({turn:.1f}) scale({self.scale:.3f})"'

    def grid(self) -> str:
        """Return grid lines and their labels."""
        step = 1.0 if float(self.high[0] - self.low[0]) > 4.0 else 0.5
        parts = []
        for axis, (a, b) in enumerate(zip(self.low, self.high, strict=True)):
            ticks = list(np.arange(np.ceil(a / step) * step, b + 1e-9, step))
            for tick in ticks:
                x, y = self.xy(np.array([tick, tick]))
                text = number(round(float(tick), 6), nice_ticks(0, step, 1))
                if axis == 0:
                    parts.append(f'<path class="grid" d="M{x} 0V{self.height:.0f}"/>')
                    parts.append(f'<text x="{x}" y="{self.height - 5:.0f}">{text}</text>')
                else:
                    # The lowest row is reserved for the labels of the other axis.
                    text = text if y < self.height - 48 else ""
                    parts.append(f'<path class="grid" d="M0 {y}H{self.width:.0f}"/>')
                    parts.append(f'<text class="left" x="5" y="{y - 4}">{text}</text>')
        return f'<g class="axes">{"".join(parts)}</g>'


def _shape(outline: list[Array] | None) -> str:
    """Return the outline of a body, in metres, x forward and y up."""
    if outline is None:
        return _ROBOT
    loops = "".join("M" + " ".join(f"{x:.3f} {-y:.3f}" for x, y in loop) + "Z" for loop in outline)
    reach = max((float(np.abs(loop).max()) for loop in outline), default=0.0)
    # A line from the centre to the front shows the heading.
    return f'<path d="{loops}"/><path class="front" d="M0 0H{reach:.3f}"/>'


def _goal(frame: _Frame, goal: Goal, current: bool) -> str:
    x, y = frame.xy(goal.pose)
    kind = "goal" if current else "goal old"
    return (
        f'<g class="{kind}"><circle cx="{x}" cy="{y}" r="{goal.distance * frame.scale:.1f}"/>'
        f"<g {frame.place(goal.pose)}>{_shape(goal.outline)}</g></g>"
    )


def _fans(frame: _Frame, fans: list[Array]) -> str:
    """Return plans as thin lines."""
    lines = ["M" + " ".join("{} {}".format(*frame.xy(point)) for point in fan) for fan in fans]
    return f'<path class="fan" d="{"".join(lines)}"/>' if lines else ""


def _trail(frame: _Frame, track: Track) -> str:
    finite = np.isfinite(track.pose).all(axis=1)
    poses = track.pose[finite]
    step = max(1, len(poses) // 800)
    points = " ".join("{} {}".format(*frame.xy(p)) for p in poses[::step])
    return (
        f'<path class="trail" style="--c:var(--{track.colour})" d="M{points}"/>' if points else ""
    )


def _footprint_times(tracks: list[Track], end: float) -> list[float]:
    """Return round times from the goal's setting to the end."""
    begin = min((float(t.time[0]) for t in tracks if len(t.time)), default=0.0)
    begin = max(begin, 0.0)
    if end <= begin:
        return [begin]
    ticks = nice_ticks(begin, end, _FOOTPRINTS)
    times = [t for t in ticks if begin <= t <= end]
    return times if times and end - times[-1] < 0.3 * (ticks[1] - ticks[0]) else [*times, end]


def _at(track: Track, time: float) -> Array | None:
    """Return the pose (3,) at a time; None before the first and in a gap of NaN."""
    index = int(np.searchsorted(track.time, time + 1e-6, side="right")) - 1
    if index < 0 or not np.isfinite(track.pose[index]).all():
        return None
    pose: Array = track.pose[index]
    return pose


def _footprints(frame: _Frame, track: Track, times: list[float]) -> str:
    parts = []
    for i, time in enumerate(times):
        pose = _at(track, time)
        if pose is None:
            continue
        share = i / max(len(times) - 1, 1)
        last = " last" if i == len(times) - 1 else ""
        parts.append(
            f'<g class="print{last}" style="--s:{0.25 + 0.75 * share:.2f}" {frame.place(pose)}>'
            f"{_shape(track.outline)}</g>"
        )
    return f'<g style="--c:var(--{track.colour})">{"".join(parts)}</g>'


def _times(frame: _Frame, track: Track, times: list[float]) -> str:
    """Return time labels beside the footprints of a track, without overlaps."""
    parts: list[str] = []
    taken: list[tuple[float, float]] = []
    for time in times[::-1]:
        pose = _at(track, time)
        if pose is None:
            continue
        x, y = frame.xy(pose)
        if any(abs(x - u) < _LABEL[0] and abs(y - v) < _LABEL[1] for u, v in taken):
            continue
        taken.append((x, y))
        parts.append(f'<text class="time" x="{x}" y="{y + 4:.1f}">{time:.3g} s</text>')
    return "".join(parts)
