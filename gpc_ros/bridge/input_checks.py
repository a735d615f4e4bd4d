"""What the bridge knows: the newest reading, estimate and plan, each checked when it comes in.

What is wrong is dropped, counted and named, so that its source counts as silent; nothing raises.
"""

from __future__ import annotations

import math

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import InputError
from gpc_ros.planning.plan import ROBOT, Plan
from gpc_ros.robot.types import RobotReading, SceneState

# A stamp this far ahead of the clock is wrong, not early [s].
FUTURE = 0.05
# The squared length of a quaternion may be off by this much.
_UNIT = 0.05
# After a jump of the clock, what is stamped earlier than this before it is of the old time [s].
_LAG = 0.1

_READING = (
    ("position", 12),
    ("velocity", 12),
    ("effort", 12),
    ("temperature", 12),
    ("orientation", 4),
    ("angular_velocity", 3),
    ("linear_acceleration", 3),
    ("foot_force", 4),
)
# Of an estimate only what the bridge uses: the joints come from the reading.
_STATE = (
    ("position", 3),
    ("orientation", 4),
    ("linear_velocity", 3),
    ("angular_velocity", 3),
)


class _Record:
    """Checks the arrays of records of one kind, all of them in one go.

    Args:
        fields: name and length of each array.
    """

    def __init__(self, fields: tuple[tuple[str, int], ...]) -> None:
        self._slots: list[tuple[str, tuple[int], slice]] = []
        end = 0
        for name, size in fields:
            self._slots.append((name, (size,), slice(end, end + size)))
            end += size
        self._all = np.empty(end)

    def check(self, record: object) -> None:
        """Raise InputError that names a field of wrong length or with a bad value."""
        values = self._all
        for name, shape, slot in self._slots:
            value = getattr(record, name)
            if value.shape != shape:
                raise InputError(f"{name} has shape {value.shape}, expected {shape}")
            values[slot] = value
        if not np.isfinite(values).all():
            name = next(n for n, _, slot in self._slots if not np.isfinite(values[slot]).all())
            raise InputError(f"{name} is not finite")


