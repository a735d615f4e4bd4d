"""Reads a bag into snapshots for any time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np

from gpc_ros.bag import topics
from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import BagError, InputError
from gpc_ros.common.geometry import wxyz_from_xyzw
from gpc_ros.locomotion.registry import DEFAULT_WALKER
from gpc_ros.planning.plan import Plan
from gpc_ros.replay.load_run import load_run
from gpc_ros.replay.outcome import run_task
from gpc_ros.replay.run import Body, Motion
from gpc_ros.robot.types import ObjectState, SceneState
from gpc_ros.tasks.task import Task
from gpc_ros.view.snapshot import (
    Candidates,
    Cycle,
    Pose,
    Snapshot,
    candidates_from_msg,
    cycle_from_msg,
    plan_from_msg,
    start_from_msg,
)

# Motion capture is shown at this rate at most [Hz].
_MOCAP_RATE = 60.0
# A stamp this far from its time of receipt is from another clock [s].
_SAME_CLOCK = 60.0
# Type of the messages with the candidates of every cycle.
CYCLE_TYPE = "gpc_msgs/msg/PlannerCycle"


class Track:
    """Values by their time of receipt."""

    def __init__(self) -> None:
        """Start empty."""
        self._times: list[float] = []
        self._items: list[Any] = []

    def add(self, time: float, item: Any) -> None:
        """Append a value; after a backward jump of the clock the order stays."""
        self._times.append(max(time, self._times[-1]) if self._times else time)
        self._items.append(item)

    def at(self, time: float) -> Any | None:
        """Return the newest value at a time [s]; None before the first."""
        index = bisect_right(self._times, time) - 1
        return self._items[index] if index >= 0 else None


class BagScenes:
    """The snapshots of a bag.

    Attributes:
        run: the bag as arrays.
        task: its task.
        begin: first time of a state [s since the goal].
        end: last time of a state.
        walker: name of the walker in the bag, or of the default one.
    """

    def __init__(self, reader: BagReader) -> None:
        """Read all shown topics.

        Raises:
            BagError: the bag contains no state, or its task is unknown.
        """
        self.run = load_run(reader)
        task = run_task(self.run)
        if task is None:
            why = "; ".join(self.run.problems) or "it does not name its task"
            raise BagError(f"{reader.path}: cannot be shown: {why}")
        self.task: Task = task
        times = self.run.motion.base.time
        if not len(times):
            raise BagError(f"{reader.path}: cannot be shown: it contains no state of the robot")
        self.begin, self.end = float(times[0]), float(times[-1])
        self._plans, self._cycles = Track(), Track()
        self._candidates: dict[int, Candidates] = {}
        self._starts: dict[int, SceneState] = {}
        self._memories, self._modes = Track(), Track()
        self.walker = DEFAULT_WALKER
        self._mocap = {body: Track() for body in ("base", *task.bodies)}
        self._read(reader)
        for time, name, reasons in zip(
            self.run.modes.time, self.run.modes.name, self.run.modes.reasons, strict=True
        ):
            self._modes.add(float(time), (name, tuple(reasons)))
        self._goals = Track()
        for when, goal in self.run.goals:
            self._goals.add(when, goal)

    def at(self, time: float) -> Snapshot:
        """Return the moment at a time [s since the goal]."""
        plan: Plan | None = self._plans.at(time)
        cycle: Cycle | None = self._cycles.at(time)
        estimate = self.run.state if len(self.run.state.base.time) else self.run.motion
        begin = self.run.begin
        mode = self._modes.at(time) or ("", ())
        start = None
        if plan is not None and plan.expiry - begin < time:
            plan = None
        if plan is not None:
            start = self._starts.get(plan.id) or _state_at(estimate, plan.start - begin)
        return Snapshot(
            state=_state_at(self.run.motion, time),
            start=start,
            walker_state=None if plan is None else self._memories.at(plan.start - begin + 1e-6),
            goal=self._goals.at(time),
            mocap={body: p for body, t in self._mocap.items() if (p := t.at(time)) is not None},
            plan=plan,
            candidates=None if plan is None else self._candidates.get(plan.id),
            mode=mode[0],
            reasons=mode[1],
            cycle=cycle,
        )

    def _read(self, reader: BagReader) -> None:
        """Read whole plans, the walker's memory and motion capture, which the run's arrays lack."""
        wanted: dict[str, Callable[[float, Any], None]]
        wanted = {topics.PLAN.name: self._take_plan, topics.STATUS.name: self._take_cycle}
        wanted[topics.WALKER.name] = self._take_memory
        for body, track in self._mocap.items():
            wanted[topics.mocap(body).name] = _pose_taker(track)
        takers: dict[str, tuple[str, Callable[[float, Any], None]]] = {
            name: (key, take)
            for key, take in wanted.items()
            for name in reader.topics
            if f"/{name}".endswith(f"/{key}")
        }
        for name, topic in reader.topics.items():
            if topic.type == CYCLE_TYPE:
                takers[name] = (name, self._take_candidates)
        rates = {name: _MOCAP_RATE for name, (key, _) in takers.items() if key.startswith("mocap/")}
        for message in reader.messages(takers, rates):
            try:
                takers[message.topic][1](message.time - self.run.begin, message.data)
            except (InputError, AttributeError, TypeError, ValueError):
                problem = f"{message.topic}: skipped messages of another version"
                if problem not in reader.problems:
                    reader.problems.append(problem)

    def _take_plan(self, time: float, message: Any) -> None:
        self._plans.add(time, plan_from_msg(message))

    def _take_candidates(self, _time: float, message: Any) -> None:
        if message.id:
            knots = len(message.knots) // 3
            self._candidates[int(message.id)] = candidates_from_msg(message, knots)
            start = start_from_msg(message, self.task.bodies)
            if start is not None:
                self._starts[int(message.id)] = start

    def _take_cycle(self, time: float, message: Any) -> None:
        self._cycles.add(time, cycle_from_msg(message))

    def _take_memory(self, time: float, message: Any) -> None:
        """Store the walker's memory by the time of its step, at which rollouts begin."""
        stamp = message.header.stamp
        stepped = float(stamp.sec) + 1e-9 * float(stamp.nanosec) - self.run.begin
        time = stepped if abs(stepped - time) < _SAME_CLOCK else time
        self._memories.add(time, np.array(message.state, dtype=np.float64))
        self.walker = str(message.walker)


