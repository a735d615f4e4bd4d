"""The first view of a page: robot, object and goal are inside it and beside the panel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.arrays import Array
from gpc_ros.view.framing import FOV, View, frame

SIZES = {"desktop": (1280, 800), "small": (800, 600), "wide": (2560, 1080), "phone": (390, 844)}


def pixels(view: View, points: Array, size: tuple[int, int]) -> Array:
    """Return where points (N, 3) are drawn (N, 2) [px], as a pinhole camera with z up does."""
    forward = view.look_at - view.position
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    offset = points - view.position
    depth = offset @ forward
    assert (depth > 0.0).all()
    scale = 0.5 * size[1] / np.tan(0.5 * FOV)
    x, y = offset @ right / depth, offset @ np.cross(right, forward) / depth
    return np.column_stack([0.5 * size[0] + scale * x, 0.5 * size[1] - scale * y])


coordinates = st.tuples(*[st.floats(-5.0, 5.0)] * 2, st.floats(0.0, 1.0))


@given(st.lists(coordinates, min_size=1, max_size=5), st.sampled_from(sorted(SIZES)))
def test_everything_is_in_view_beside_the_panel(centres: list[tuple], name: str) -> None:
    size = SIZES[name]
    points, radii = np.array(centres), np.full(len(centres), 0.3)
    directions = np.random.default_rng(0).normal(size=(50, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    surface = (points[:, None] + 0.3 * directions).reshape(-1, 3)
    drawn = pixels(frame(points, radii, size), surface, size)
    right = size[0] if name == "phone" else size[0] - 340
    bottom = size[1] / 2 + 1 if name == "phone" else size[1]
    assert (drawn >= 0.0).all()
    assert (drawn[:, 0] <= right).all() and (drawn[:, 1] <= bottom).all()


def test_camera_is_no_farther_than_needed() -> None:
    points, radii = np.array([[0.0, 0.0, 0.3], [2.0, 1.0, 0.2]]), np.array([0.4, 0.3])
    drawn = pixels(frame(points, radii), points, (1280, 800))
    assert np.ptp(drawn, axis=0).max() > 200.0


@pytest.mark.parametrize("size", [(0, 0), (100, 100), (600, 50)])
def test_a_tiny_page_gets_a_finite_camera(size: tuple[int, int]) -> None:
    view = frame(np.zeros((1, 3)), np.ones(1), size)
    assert np.isfinite([view.position, view.look_at]).all()
