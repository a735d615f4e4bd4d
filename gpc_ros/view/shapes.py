"""Converts the visible shapes of a MuJoCo model to meshes, one per body."""

from __future__ import annotations

from collections.abc import Iterator

import mujoco
import numpy as np
import trimesh
from trimesh.visual.material import PBRMaterial

from gpc_ros.common.arrays import Array, IntArray
from gpc_ros.common.errors import ModelFileError
from gpc_ros.robot.model import BASE_BODY

# Higher groups contain collision shapes, which are not drawn.
_LAST_VISIBLE_GROUP = 2
_ROUND = 16  # segments of a circle


def body_glb(model: mujoco.MjModel, body: int) -> bytes:
    """Return the visible shapes of one body in its own frame as binary glTF; empty if none."""
    scene = trimesh.Scene()
    for geom in visible_geoms(model, body):
        mesh = geom_mesh(model, geom)
        material = model.geom_matid[geom]
        rgba = model.geom_rgba[geom] if material < 0 else model.mat_rgba[material]
        mesh.visual = trimesh.visual.TextureVisuals(
            material=PBRMaterial(
                baseColorFactor=(255 * rgba).astype(np.uint8), metallicFactor=0.1,
                roughnessFactor=0.6,
            )
        )  # fmt: skip
        scene.add_geometry(mesh)
    if not scene.geometry:
        return b""
    return bytes(scene.export(file_type="glb", include_normals=True))


def body_mesh(model: mujoco.MjModel, body: int) -> trimesh.Trimesh:
    """Return the visible shapes of one body in its own frame as one mesh, without colours."""
    return _joined([geom_mesh(model, g) for g in visible_geoms(model, body)])


def scene_mesh(model: mujoco.MjModel, qpos: Array, root: int) -> trimesh.Trimesh:
    """Return the visible shapes of a body and its children as one mesh in the map frame.

    Args:
        model: the scene.
        qpos: its configuration (nq,).
        root: the body.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    parts = []
    for body in range(1, model.nbody):
        if model.body_rootid[body] != root or not list(visible_geoms(model, body)):
            continue
        mesh = body_mesh(model, body)
        mesh.apply_transform(_transform(data.xpos[body], data.xquat[body]))
        parts.append(mesh)
    return _joined(parts)


def _joined(parts: list[trimesh.Trimesh]) -> trimesh.Trimesh:
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return trimesh.Trimesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + o for part, o in zip(parts, offsets[:-1], strict=True)]),
        process=False,
    )


def visible_geoms(model: mujoco.MjModel, body: int) -> Iterator[int]:
    """Yield the visible geoms of a body."""
    first = int(model.body_geomadr[body])
    for geom in range(first, first + int(model.body_geomnum[body])):
        plane = model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_PLANE
        if model.geom_group[geom] <= _LAST_VISIBLE_GROUP and not plane:
            yield geom


def robot_bodies(model: mujoco.MjModel) -> list[int]:
    """Return the bodies of the robot."""
    base = model.body(BASE_BODY).id
    return [b for b in range(model.nbody) if model.body_rootid[b] == base]


def geom_mesh(model: mujoco.MjModel, geom: int) -> trimesh.Trimesh:
    """Return one geom as a mesh in its body's frame.

    Raises:
        ModelFileError: a shape that cannot be drawn.
    """
    kind, size = mujoco.mjtGeom(model.geom_type[geom]), model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        mesh = trimesh.creation.box(2.0 * size)
        mesh.unmerge_vertices()  # sharp edges
    elif kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        mesh = trimesh.creation.uv_sphere(size[0], count=[_ROUND, _ROUND])
    elif kind == mujoco.mjtGeom.mjGEOM_ELLIPSOID:
        mesh = trimesh.creation.uv_sphere(1.0, count=[_ROUND, _ROUND])
        mesh.apply_scale(size)
    elif kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        mesh = trimesh.creation.capsule(2.0 * size[1], size[0], count=[_ROUND, _ROUND])
        # MuJoCo centres a capsule; trimesh starts it at the centre of the lower cap.
        mesh.apply_translation([0.0, 0.0, -mesh.bounds.mean(axis=0)[2]])
    elif kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        mesh = trimesh.creation.cylinder(size[0], 2.0 * size[1], sections=_ROUND)
        mesh.unmerge_vertices()
    elif kind == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = _asset(model, int(model.geom_dataid[geom]))
    else:
        raise ModelFileError(
            f"geom {model.geom(geom).name or geom}: the viewer cannot draw a {kind.name}; put it "
            "into group 3 (collision only) and add a visible shape beside it"
        )
    mesh.apply_transform(_transform(model.geom_pos[geom], model.geom_quat[geom]))
    return trimesh.Trimesh(
        mesh.vertices, mesh.faces, vertex_normals=_normals(mesh.vertices, mesh.faces), process=False
    )


def _normals(vertices: Array, faces: IntArray) -> Array:
    """Return vertex normals (V, 3): the area-weighted mean of the adjacent faces' normals.

    Trimesh's own need scipy.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normals = np.zeros((len(vertices), 3))
    np.add.at(normals, faces.ravel(), np.repeat(np.cross(b - a, c - a), 3, axis=0))
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    result: Array = normals / np.maximum(length, 1e-12)
    return result


def _asset(model: mujoco.MjModel, index: int) -> trimesh.Trimesh:
    first, number = model.mesh_vertadr[index], model.mesh_vertnum[index]
    begin, faces = model.mesh_faceadr[index], model.mesh_facenum[index]
    return trimesh.Trimesh(
        model.mesh_vert[first : first + number].copy(),
        model.mesh_face[begin : begin + faces].copy(),
        process=False,
    )


def _transform(position: Array, quaternion: Array) -> Array:
    """Return the matrix (4, 4) of a position and a quaternion wxyz."""
    matrix = np.eye(4)
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, np.asarray(quaternion, dtype=np.float64))
    matrix[:3, :3] = rotation.reshape(3, 3)
    matrix[:3, 3] = position
    return matrix
