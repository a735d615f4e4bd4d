"""Parse texts of the command line and of launch arguments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import ConfigError

# Value of the argument goal for a run without a goal.
NO_GOAL = "none"


def parse_assignments(text: str, what: str) -> dict[str, str]:
    """Return ``"a.b=1,c=[1,2]"`` as ``{"a.b": "1", "c": "[1,2]"}``.

    Args:
        text: assignments separated by commas; commas inside brackets belong to a value.
        what: name of the argument for errors.

    Raises:
        ConfigError: a part is not of the form ``name=value``, or a name occurs twice.
    """
    parts, depth, part = [], 0, ""
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    parts.append(part)
    result: dict[str, str] = {}
    for entry in (p.strip() for p in parts):
        if not entry:
            continue
        name, equals, value = (s.strip() for s in entry.partition("="))
        if not equals or not name or not value:
            raise ConfigError(f"{what}: '{entry}' is not of the form name=value")
        if name in result:
            raise ConfigError(f"{what}: '{name}' is given twice")
        result[name] = value
    return result


def format_assignments(values: Mapping[str, str]) -> str:
    """Return assignments as the text that :func:`parse_assignments` reads."""
    return ",".join(f"{name}={value}" for name, value in values.items())


def parse_goal(text: str) -> Array:
    """Return ``"x,y,yaw"`` [m, m, rad] as an array (3,).

    Raises:
        ConfigError: the text is not three numbers.
    """
    try:
        goal = np.array([float(part) for part in text.split(",")])
    except ValueError:
        goal = np.empty(0)
    if goal.shape != (3,):
        raise ConfigError(f"goal:={text}: write it as x,y,yaw in m, m and rad, such as 1.5,0.5,0")
    return goal
