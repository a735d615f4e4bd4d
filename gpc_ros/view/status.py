"""The text beside the scene: supervisor, cost, plan time, deadlines and ages."""

from __future__ import annotations

import math
import re

from gpc_ros.view.snapshot import Cycle, Snapshot

_MAX_TEXT = 400  # of a text from a message
_JOINER = "\u2060"


def status_markdown(snapshot: Snapshot, time: str = "") -> str:
    """Return the state of a moment as Markdown.

    Args:
        snapshot: the moment.
        time: first line, with the time of the moment; empty for live data.
    """
    lines = [f"{time}\n"] if time else []
    mode = escape_markdown(snapshot.mode.lower()) or "no supervisor"
    reasons = escape_markdown("; ".join(snapshot.reasons))
    lines.append(f"**{mode}**" + (f": {reasons}" if reasons else "") + "\n")
    if snapshot.cycle is not None:
        lines += _cycle(snapshot.cycle)
    else:
        lines.append("no planner")
    return "\n".join(lines)


def escape_markdown(text: str) -> str:
    """Return a text from a message as Markdown that renders literally, without HTML or links.

    The page renders HTML inside Markdown and turns addresses into links.
    """
    flat = " ".join(text.split())[:_MAX_TEXT]
    # An invisible joiner keeps an address from being recognised as a link.
    flat = re.sub(r"(?<=:)(?=//)|(?<=@)|(?<=www)(?=\.)", _JOINER, flat, flags=re.IGNORECASE)
    return re.sub(r"[^\w\s\u2060]", lambda m: f"&#{ord(m[0])};", flat).replace("_", "&#95;")


def _cycle(c: Cycle) -> list[str]:
    lines = [f"*planner holds: {escape_markdown(c.hold_reason)}*\n"] if c.hold_reason else []
    share = 100.0 * c.misses / c.cycles if c.cycles else 0.0
    rows = [
        ("goal", f"{_number(c.goal_distance, 2)} m, {_number(c.goal_yaw_error, 2)} rad"),
        ("cost", _number(c.best_cost, 3)),
        *((f"- {escape_markdown(name)}", _number(value, 3)) for name, value in c.terms.items()),
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