def _pose_taker(track: Track) -> Callable[[float, Any], None]:
    def take(time: float, message: Any) -> None:
        p, q = message.pose.position, message.pose.orientation
        track.add(
            time, Pose(np.array([p.x, p.y, p.z]), wxyz_from_xyzw(np.array([q.x, q.y, q.z, q.w])))
        )

    return take


def _state_at(motion: Motion, time: float) -> SceneState | None:
    """Return the newest state at a time [s]; None before the first."""
    base = motion.base
    index = int(np.searchsorted(base.time, time + 1e-9, side="right")) - 1
    if index < 0:
        return None
    return SceneState(
        stamp=float(base.time[index]),
        position=base.position[index],
        orientation=base.orientation[index],
        linear_velocity=base.linear[index],
        angular_velocity=base.angular[index],
        joint_position=motion.joints[index],
        joint_velocity=_rate(base.time, motion.joints, index),
        objects={
            name: thing
            for name, body in motion.objects.items()
            if (thing := _object_at(body, time)) is not None
        },
        base_age=float(base.age[index]),
    )


def _object_at(body: Body, time: float) -> ObjectState | None:
    index = int(np.searchsorted(body.time, time + 1e-9, side="right")) - 1
    if index < 0:
        return None
    return ObjectState(
        body.position[index],
        body.orientation[index],
        body.linear[index],
        body.angular[index],
        float(body.age[index]),
    )


def _rate(times: Array, values: Array, index: int) -> Array:
    """Return the rate of change (n,) of values (T, n) about an index, by differences."""
    first, last = max(index - 1, 0), min(index + 1, len(times) - 1)
    span = times[last] - times[first]
    result: Array = (values[last] - values[first]) / span if span > 0.0 else np.zeros(12)
    return result
