"""Describe a run: settings, versions and machine, for the bag and the report."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from gpc_ros import __version__

_PACKAGES = ("mujoco", "numpy", "rclpy", "rosbags")


def run_info(settings: Mapping[str, object]) -> dict[str, str]:
    """Return the description of a run as texts.

    Args:
        settings: settings of the run; the report reads ``task``, ``task_params`` and
            ``seed``.
    """
    info = {name: str(value) for name, value in settings.items()}
    info["started"] = datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds")
    info["gpc_ros"] = __version__
    info["python"] = platform.python_version()
    for package in _PACKAGES:
        try:
            info[package] = version(package)
        except PackageNotFoundError:
            continue
    info["machine"] = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    return info
