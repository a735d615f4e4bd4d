"""The text beside the scene: supervisor, cost, plan time, deadlines and ages."""

from __future__ import annotations

import math

from gpc_ros.view.snapshot import Cycle, Snapshot


def status_markdown(snapshot: Snapshot, time: str = "") -> str:
    """Return the state of a moment as Markdown.

    Args:
        snapshot: the moment.
        time: a line on when that was; empty for now.
    """
    lines = [f"{time}\n"] if time else []
    mode = snapshot.mode.lower() or "no supervisor"
    reasons = "; ".join(snapshot.reasons)
    lines.append(f"**{mode}**" + (f": {reasons}" if reasons else "") + "\n")
    if snapshot.cycle is not None:
        lines += _cycle(snapshot.cycle)
    else:
        lines.append("no planner")
    return "\n".join(lines)


def _cycle(c: Cycle) -> list[str]:
    lines = [f"*planner holds: {c.hold_reason}*\n"] if c.hold_reason else []
    share = 100.0 * c.misses / c.cycles if c.cycles else 0.0
    rows = [
        ("goal", f"{_number(c.goal_distance, 2)} m, {_number(c.goal_yaw_error, 2)} rad"),
        ("cost", _number(c.best_cost, 3)),
        *((f"- {name}", _number(value, 3)) for name, value in c.terms.items()),
        ("plan time", f"{_milli(c.plan_time)} of {_milli(c.deadline)} ms"),
        ("deadlines missed", f"{c.misses} of {c.cycles} ({share:.2f} %)"),
        ("age of state", f"{_milli(c.state_age)} ms"),
        ("base last seen", f"{_milli(c.base_age)} ms ago"),
        ("object last seen", f"{_milli(c.object_age)} ms ago"),
    ]
    lines += ["| | |", "|---|---|"]
    return lines + [f"| {name} | {value} |" for name, value in rows]


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "?"


def _milli(value: float) -> str:
    return _number(1e3 * value, 0)
