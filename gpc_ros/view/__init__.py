"""The page of ``gpc view``: scene, paths, status, time line and sliders. No ROS here."""

from __future__ import annotations

import importlib.util

from gpc_ros.common.errors import GpcError


def require_viser() -> None:
    """Raise GpcError if the optional libraries of the page are not installed."""
    missing = [name for name in ("viser", "trimesh") if importlib.util.find_spec(name) is None]
    if missing:
        raise GpcError(
            f"view: {' and '.join(missing)} is not installed: pip install 'gpc_ros[view]'"
        )
