"""Load a bag into the arrays of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gpc_ros.bag import topics
from gpc_ros.bag.bag_reader import BagMessage, BagReader
from gpc_ros.bag.topics import Topic
from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import BagError
from gpc_ros.common.geometry import wxyz_from_xyzw, yaw_from_quat
from gpc_ros.planning.cycle import CycleRecord
from gpc_ros.replay.bag_version import check_version
from gpc_ros.replay.cycle_replay import Replay
from gpc_ros.replay.message_checks import (
    MALFORMED,
    check_of,
    check_pose,
    common_shape,
    keep_valid,
)
from gpc_ros.replay.recorded_parameters import Settings, settings_from_messages
from gpc_ros.replay.run import Body, Commands, Delay, Joints, Modes, Motion, Plans, Run, Status

# Rate to which fast topics are thinned for a report [Hz].
_RATE = 100.0
_FAST = (topics.STATE, topics.TRUTH, topics.COMMANDS, topics.JOINTS)
# A stamp this far from its time of receipt is from another clock [s].
_SAME_CLOCK = 60.0
# A message farther than this from all others has a wrong time, such as zero [s].
_LONGEST_RUN = 7 * 86_400.0


def load_run(reader: BagReader) -> Run:
    """Load a bag into arrays.

    Args:
        reader: the bag; skipped messages are added to its ``problems``.

    Raises:
        BagError: the bag is from before the renaming of messages.
    """
    check_version(reader)
    run = Run(reader, dict(reader.info))
    names = {wanted.name: topics.find(reader, wanted) for wanted in topics.FIXED}
    messages, mocap = _collect(reader, names)
    run.begin, run.duration = _begin(reader, messages)
    build: list[tuple[Topic, str, Callable[[list[BagMessage], float], Any]]] = [
        (topics.STATE, "state", _motion),
        (topics.TRUTH, "truth", _motion),
        (topics.GOAL, "goals", _goals),
        (topics.PLAN, "plans", _plans),
        (topics.STATUS, "status", _status),
        (topics.SUPERVISOR, "modes", _modes),
        (topics.WALKER, "commands", _commands),
        (topics.COMMANDS, "targets", _targets),
        (topics.JOINTS, "readings", _joints),
    ]
    run.settings = settings_from_messages(
        messages.pop(topics.PARAMETERS.name, []), names[topics.PARAMETERS.name], reader.problems
    )
    run.cycles = _cycles(reader, run.settings, messages.pop(topics.CYCLE.name, []))
    for topic, attribute, function in build:
        rows = messages.pop(topic.name, [])  # freed when it is converted
        if not rows:
            continue
        try:
            setattr(run, attribute, function(rows, run.begin))
            run.delays[topic.name] = _delay(rows, run.begin)
        except MALFORMED as error:
            reader.problems.append(
                f"{names[topic.name]}: skipped: its messages are of another version ({error})"
            )
    run.mocap = {body: _capture(rows, run.begin) for body, rows in mocap.items()}
    return run


def _collect(
    reader: BagReader, names: dict[str, str]
) -> tuple[dict[str, list[BagMessage]], dict[str, list[BagMessage]]]:
    """Read the bag once; return messages by relative topic name, and motion capture by body."""
    wanted = (
        topics.GOAL, topics.PLAN, topics.STATUS, topics.SUPERVISOR, topics.WALKER,
        topics.PARAMETERS, topics.CYCLE, *_FAST,
    )  # fmt: skip
    relative = {names[t.name]: t.name for t in wanted if names[t.name]}
    bodies = {name: topics.topic_body(name) for name in reader.topics if topics.topic_body(name)}
    rates = {names[t.name]: _RATE for t in _FAST if names[t.name]}
    messages: dict[str, list[BagMessage]] = {}
    mocap: dict[str, list[BagMessage]] = {}
    for message in reader.messages({**relative, **bodies}, rates):
        if message.topic in relative:
            messages.setdefault(relative[message.topic], []).append(message)
        else:
            mocap.setdefault(bodies[message.topic], []).append(message)
    for name in [n for n in messages if n not in (topics.PARAMETERS.name, topics.CYCLE.name)]:
        rows = keep_valid(reader, names[name], messages[name], check_of(name))
        messages[name] = common_shape(rows) if name == topics.STATUS.name else rows
    for body, rows in mocap.items():
        mocap[body] = keep_valid(reader, topics.mocap(body).name, rows, check_pose)
    return messages, {body: rows for body, rows in mocap.items() if rows}


def _cycles(
    reader: BagReader, settings: list[Settings], messages: list[BagMessage]
) -> list[CycleRecord]:
    """Return the planning cycles; without the planner's parameters add a problem instead."""
    if not topics.find(reader, topics.CYCLE):
        return []
    try:
        return Replay(reader, settings, messages).records
    except BagError as error:
        reader.problems.append(str(error))
        return []


