"""Validate readings, estimates and plans on arrival, and keep the newest of each.

An invalid input is dropped, counted and described, and its source then counts as silent; nothing
raises.
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
# After a jump of the clock, stamps more than this before it belong to the time before [s].
_LAG = 0.1
# The clock of the stamps decides the end of a plan to the cycle; the monotonic one follows [s].
_ROUNDING = 1e-6

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
# Only the fields of an estimate that the bridge uses: the joints come from the reading.
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
    """The newest valid inputs, and counts of the refused ones.

    Args:
        task: plans of another task are refused.
        plan_life: longest time that any plan is followed after its arrival [s].

    Attributes:
        reading: of the robot's own sensors; None if there was none yet.
        estimate: newest estimate; None before the first and after a jump of the clock.
        plan: newest plan; None before the first and after a jump of the clock.
        reading_time: when the reading was measured, monotonic [s].
        state_time: time of the estimate, monotonic [s].
        plan_end: end of the plan, on the clock of the stamps [s].
        plan_timeout: end of the plan, monotonic [s].
        base_seen: when motion capture last saw the base according to the estimate, monotonic [s];
            infinite without an estimate.
        object_seen: the same of the object that was unseen longest; infinite without objects [s].
        tilt: of the base in the reading [rad].
        height: of the base in the estimate [m].
        counters: dropped and refused inputs, by source.
        refusals: reason of the last refusal of each source, in plain words.
    """

    def __init__(self, task: str, plan_life: float) -> None:
        """Start with nothing."""
        self._task, self._plan_life = task, plan_life
        self._reading_check, self._state_check = _Record(_READING), _Record(_STATE)
        self.reading: RobotReading | None = None
        self.estimate: SceneState | None = None
        self.plan: Plan | None = None
        self.reading_time = self.state_time = -math.inf
        self.plan_end = self.plan_timeout = -math.inf
        self.base_seen = self.object_seen = math.inf
        self._reading_stamp = self._state_stamp = -math.inf  # the next one must be newer
        self.tilt, self.height = 0.0, math.inf
        self.counters = {"readings_dropped": 0, "states_dropped": 0, "plans_refused": 0}
        self.refusals: dict[str, str] = {}

    def restart(self, now: float, elapsed: float) -> None:
        """Drop estimate and plan: the clock of their stamps has jumped.

        The last reading stays as if it had arrived now, and the robot must go on reporting.
        Inputs that arrive later with a stamp of the time before the jump are refused.

        Args:
            now: time of the clock after its jump [s].
            elapsed: monotonic time [s].
        """
        self.estimate = self.plan = None
        self.height = math.inf
        self.base_seen = self.object_seen = math.inf
        self._reading_stamp = self._state_stamp = now - _LAG
        self.state_time = self.plan_end = self.plan_timeout = -math.inf
        if self.reading is not None:
            self.reading_time = elapsed

    def set_reading(self, reading: RobotReading, received: float, elapsed: float) -> bool:
        """Take in a reading of the robot; return False if it was dropped.

        It is dropped if a value is not finite or has a wrong length, or if the stamp is not newer
        than the last one or lies in the future.

        Args:
            reading: of any content.
            received: when it arrived, on the clock of its stamp [s].
            elapsed: when it arrived, monotonic [s].
        """
        try:
            stamp = _check_stamp(reading.stamp, self._reading_stamp, received)
            self._reading_check.check(reading)
            _check_number("battery", reading.battery)
            self.tilt = _tilt(reading.orientation)
        except _BAD as error:
            return self._refuse("readings_dropped", f"reading: {error}")
        self.reading, self._reading_stamp = reading, stamp
        self.reading_time = _measured(stamp, received, elapsed)
        return True

    def set_state(self, state: SceneState, received: float, elapsed: float) -> bool:
        """Take in an estimate; return False if it was dropped, see :meth:`set_reading`."""
        try:
            stamp = _check_stamp(state.stamp, self._state_stamp, received)
            self._state_check.check(state)
            _tilt(state.orientation)
            base_age = _age("base", state.base_age)
            ages = [_age(name, thing.age) for name, thing in state.objects.items()]
        except _BAD as error:
            return self._refuse("states_dropped", f"state: {error}")
        self.estimate, self._state_stamp = state, stamp
        self.state_time = _measured(stamp, received, elapsed)
        self.height = float(state.position[2])
        self.base_seen = self.state_time - base_age
        self.object_seen = self.state_time - max(ages) if ages else math.inf
        return True

    def set_plan(self, plan: Plan, received: float, elapsed: float) -> bool:
        """Take in a plan; return False if it was refused, see :meth:`set_reading`.

        It is refused if it is for another task or robot, not newer than the last one, or expired.
        A restarted planner counts from one again: once the last plan has expired any id is
        accepted.
        """
        try:
            self._check_plan(plan, received)
        except _BAD as error:
            return self._refuse("plans_refused", f"plan: {error}")
        self.plan = plan
        self.plan_end = min(plan.expiry, received + self._plan_life)
        self.plan_timeout = elapsed + (self.plan_end - received) + _ROUNDING
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
        """Drop an accepted plan that cannot be evaluated."""
        self.plan, self.plan_end = None, -math.inf
        self._refuse("plans_refused", f"plan: {why}")

    def _refuse(self, what: str, why: str) -> bool:
        self.counters[what] += 1
        self.refusals[what] = why
        return False


# Exceptions that a malformed record can raise during validation.
_BAD = (InputError, AttributeError, TypeError, ValueError)


def _check_stamp(stamp: float, last: float, received: float) -> float:
    """Return a stamp [s] that is newer than the last one and not from the future."""
    if last < stamp <= received + FUTURE:
        return stamp
    if stamp > received + FUTURE:
        raise InputError(f"stamp {stamp} s is {stamp - received:.3f} s ahead of the clock")
    raise InputError(f"stamp {stamp} s is not newer than the last one, {last} s")


def _measured(stamp: float, received: float, elapsed: float) -> float:
    """Return when a message was measured, monotonic [s]: its age on arrival before ``elapsed``."""
    return elapsed - max(received - stamp, 0.0)


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
