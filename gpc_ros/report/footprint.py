"""Outlines of a task's objects from above, taken from its MuJoCo model, concave ones included."""

from __future__ import annotations

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array

# Half size of the square for a body without a model [m].
_UNKNOWN_HALF = 0.2
_ROUND = 24  # points of a circle
# A mesh with more faces is drawn as its hull: the union's time grows with their square.
_MAX_FACES = 4_000
# Distance from an edge at which its coverage is tested [m].
_OFFSET = 1e-6


def object_outline(model: mujoco.MjModel | None, body: str) -> list[Array]:
    """Return the outline of a body from above, in its own frame [m].

    Args:
        model: the scene; None draws a square.
        body: name of the body.

    Returns:
        Closed loops (M, 2): outer ones counter-clockwise, holes clockwise.
    """
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, body) if model is not None else -1
    if model is None or index < 0:
        return [_UNKNOWN_HALF * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], dtype=float)]
    first, number = model.body_geomadr[index], model.body_geomnum[index]
    parts = [part for geom in range(first, first + number) for part in _parts(model, geom)]
    return union_outline(parts)


def _parts(model: mujoco.MjModel, geom: int) -> list[Array]:
    """Return convex polygons (M, 2), counter-clockwise, that a geom covers from above."""
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])

    def flat(points: Array) -> Array:
        placed: Array = points @ rotation.reshape(3, 3).T + model.geom_pos[geom]
        return placed[..., :2]

    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH:
        triangles = flat(_triangles(model, int(model.geom_dataid[geom])))
        upward = triangles[_areas(triangles) > 1e-10]
        if 0 < len(upward) <= _MAX_FACES:
            return list(upward)
        return [_hull(triangles.reshape(-1, 2))]
    return [_hull(flat(_surface(model, geom)))]


def _triangles(model: mujoco.MjModel, mesh: int) -> Array:
    """Return the faces (F, 3, 3) of a mesh in its own frame."""
    vertices = model.mesh_vert[model.mesh_vertadr[mesh] :][: model.mesh_vertnum[mesh]]
    faces = model.mesh_face[model.mesh_faceadr[mesh] :][: model.mesh_facenum[mesh]]
    triangles: Array = vertices[faces].astype(np.float64)
    return triangles


def _areas(triangles: Array) -> Array:
    """Return signed areas (F,) of triangles (F, 3, 2), positive counter-clockwise."""
    a, b = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    areas: Array = 0.5 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    return areas


def _surface(model: mujoco.MjModel, geom: int) -> Array:
    """Return points (M, 3) on a primitive, in its own frame, whose hull is the primitive."""
    kind, size = model.geom_type[geom], model.geom_size[geom]
    angles = np.linspace(0.0, 2.0 * np.pi, _ROUND, endpoint=False)
    ring = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(_ROUND)])
    heights = np.sin(np.linspace(-0.5 * np.pi, 0.5 * np.pi, _ROUND // 2 + 1))[:, None, None]
    ball = (ring * np.sqrt(1.0 - heights**2) + heights * [0.0, 0.0, 1.0]).reshape(-1, 3)
    up = np.array([0.0, 0.0, size[1]])
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        signs = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), axis=-1).reshape(-1, 3)
        points: Array = signs * size
    elif kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        points = np.concatenate([size[0] * ring + up, size[0] * ring - up])
    elif kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        points = np.concatenate([size[0] * ball + up, size[0] * ball - up])
    elif kind == mujoco.mjtGeom.mjGEOM_ELLIPSOID:
        points = ball * size
    else:
        points = ball * (size[0] or model.geom_rbound[geom])
    return points


def union_outline(parts: list[Array]) -> list[Array]:
    """Return the outline of the union of convex polygons.

    Every edge, moved outward by ``_OFFSET``, is cut where another polygon covers it; the pieces
    that remain are the border and are joined into loops.

    Args:
        parts: polygons (M, 2), counter-clockwise.
    """
    pieces: list[Array] = []
    for i, part in enumerate(parts):
        # Of edges that coincide only that of the first part remains.
        before, others = parts[:i], [*parts[:i], *parts[i + 1 :]]
        for a, b in zip(part, np.roll(part, -1, axis=0), strict=True):
            pieces += _uncovered(a, b, others, before)
    return _loops(pieces)


def _uncovered(a: Array, b: Array, outside: list[Array], inside: list[Array]) -> list[Array]:
    """Return the pieces (2, 2) of an edge that no polygon covers.

    Args:
        a: begin of the edge (2,), the interior on its left.
        b: end of the edge (2,).
        outside: polygons that are tested just outside of the edge.
        inside: polygons that are tested just inside of it.
    """
    way = b - a
    length = float(np.hypot(*way))
    if length < 1e-9:
        return []
    shift = _OFFSET * np.array([way[1], -way[0]]) / length
    tests = [(a + shift, polygon) for polygon in outside]
    tests += [(a - shift, polygon) for polygon in inside]
    found = (_clip(start, way, polygon) for start, polygon in tests)
    covered = sorted(span for span in found if span is not None)
    pieces, position = [], 0.0
    for low, high in [*covered, (1.0, 1.0)]:
        if low - position > 1e-5:
            pieces.append(np.array([a + position * way, a + low * way]))
        position = max(position, high)
    return pieces


def _clip(start: Array, way: Array, polygon: Array) -> tuple[float, float] | None:
    """Return the part of a segment, as shares of its length, inside a convex polygon."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    normals = np.column_stack([-edges[:, 1], edges[:, 0]])  # inward
    distance = np.sum(normals * (start - polygon), axis=1)
    rate = normals @ way
    parallel = np.abs(rate) < 1e-15
    if (parallel & (distance < 0.0)).any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = -distance / rate
    low = max(0.0, float(np.max(crossing, where=~parallel & (rate > 0.0), initial=0.0)))
    high = min(1.0, float(np.min(crossing, where=~parallel & (rate < 0.0), initial=1.0)))
    return (low, high) if high - low > 1e-9 else None


def _loops(pieces: list[Array]) -> list[Array]:
    """Join directed pieces (2, 2) end to start into closed loops, without collinear points."""
    loops: list[Array] = []
    rest = np.array(pieces).reshape(-1, 2, 2)
    while len(rest):
        loop = [rest[0, 0], rest[0, 1]]
        rest = rest[1:]
        while len(rest):
            gaps = np.hypot(*(rest[:, 0] - loop[-1]).T)
            nearest = int(np.argmin(gaps))
            if float(np.hypot(*(loop[0] - loop[-1]))) <= gaps[nearest]:
                break
            loop.append(rest[nearest, 1])
            rest = np.delete(rest, nearest, axis=0)
        points = _simplified(np.array(loop[:-1]))
        if len(points) >= 3:
            loops.append(points)
    return loops


def _simplified(points: Array) -> Array:
    """Return a closed loop (M, 2) without the points on a straight line."""
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    bend = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    scale = np.hypot(*before.T) * np.hypot(*after.T)
    return points[np.abs(bend) > 1e-4 * scale]


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
