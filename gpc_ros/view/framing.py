"""Compute the first camera of a new page: all bodies in view, beside the panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array

FOV = 0.8  # vertical field of view [rad]
# Size that a page is assumed to have until its browser reports one [px].
DEFAULT_SIZE = (1280, 800)
_PANEL = 350.0  # width of the panel with its margin, on the right [px]
_MOBILE = 576.0  # narrower pages have the panel at the bottom, over about half of the height [px]
_MARGIN = 0.03  # free border, as a fraction of the size
_MIN_WIDTH = 80.0  # of the free area, on any page [px]
_DIRECTION = np.array([1.2, 1.5, -1.5])


@dataclass(frozen=True, eq=False)
class View:
    """A camera: its position (3,) and the point that it looks at (3,), map frame [m]."""

    position: Array
    look_at: Array


def frame(centres: Array, radii: Array, size: tuple[int, int] = DEFAULT_SIZE) -> View:
    """Return the nearest camera that sees all spheres outside of the panel.

    The viewing direction is fixed, so "a sphere is inside one side of the view" is a linear
    inequality in the camera's position, and the farthest forward position has a closed form.

    Args:
        centres: of the spheres (N, 3) [m].
        radii: of the spheres (N,) [m].
        size: of the page, width and height [px].
    """
    forward = _DIRECTION / np.linalg.norm(_DIRECTION)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    left, rightmost, bottom, top = _free_area(size)
    depth = centres @ forward
    forward_x, x = _limit(centres @ right, depth, radii, left, rightmost)
    forward_y, y = _limit(centres @ up, depth, radii, bottom, top)
    g = min(forward_x, forward_y)
    position = x(g) * right + y(g) * up + g * forward
    return View(position, position + (float(depth.mean()) - g) * forward)


def _free_area(size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of the area beside the panel, as slopes of rays."""
    width, height = float(max(size[0], 1)), float(max(size[1], 1))
    edge_x, edge_y = _MARGIN * width, _MARGIN * height
    if width < _MOBILE:
        right, bottom = width - edge_x, 0.5 * height
    else:
        right, bottom = max(width - _PANEL, _MIN_WIDTH), height - edge_y
    scale = np.tan(0.5 * FOV) / (0.5 * height)
    return (
        (edge_x - 0.5 * width) * scale,
        (right - 0.5 * width) * scale,
        (0.5 * height - bottom) * scale,
        (0.5 * height - edge_y) * scale,
    )


class _Middle:
    """The position across the view that leaves equal room on both sides, by forward position."""

    def __init__(self, high: float, low: float, slopes: tuple[float, float]) -> None:
        self._high, self._low, self._slopes = high, low, slopes

    def __call__(self, g: float) -> float:
        return 0.5 * (self._high + self._slopes[1] * g + self._low + self._slopes[0] * g)


def _limit(
    across: Array, depth: Array, radii: Array, low: float, high: float
) -> tuple[float, _Middle]:
    """Return the farthest forward position for one axis of the view, and the position across.

    Args:
        across: coordinates along the axis (N,) [m].
        depth: coordinates along the viewing direction (N,) [m].
        radii: (N,) [m].
        low: slope of the ray at the lower side.
        high: slope of the ray at the upper side.
    """
    above = float(np.max(across + radii * np.hypot(1.0, high) - high * depth))
    below = float(np.min(across - radii * np.hypot(1.0, low) - low * depth))
    return (below - above) / (high - low), _Middle(above, below, (low, high))
