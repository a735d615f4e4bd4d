"""What ``gpc view`` shows in a browser: scene, paths, figures, time line, sliders. No ROS here."""

from __future__ import annotations

import importlib.util

from gpc_ros.common.errors import GpcError


def require_viser() -> None:
    """Raise GpcError where the optional library that makes the page is not installed."""
    missing = [name for name in ("viser", "trimesh") if importlib.util.find_spec(name) is None]
    if missing:
        raise GpcError(
            f"view: {' and '.join(missing)} is not installed: pip install 'gpc_ros[view]'"
        )