def _capture(rows: list[BagMessage], begin: float) -> Body:
    """Return the poses of one body in motion capture."""
    poses = [row.data.pose for row in rows]
    quaternions = np.array([[*_xyz(p.orientation), p.orientation.w] for p in poses])
    return Body(
        time=_times(rows, begin),
        position=np.array([_xyz(p.position) for p in poses]),
        orientation=wxyz_from_xyzw(quaternions),
    )


def _delay(rows: list[BagMessage], begin: float) -> Delay:
    """Return the age of messages at their receipt, where both times are from the same clock."""
    received = np.array([row.time for row in rows])
    delay = received - np.array([_stamp(row) for row in rows])
    return Delay(received - begin, np.where(delay == 0.0, np.nan, delay))


def _begin(reader: BagReader, messages: dict[str, list[BagMessage]]) -> tuple[float, float]:
    """Return the clock time of the first goal (or of the first message) and the bag's duration."""
    if not reader.topics:
        return 0.0, 0.0
    first, last = _span(reader)
    goals = messages.get(topics.GOAL.name)
    return (_stamp(goals[0]) if goals else first), max(last - first, 0.0)


def _span(reader: BagReader) -> tuple[float, float]:
    """Return first and last time of the bag [s], without outliers."""
    firsts = np.array([topic.first for topic in reader.topics.values()]) * 1e-9
    lasts = np.array([topic.last for topic in reader.topics.values()]) * 1e-9
    middle = float(np.median(lasts))
    firsts, lasts = (
        times[np.abs(times - middle) <= _LONGEST_RUN] if len(times) else times
        for times in (firsts, lasts)
    )
    last = float(lasts.max(initial=middle))
    return float(firsts.min(initial=last)), last


def _stamp(message: BagMessage) -> float:
    """Return the stamp of a message, or its time of receipt if it has no stamp."""
    stamp = message.data.header.stamp
    time = float(stamp.sec + 1e-9 * stamp.nanosec)
    return time if abs(time - message.time) < _SAME_CLOCK else message.time


def _times(rows: list[BagMessage], begin: float) -> Array:
    return np.array([_stamp(row) for row in rows]) - begin


def _seconds(stamp: Any, begin: float) -> float:
    return float(stamp.sec + 1e-9 * stamp.nanosec) - begin


def _xyz(vector: Any) -> tuple[float, float, float]:
    return vector.x, vector.y, vector.z


def _body(times: Array, items: list[Any], ages: list[float], variances: list[Any]) -> Body:
    """Return the motion in messages with a pose and a twist."""
    quaternions = np.array([[*_xyz(i.pose.orientation), i.pose.orientation.w] for i in items])
    return Body(
        time=times,
        position=np.array([_xyz(i.pose.position) for i in items]),
        orientation=wxyz_from_xyzw(quaternions),
        linear=np.array([_xyz(i.twist.linear) for i in items]),
        angular=np.array([_xyz(i.twist.angular) for i in items]),
        age=np.array(ages),
        deviation=np.sqrt(np.maximum(np.array(variances)[:, :3], 0.0)),
    )


