"""Ranges of the entries of a walker's card, below the absolute ceilings of the robot."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from gpc_ros.common.errors import ModelFileError
from gpc_ros.robot import ceilings
from gpc_ros.robot.joints import JOINT_NAMES, LOWER, UPPER

if TYPE_CHECKING:
    from gpc_ros.locomotion.policy import Description

# Lowest and highest value of each number and of each entry of a list, with its unit.
_NUMBERS: dict[str, tuple[float, float, str]] = {
    "kp": (1.0, float(ceilings.KP.min()), "N m/rad"),
    "kd": (0.0, float(ceilings.KD.min()), "N m s/rad"),
    "cycle": (0.0, 1000.0, "periods"),
    "dead_band": (0.0, 0.5, "m/s"),
    "rate": (*ceilings.RATE, "Hz"),
}
_SCALE = (-math.pi, math.pi, "rad")
_FEATURE = 1000.0  # largest scale of a feature
_TRIM_GAIN = (0.0, 50.0, "1/s")
_COMMAND_UNITS = ("m/s", "m/s", "rad/s")
_SLEW_UNITS = ("m/s^2", "m/s^2", "rad/s^2")
# Smallest slew rate of a command [m/s^2, rad/s^2].
_LEAST_SLEW = 0.01
_LONGEST_NAME = 100


def check_ranges(description: Description) -> None:
    """Check that every number of a description is finite and below the robot's ceilings.

    Raises:
        ModelFileError: a number is not; the message names entry, value and range.
    """
    if not isinstance(description.name, str) or not 1 <= len(description.name) <= _LONGEST_NAME:
        raise ModelFileError(f"walker: its name must be a text of 1 to {_LONGEST_NAME} characters")
    for entry, value, low, high, unit in _entries(description):
        real = isinstance(value, Real) and not isinstance(value, bool)
        if not real or not low <= value <= high:
            raise ModelFileError(
                f"walker {description.name}: {entry} is {value!r}, it must be a number within "
                f"[{low:g}, {high:g}] {unit}".rstrip()
            )
    if not isinstance(description.cycle, Integral):
        raise ModelFileError(
            f"walker {description.name}: cycle is {description.cycle!r}, not a whole number"
        )


def _entries(d: Description) -> Iterator[tuple[str, Any, float, float, str]]:
    """Yield name, value, lowest and highest value and unit of every number."""
    for name, (low, high, unit) in _NUMBERS.items():
        yield name, getattr(d, name), low, high, unit
    for source, scale in d.features:
        yield f"scale of feature '{source}'", scale, -_FEATURE, _FEATURE, ""
    for joint, angle, scale in zip(d.joints, d.default, d.action_scale, strict=True):
        i = JOINT_NAMES.index(joint)
        yield f"default of {joint}", angle, float(LOWER[i]), float(UPPER[i]), "rad"
        yield f"action_scale of {joint}", scale, *_SCALE
    for i, (command, slew) in enumerate(zip(ceilings.COMMAND, ceilings.COMMAND_SLEW, strict=True)):
        units = _COMMAND_UNITS[i]
        # Zero is in every range: a walker must be able to stand.
        yield f"command_low[{i}]", d.command_low[i], -float(command), 0.0, units
        yield f"command_high[{i}]", d.command_high[i], 0.0, float(command), units
        yield f"trim_limit[{i}]", d.trim_limit[i], 0.0, float(command), units
        yield f"slew[{i}]", d.slew[i], _LEAST_SLEW, float(slew), _SLEW_UNITS[i]
        yield f"trim_gain[{i}]", d.trim_gain[i], *_TRIM_GAIN


def check_weights(name: str, arrays: dict[str, Any]) -> None:
    """Check that every weight of a network is finite.

    Raises:
        ModelFileError: a weight is not finite.
    """
    for key, values in arrays.items():
        if not np.isfinite(values).all():
            raise ModelFileError(f"walker {name}: {key} holds a value that is not finite")
