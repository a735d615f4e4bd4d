"""What a run was made with: kept in the bag, shown in the report."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from gpc_ros import __version__

_PACKAGES = ("mujoco", "numpy", "rclpy", "rosbags")


def run_info(settings: Mapping[str, object]) -> dict[str, str]:
    """Return what a bag should know of its run, as texts.

    Args:
        settings: what the run was started with; the report reads ``task``, ``task_params`` and
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
