"""Absolute ceilings of every value sent to the Go2, per joint, independent of configuration.

The joint limiter of the bridge checks every command against them, and so does the driver process of
the robot's SDK. Parameters and cards of walkers can only request smaller values: they are checked
against the ceilings when they are loaded. Position, velocity and torque are the ratings of the
joints (``joints.py``). No source gives a largest gain, so the gain ceilings are twice the gains of
the stiffest walker here (kp 80 N m/rad), rounded up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import InputError
from gpc_ros.robot.joints import JOINT_NAMES, LOWER, TORQUE_LIMIT, UPPER, VELOCITY_LIMIT
from gpc_ros.robot.types import JointCommand

Float32Array = NDArray[np.float32]


def _frozen(values: object) -> Array:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


# Hip, thigh and calf of each leg.
KP = _frozen([200.0, 200.0, 200.0] * 4)  # [N m/rad]
KD = _frozen([10.0, 10.0, 10.0] * 4)  # [N m s/rad]
EFFORT = TORQUE_LIMIT  # feed-forward torque [N m]
VELOCITY = VELOCITY_LIMIT  # [rad/s]
STEP = _frozen([0.4, 0.4, 0.4] * 4)  # change of a position target in one cycle of 2 ms [rad]
# Walking command vx, vy [m/s], yaw rate [rad/s], and its change [m/s^2, m/s^2, rad/s^2].
COMMAND = _frozen([1.5, 1.0, 3.0])
COMMAND_SLEW = _frozen([10.0, 10.0, 20.0])
RATE = (10.0, 500.0)  # rate of a walker [Hz]

# Rows of a command on its way to the wire: name, unit, lowest and highest value (12,).
_ROWS = (
    ("position", "rad", LOWER, UPPER),
    ("velocity", "rad/s", -VELOCITY, VELOCITY),
    ("effort", "N m", -EFFORT, EFFORT),
    ("kp", "N m/rad", np.zeros(12), KP),
    ("kd", "N m s/rad", np.zeros(12), KD),
)
_LOW, _HIGH = (np.stack([row[i] for row in _ROWS]) for i in (2, 3))  # (5, 12)


def _inward(low: Array, high: Array) -> tuple[Float32Array, Float32Array]:
    """Return an interval in single precision that lies within the given interval."""
    below, above = low.astype(np.float32), high.astype(np.float32)
    below = np.where(below < low, np.nextafter(below, np.float32(np.inf)), below)
    above = np.where(above > high, np.nextafter(above, np.float32(-np.inf)), above)
    return below, above


_LOW_32, _HIGH_32 = _inward(_LOW, _HIGH)


def _stack(command: JointCommand) -> Array:
    """Return a command as an array (5, 12).

    Raises:
        InputError: a part has another length.
    """
    parts = [getattr(command, name) for name, *_ in _ROWS]
    for (name, *_), part in zip(_ROWS, parts, strict=True):
        if np.shape(part) != (12,):
            raise InputError(f"joint command: {name} has shape {np.shape(part)}, expected (12,)")
    return np.stack(parts).astype(np.float64, copy=False)


def check(command: JointCommand) -> Array:
    """Return a command as an array (5, 12): position, velocity, effort, kp, kd.

    The position of a joint without stiffness is not followed, so only stiff joints are checked.

    Raises:
        InputError: a value is not finite, a gain is negative, or a value is beyond its ceiling;
            the message names joint, value and ceiling.
    """
    rows = _stack(command)
    if not np.isfinite(rows).all():
        raise InputError("joint command: a value is not finite")
    beyond = (rows < _LOW) | (rows > _HIGH)
    beyond[0] &= rows[3] != 0.0
    if beyond.any():
        raise InputError(f"joint command: {_describe(rows, beyond)}")
    return rows


def _describe(rows: Array, beyond: NDArray[np.bool_]) -> str:
    """Return the first value that is beyond its ceiling, in plain words."""
    row, joint = (int(i[0]) for i in np.nonzero(beyond))
    name, unit, low, high = _ROWS[row]
    return (
        f"{name} of {JOINT_NAMES[joint]} is {rows[row, joint]:.6g} {unit}, outside the ceiling "
        f"[{low[joint]:g}, {high[joint]:g}] {unit}"
    )


def to_wire(command: JointCommand) -> Float32Array:
    """Return a command in single precision (5, 12), with every value within its ceiling.

    Rows are position, velocity, effort, kp, kd. The position of a joint without stiffness is
    moved into its range.

    Raises:
        InputError: as :func:`check`.
    """
    rows: Float32Array = np.minimum(
        np.maximum(check(command).astype(np.float32), _LOW_32), _HIGH_32
    )
    return rows


def limit_step(position: Float32Array, last: Float32Array) -> Float32Array:
    """Return position targets (12,) [rad] at most one step away from the previous targets."""
    before = last.astype(np.float64)
    low, high = _inward(before - STEP, before + STEP)
    limited: Float32Array = np.minimum(np.maximum(position, low), high)
    return limited
