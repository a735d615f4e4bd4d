"""The meshes of a model have MuJoCo's visible shapes and poses."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from gpc_ros.common.errors import ModelFileError
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.tasks import build_model, make_task
from gpc_ros.view import shapes

PRIMITIVES = """
<mujoco><worldbody><body>
  <geom type="box" size=".1 .2 .3" pos="1 2 3" euler="10 20 30"/>
  <geom type="sphere" size=".2"/>
  <geom type="ellipsoid" size=".1 .2 .3" euler="0 40 0"/>
  <geom type="capsule" size=".05" fromto="0 0 0 .3 .1 .2"/>
  <geom type="cylinder" size=".1 .2" euler="50 0 0"/>
  <geom type="box" size="9 9 9" group="3"/>
</body></worldbody></mujoco>
"""


@pytest.mark.parametrize("geom", range(5))
def test_a_mesh_fills_its_geom(geom: int) -> None:
    model = mujoco.MjModel.from_xml_string(PRIMITIVES)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    mesh = shapes.geom_mesh(model, geom)
    half = model.geom_aabb[geom, 3:]
    rotation = data.geom_xmat[geom].reshape(3, 3)
    local = (mesh.vertices - data.geom_xpos[geom]) @ rotation
    # A round shape is a polygon, a little smaller than the circle around it.
    np.testing.assert_allclose(local.max(axis=0), half, rtol=0.03)
    np.testing.assert_allclose(local.min(axis=0), -half, rtol=0.03)
    outwards = ((mesh.triangles_center - data.geom_xpos[geom]) * mesh.face_normals).sum(axis=1)
    assert (outwards > 0.0).all()


def test_collision_shapes_and_floors_are_not_drawn() -> None:
    model = mujoco.MjModel.from_xml_string(PRIMITIVES)
    assert list(shapes.visible_geoms(model, 1)) == [0, 1, 2, 3, 4]
    scene = build_model(make_task("box_push"), "plant", make_walker("trot").gains)
    assert list(shapes.visible_geoms(scene, 0)) == []
    assert shapes.body_glb(scene, 0) == b""


def test_every_part_of_the_robot_can_be_drawn() -> None:
    model = build_model(make_task("box_push"), "plant", make_walker("trot").gains)
    parts = shapes.robot_bodies(model)
    assert len(parts) == 13  # the base and four legs of three links
    for body in (*parts, model.body("box").id):
        assert shapes.body_glb(model, body)[:4] == b"glTF"


def test_a_scene_mesh_follows_the_configuration() -> None:
    model = build_model(make_task("box_push"), "plant", make_walker("trot").gains)
    qpos = model.qpos0.copy()
    qpos[19:22] = [1.0, 2.0, 0.175]
    mesh = shapes.scene_mesh(model, qpos, model.body("box").id)
    np.testing.assert_allclose(mesh.bounds, [[0.8, 1.8, 0.0], [1.2, 2.2, 0.35]], atol=1e-6)


def test_a_shape_that_cannot_be_drawn_is_named() -> None:
    model = mujoco.MjModel.from_xml_string(PRIMITIVES)
    model.geom_type[1] = mujoco.mjtGeom.mjGEOM_HFIELD
    with pytest.raises(ModelFileError, match="cannot draw a mjGEOM_HFIELD"):
        shapes.geom_mesh(model, 1)