class Inputs:
    """The newest of everything, and what was refused.

    Args:
        task: plans of another task are refused.
        plan_life: longest time that a plan is followed after it came, whatever it says [s].

    Attributes:
        reading: of the robot's own sensors; None if there was none yet.
        estimate: of where the robot is; None if there was none, or it was forgotten.
        plan: the newest one; None if there was none, or it was forgotten.
        reading_time: since when the reading is old [s]: its stamp, or when it came if earlier.
        state_time: the same of the estimate.
        plan_end: time from which the plan must not be followed [s].
        base_seen: when motion capture last saw the base, by the estimate; infinite without one [s].
        object_seen: the same of the object that was unseen longest; infinite without objects [s].
        tilt: of the base in the reading [rad].
        height: of the base in the estimate [m].
        counters: what was dropped or refused, by source.
        refusals: what was wrong with the last one of each source, in plain words.
    """

    def __init__(self, task: str, plan_life: float) -> None:
        """Start with nothing."""
        self._task, self._plan_life = task, plan_life
        self._reading_check, self._state_check = _Record(_READING), _Record(_STATE)
        self.reading: RobotReading | None = None
        self.estimate: SceneState | None = None
        self.plan: Plan | None = None
        self.reading_time = self.state_time = self.plan_end = -math.inf
        self.base_seen = self.object_seen = math.inf
        self._reading_stamp = self._state_stamp = -math.inf  # the next one must be newer
        self.tilt, self.height = 0.0, math.inf
        self.counters = {"readings_dropped": 0, "states_dropped": 0, "plans_refused": 0}
        self.refusals: dict[str, str] = {}

    def forget(self, now: float) -> None:
        """Drop what is stamped by a clock that has jumped to ``now`` [s].

        The last reading stays, as if it had come now: the robot is where it was, and has to go on
        reporting. What is still on its way with a stamp of the old time is refused from now on.
        """
        self.estimate = self.plan = None
        self.height = math.inf
        self.base_seen = self.object_seen = math.inf
        self._reading_stamp = self._state_stamp = now - _LAG
        self.state_time = self.plan_end = -math.inf
        if self.reading is not None:
            self.reading_time = now

    def set_reading(self, reading: RobotReading, received: float) -> bool:
        """Take in a reading of the robot; return False if it was dropped.

        It is dropped if a value is not finite or has a wrong length, or if the stamp is not newer
        than the last one or lies in the future.
        """
        try:
            stamp = _check_stamp(reading.stamp, self._reading_stamp, received)
            self._reading_check.check(reading)
            _check_number("battery", reading.battery)
            self.tilt = _tilt(reading.orientation)
        except _BAD as error:
            return self._refuse("readings_dropped", f"reading: {error}")
        self.reading, self._reading_stamp = reading, stamp
        self.reading_time = min(stamp, received)
        return True

    def set_state(self, state: SceneState, received: float) -> bool:
        """Take in an estimate; return False if it was dropped (as for readings)."""
        try:
            stamp = _check_stamp(state.stamp, self._state_stamp, received)
            self._state_check.check(state)
            _tilt(state.orientation)
            base_age = _age("base", state.base_age)
            ages = [_age(name, thing.age) for name, thing in state.objects.items()]
        except _BAD as error:
            return self._refuse("states_dropped", f"state: {error}")
        self.estimate, self._state_stamp = state, stamp
        self.state_time = min(stamp, received)
        self.height = float(state.position[2])
        self.base_seen = self.state_time - base_age
        self.object_seen = self.state_time - max(ages) if ages else math.inf
        return True

    def set_plan(self, plan: Plan, received: float) -> bool:
        """Take in a plan; return False if it was refused.

        It is refused if it is for another task or robot, not newer than the last one, or expired.
        A planner that was restarted counts from one again: once the last plan has expired any id
        is taken.
        """
        try:
            self._check_plan(plan, received)
        except _BAD as error:
            return self._refuse("plans_refused", f"plan: {error}")
        self.plan = plan
        self.plan_end = min(plan.expiry, received + self._plan_life)
        return True

    def _check_plan(self, plan: Plan, received: float) -> None:
        """Raise InputError if a plan must not be followed."""
        if plan.task != self._task:
            raise InputError(f"is for task '{plan.task}', this bridge runs '{self._task}'")
        if plan.robot != ROBOT:
            raise InputError(f"is for robot '{plan.robot}', this one is '{ROBOT}'")
        if not received < plan.expiry < math.inf:
            raise InputError(f"expired at {plan.expiry} s, it is {received} s")
        if self.plan is not None and received < self.plan_end and not plan.id > self.plan.id:
            raise InputError(f"id {plan.id} is not newer than {self.plan.id}")

    def drop_plan(self, why: str) -> None:
        """Refuse a plan that was taken but turns out to be of no use."""
        self.plan, self.plan_end = None, -math.inf
        self._refuse("plans_refused", f"plan: {why}")

    def _refuse(self, what: str, why: str) -> bool:
        self.counters[what] += 1
        self.refusals[what] = why
        return False


# What a record that is none raises on its way through the checks.
_BAD = (InputError, AttributeError, TypeError, ValueError)


def _check_stamp(stamp: float, last: float, received: float) -> float:
    """Return a stamp [s] that is newer than the last one and not from the future."""
    if last < stamp <= received + FUTURE:
        return stamp
    if stamp > received + FUTURE:
        raise InputError(f"stamp {stamp} s is {stamp - received:.3f} s ahead of the clock")
    raise InputError(f"stamp {stamp} s is not newer than the last one, {last} s")


def _age(name: str, age: float) -> float:
    """Return an age [s], which is finite and not negative."""
    if not 0.0 <= age < math.inf:
        raise InputError(f"age of {name} is {age} s")
    return float(age)


def _check_number(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise InputError(f"{name} is not finite")


def _tilt(quaternion: Array) -> float:
    """Return the angle [rad] between the z axis of an attitude (4,) wxyz and the vertical.

    Raises:
        InputError: the quaternion is not of unit length.
    """
    w, x, y, z = quaternion.tolist()
    square = w * w + x * x + y * y + z * z
    if not abs(square - 1.0) <= _UNIT:
        raise InputError(f"orientation {quaternion} is not a unit quaternion")
    cosine = 1.0 - 2.0 * (x * x + y * y) / square
    return math.acos(min(max(cosine, -1.0), 1.0))
