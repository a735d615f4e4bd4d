"""Outlines from above: primitives, unions, concave bodies and meshes."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.arrays import Array
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.report.footprint import object_outline, union_outline
from gpc_ros.tasks import build_model, make_task


def area(loops: list[Array]) -> float:
    """Return the enclosed area: holes are clockwise and count negative."""
    total = 0.0
    for loop in loops:
        x, y = loop.T
        total += 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    return total


def rectangle(x: float, y: float, width: float, height: float) -> Array:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])


def body(*geoms: dict) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    thing = spec.worldbody.add_body(name="thing")
    for geom in geoms:
        thing.add_geom(**geom)
    return spec.compile()


def test_outline_of_the_tasks_box_has_four_corners() -> None:
    model = build_model(make_task("box_push"), "plant", make_walker("trot").gains)
    (loop,) = object_outline(model, "box")
    corners = {(x, y) for x in (-0.2, 0.2) for y in (-0.2, 0.2)}
    assert set(map(tuple, loop.round(5))) == corners
    for unknown in (object_outline(None, "box"), object_outline(model, "ball")):
        assert [loop.shape for loop in unknown] == [(4, 2)]


def test_separate_parts_keep_separate_outlines() -> None:
    turned = [np.cos(np.pi / 8), 0.0, 0.0, np.sin(np.pi / 8)]
    loops = object_outline(
        body(
            {"type": mujoco.mjtGeom.mjGEOM_CYLINDER, "size": [0.1, 0.2, 0], "pos": [0.5, 0, 0]},
            {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": [0.1, 0.1, 0.1], "quat": turned},
        ),
        "thing",
    )
    assert sorted(len(loop) for loop in loops) == [4, 24]
    points = np.concatenate(loops)
    assert points[:, 0].max() == pytest.approx(0.6, abs=1e-5)
    assert points[:, 0].min() == pytest.approx(-0.1 * np.sqrt(2), abs=1e-5)


def test_outline_of_a_lying_capsule_has_its_length() -> None:
    lying = [np.cos(np.pi / 4), 0.0, np.sin(np.pi / 4), 0.0]
    (loop,) = object_outline(
        body({"type": mujoco.mjtGeom.mjGEOM_CAPSULE, "size": [0.1, 0.3, 0], "quat": lying}), "thing"
    )
    assert np.ptp(loop, axis=0) == pytest.approx([0.8, 0.2], abs=2e-3)


def test_concave_body_is_not_its_hull() -> None:
    box = mujoco.mjtGeom.mjGEOM_BOX
    (loop,) = object_outline(
        body(
            {"type": box, "size": [0.3, 0.1, 0.1]},
            {"type": box, "size": [0.1, 0.2, 0.1], "pos": [-0.2, 0.2, 0.0]},
        ),
        "thing",
    )
    assert len(loop) == 6  # an L
    assert area([loop]) == pytest.approx(0.6 * 0.2 + 0.2 * 0.3, abs=1e-4)


def test_frame_has_a_hole() -> None:
    loops = union_outline(
        [rectangle(0, 0, 3, 1), rectangle(0, 2, 3, 1), rectangle(0, 0, 1, 3), rectangle(2, 0, 1, 3)]
    )
    assert sorted(len(loop) for loop in loops) == [4, 4]
    assert area(loops) == pytest.approx(8.0, abs=1e-3)


def test_concave_mesh_has_a_concave_outline(tmp_path: Path) -> None:
    corners = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
    vertices = [(x, y, z) for z in (0.0, 0.5) for x, y in corners]
    top = [(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5)]
    faces = [tuple(i + 6 for i in f) for f in top] + [f[::-1] for f in top]
    for i in range(6):
        j = (i + 1) % 6
        faces += [(i, j, j + 6), (i, j + 6, i + 6)]
    file = tmp_path / "mesh.obj"
    file.write_text(
        "".join(f"v {x} {y} {z}\n" for x, y, z in vertices)
        + "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in faces)
    )
    spec = mujoco.MjSpec()
    spec.add_mesh(name="l", file=str(file), inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_EXACT)
    spec.worldbody.add_body(name="thing").add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH, meshname="l", mass=1.0
    )
    loops = object_outline(spec.compile(), "thing")
    assert area(loops) == pytest.approx(3.0, abs=1e-3)
    assert [len(loop) for loop in loops] == [6]


@given(
    st.lists(st.tuples(*[st.integers(0, 5)] * 2, *[st.integers(1, 3)] * 2), min_size=1, max_size=6)
)
def test_union_has_the_covered_area(boxes: list[tuple[int, int, int, int]]) -> None:
    cells = {(x + i, y + j) for x, y, w, h in boxes for i in range(w) for j in range(h)}
    loops = union_outline([rectangle(*box) for box in boxes])
    assert area(loops) == pytest.approx(len(cells), abs=1e-2)