def _motion(rows: list[BagMessage], begin: float) -> Motion:
    times = _times(rows, begin)
    states = [row.data for row in rows]
    motion = Motion(
        base=_body(times, states, [s.base_age for s in states], [s.covariance for s in states]),
        joints=np.array([s.joint_position for s in states]),
    )
    found: dict[str, list[tuple[float, Any]]] = {}
    for time, state in zip(times, states, strict=True):
        for item in state.objects:
            found.setdefault(item.name, []).append((float(time), item))
    for name, entries in found.items():
        items = [item for _, item in entries]
        when = np.array([time for time, _ in entries])
        motion.objects[name] = _body(
            when, items, [i.age for i in items], [i.covariance for i in items]
        )
    return motion


def _goals(rows: list[BagMessage], begin: float) -> list[tuple[float, Array]]:
    goals: list[tuple[float, Array]] = []
    for row in rows:
        pose = row.data.pose
        quaternion = np.array([*_xyz(pose.orientation), pose.orientation.w])
        yaw = float(yaw_from_quat(wxyz_from_xyzw(quaternion)))
        goals.append((_stamp(row) - begin, np.array([pose.position.x, pose.position.y, yaw])))
    return goals


def _plans(rows: list[BagMessage], begin: float) -> Plans:
    plans = [row.data for row in rows]
    return Plans(
        id=np.array([p.id for p in plans], dtype=np.float64),
        time=np.array([row.time for row in rows]) - begin,
        start=np.array([_seconds(p.start, begin) for p in plans]),
        expiry=np.array([_seconds(p.expiry, begin) for p in plans]),
        knots=[np.asarray(p.knots).reshape(-1, 3) for p in plans],
        knot_dt=np.array([p.knot_dt for p in plans]),
        order=int(plans[-1].order),
        cost=np.array([p.cost for p in plans]),
    )


# Fields of PlannerStatus in bags of version 0.1.0, with their current names.
_FORMER_FIELDS = {"samples": "num_rollouts"}


def _status(rows: list[BagMessage], begin: float) -> Status:
    cycles = [row.data for row in rows]
    status = Status(
        time=_times(rows, begin),
        hold=[c.hold_reason for c in cycles],
        task=cycles[-1].task,
        optimizer=cycles[-1].optimizer,
    )
    for name, value in vars(cycles[0]).items():
        if isinstance(value, int | float) or (
            isinstance(value, np.ndarray) and name != "term_values"
        ):
            column = np.array([getattr(c, name) for c in cycles], dtype=np.float64)
            status.values[_FORMER_FIELDS.get(name, name)] = column
    status.missed = np.diff(status["misses"], prepend=status["misses"][0]) > 0
    names = dict.fromkeys(name for c in cycles for name in c.term_names)
    for name in names:
        status.terms[name] = np.array(
            [dict(zip(c.term_names, c.term_values, strict=False)).get(name, np.nan) for c in cycles]
        )
    return status


def _modes(rows: list[BagMessage], begin: float) -> Modes:
    last = rows[-1].data
    counts = zip(last.counter_names, last.counter_values, strict=False)
    return Modes(
        time=_times(rows, begin),
        name=[row.data.name for row in rows],
        reasons=[list(row.data.reasons) for row in rows],
        counters={name: int(value) for name, value in counts},
        period_p99=float(last.period_p99),
        latency_p99=float(last.latency_p99),
    )


def _commands(rows: list[BagMessage], begin: float) -> Commands:
    return Commands(_times(rows, begin), np.array([row.data.command for row in rows]))


def _targets(rows: list[BagMessage], begin: float) -> Joints:
    """Return joint commands; the target angle is NaN for a joint without position gain."""
    targets = _joints(rows, begin)
    held = np.array([row.data.kp for row in rows]) > 0.0
    targets.position = np.where(held, targets.position, np.nan)
    return targets


def _joints(rows: list[BagMessage], begin: float) -> Joints:
    whole = [row for row in rows if len(row.data.position) == 12]
    return Joints(
        time=_times(whole, begin),
        position=_twelve(row.data.position for row in whole),
        velocity=_twelve(row.data.velocity for row in whole),
        effort=_twelve(row.data.effort for row in whole),
    )


def _twelve(values: Iterable[Array]) -> Array:
    """Stack arrays (12,); arrays missing in a message become NaN."""
    rows = [v if len(v) == 12 else np.full(12, np.nan) for v in values]
    return np.array(rows).reshape(-1, 12)
