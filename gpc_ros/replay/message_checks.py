"""Validate decoded messages before they become arrays: shapes, finite values, ranges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from gpc_ros.bag import topics
from gpc_ros.bag.bag_reader import BagMessage, BagReader

# Largest plausible position, speed and angle [m, m/s, rad].
_MAX_VALUE = 1e5
_MAX_KNOTS = 1000
# Exceptions that a missing field or a field of another type raises.
MALFORMED = (
    AttributeError, TypeError, ValueError, IndexError, KeyError, OverflowError, ZeroDivisionError,
)  # fmt: skip

Check = Callable[[Any], str]


def keep_valid(
    reader: BagReader, topic: str, rows: list[BagMessage], check: Check
) -> list[BagMessage]:
    """Return the messages that pass a check; add the number of the others to the problems.

    Args:
        reader: the bag.
        topic: topic name for the problem.
        rows: decoded messages of one topic.
        check: returns the defect of a message; empty for a valid message.
    """
    bad: Counter[str] = Counter()
    kept = []
    for row in rows:
        try:
            defect = check(row.data)
        except AttributeError as error:
            defect = f"they are of another version ({error})"
        except MALFORMED as error:
            defect = f"malformed: {' '.join(str(error).split())[:100]}"
        if defect:
            bad[defect] += 1
        else:
            kept.append(row)
    for defect, number in bad.most_common(3):
        problem = f"{topic}: {number} messages are skipped: {defect}"
        if problem not in reader.problems:
            reader.problems.append(problem)
    return kept


def check_of(topic: str) -> Check:
    """Return the check for the messages of a topic, given by its relative name."""
    return _CHECKS.get(topic, _has_stamp)


def check_pose(message: Any) -> str:
    """Return the defect of a message with a pose; empty for a valid message."""
    return _has_stamp(message) or _pose(message.pose)


def _has_stamp(message: Any) -> str:
    float(message.header.stamp.sec + message.header.stamp.nanosec)
    return ""


def _pose(pose: Any) -> str:
    p, q = pose.position, pose.orientation
    defect = _values([p.x, p.y, p.z], 3, "position")
    turn = [q.x, q.y, q.z, q.w]
    defect = defect or _values(turn, 4, "orientation")
    if not defect and not 0.5 < float(np.linalg.norm(turn)) < 2.0:
        defect = "the orientation is not a unit quaternion"
    return defect


def _values(values: Any, size: int | None, name: str) -> str:
    """Return the defect of numbers; without a size any length is valid."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (size is not None and len(array) != size):
        return f"{name} has {array.size} values, not {size}"
    if not np.isfinite(array).all():
        return f"{name} is not finite"
    if len(array) and np.abs(array).max() > _MAX_VALUE:
        return f"{name} is beyond {_MAX_VALUE:g}"
    return ""


def _twist(twist: Any) -> str:
    a, b = twist.linear, twist.angular
    return _values([a.x, a.y, a.z, b.x, b.y, b.z], 6, "velocity")


def _scene_state(message: Any) -> str:
    defect = _has_stamp(message) or _pose(message.pose) or _twist(message.twist)
    defect = defect or _values(message.joint_position, 12, "joint_position")
    for item in message.objects:
        defect = defect or _pose(item.pose) or _twist(item.twist)
        if len(item.covariance) < 3:
            defect = defect or "covariance is too short"
    if len(message.covariance) < 3:
        defect = defect or "covariance is too short"
    return defect


def _plan(message: Any) -> str:
    knots = np.asarray(message.knots)
    if not len(knots) or len(knots) % 3 or len(knots) > 3 * _MAX_KNOTS:
        return f"{len(knots)} numbers do not form the knots of a plan"
    if not 1e-4 <= float(message.knot_dt) <= 1e3:  # rejects NaN too
        return f"knot_dt of {float(message.knot_dt):g} s"
    if not 0 <= int(message.order) <= 5:
        return f"spline order {int(message.order)}"
    return _values(knots, None, "knots")


def _command(message: Any) -> str:
    return _has_stamp(message) or _values(message.command, 3, "command")


def _names(message: Any) -> str:
    return _has_stamp(message) or ("" if isinstance(message.name, str) else "name is not a text")


_CHECKS: dict[str, Check] = {
    topics.STATE.name: _scene_state,
    topics.TRUTH.name: _scene_state,
    topics.GOAL.name: check_pose,
    topics.PLAN.name: _plan,
    topics.WALKER.name: _command,
    topics.SUPERVISOR.name: _names,
}


def common_shape(rows: list[BagMessage]) -> list[BagMessage]:
    """Return the messages whose arrays have the most common lengths."""
    shapes = [
        tuple((n, len(v)) for n, v in vars(row.data).items() if isinstance(v, np.ndarray))
        for row in rows
    ]
    shapes = [tuple(s for s in shape if s[0] != "term_values") for shape in shapes]
    most = Counter(shapes).most_common(1)
    return [row for row, s in zip(rows, shapes, strict=True) if most and s == most[0][0]]
