"""Settings, versions and machine, as recorded in result files."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np

from gpc_ros import __version__
from gpc_ros.common import config
from gpc_ros.common.config import flatten
from gpc_ros.planning.optimizers.optimizer_registry import OPTIMIZERS
from gpc_ros.planning.planner_config import PlannerConfig
from gpc_ros.proposal.monitor import VALUE_PARAMETERS
from gpc_ros.proposal.sampler import NONE


def plain_settings(
    settings: Any, task_overrides: Mapping[str, Any], optimizer: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all settings by dotted name, as read back from JSON.

    Args:
        settings: a dataclass of parameters; the planner's seed is left out, since each episode
            seeds its planner itself.
        task_overrides: parameters of the task by dotted name.
        optimizer: parameters of the optimizer by dotted name.
    """
    everything = {
        **{k: v for k, v in flatten(settings).items() if not k.endswith("planner.seed")},
        **{f"task.{k}": v for k, v in task_overrides.items()},
        **{f"optimizer.{k}": v for k, v in optimizer.items()},
    }
    plain: dict[str, Any] = json.loads(json.dumps(everything))
    return plain


def difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Describe the first setting that differs; empty if all are equal.

    Settings of a proposal that is switched off are not compared. Former names are read as current
    names.
    """
    there, here = _in_force(current_settings(there)), _in_force(here)
    for key in sorted({*there, *here}):
        if there.get(key) != here.get(key):
            return f"{key} is {there.get(key)!r} there and {here.get(key)!r} here"
    return ""


def current_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored settings with the current names of planner and optimizer parameters.

    Args:
        settings: by dotted name, as :func:`plain_settings` makes them.
    """
    chosen = next((v for k, v in settings.items() if k.endswith("planner.optimizer")), "")
    groups = {"planner": PlannerConfig()}
    if chosen in OPTIMIZERS:
        groups["optimizer"] = OPTIMIZERS[chosen][1]
    result: dict[str, Any] = {}
    for key, value in settings.items():
        match = re.fullmatch(r"((?:episode\.)?(planner|optimizer)\.)(.+)", key)
        if match is None or match[2] not in groups:
            result[key] = value
            continue
        named = config.current_values(groups[match[2]], {match[3]: value})
        result |= {match[1] + name: present for name, present in named.items()}
    return result


def _in_force(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that have an effect, given the switches among them."""
    idle: list[str] = []
    for key, value in settings.items():
        base = key.rpartition(".")[0]
        if key.endswith("proposal.file") and value == NONE:
            idle.append(f"{base}.")
        if key.endswith("proposal.cost_to_go") and value is False:
            idle += [f"{base}.health.{name}" for name in VALUE_PARAMETERS]
    return {
        k: v
        for k, v in settings.items()
        if k.endswith("proposal.file") or not k.startswith(tuple(idle))
    }


def made_with() -> dict[str, str]:
    """Return versions and machine."""
    return {
        "gpc_ros": __version__,
        "mujoco": mujoco.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
