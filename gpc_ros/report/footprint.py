"""Outlines of a task's objects from above, taken from its MuJoCo model."""

from __future__ import annotations

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array

# Drawn for a body that no model describes [m].
_UNKNOWN_HALF = 0.2


def object_outline(model: mujoco.MjModel | None, body: str) -> Array:
    """Return the outline (M, 2) of a body in its own frame, seen from above [m].

    Args:
        model: the scene; None draws a square.
        body: name of the body.
    """
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, body) if model is not None else -1
    if model is None or index < 0:
        return _UNKNOWN_HALF * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], dtype=float)
    first, number = model.body_geomadr[index], model.body_geomnum[index]
    return _hull(np.vstack([_corners(model, geom) for geom in range(first, first + number)]))


def _corners(model: mujoco.MjModel, geom: int) -> Array:
    """Return points (M, 2) whose hull is the outline of a geom in its body's frame."""
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_BOX:
        size = model.geom_size[geom]
        signs = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), axis=-1).reshape(-1, 3)
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])
        points = (signs * size) @ rotation.reshape(3, 3).T
        corners: Array = points[:, :2] + model.geom_pos[geom, :2]
        return corners
    round_size = model.geom_size[geom, 0] or model.geom_rbound[geom]
    angles = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    circle: Array = round_size * np.column_stack([np.cos(angles), np.sin(angles)])
    return circle + model.geom_pos[geom, :2]


def _hull(points: Array) -> Array:
    """Return the convex hull (M, 2) of points (N, 2), counter-clockwise (monotone chain)."""
    ordered = sorted({(round(float(x), 6), round(float(y), 6)) for x, y in points})
    if len(ordered) < 3:
        return np.array(ordered)

    def half(chain: list[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for p in chain:
            while len(kept) >= 2 and _turn(kept[-2], kept[-1], p) <= 0.0:
                kept.pop()
            kept.append(p)
        return kept[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Return a positive number if a, b, c turn left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
