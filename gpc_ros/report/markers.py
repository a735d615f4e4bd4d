"""Shapes that the video adds to a scene: the goal as a ghost, soft shadows on the floor."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import quat_from_yaw
from gpc_ros.robot.joints import FOOT_NAMES
from gpc_ros.robot.model import BASE_BODY
from gpc_ros.tasks.task import standing_robot

_GHOST = (0.0, 0.62, 0.45, 0.30)
_SHADE = (0.05, 0.06, 0.08)
# Higher groups contain collision shapes, which are not drawn.
_LAST_VISIBLE_GROUP = 2
_FLAT = 0.0004  # half thickness of a shadow [m]


@dataclass(frozen=True)
class Marker:
    """One shape: MuJoCo's type, size (3,), position (3,), rotation (9,), colour (4,), mesh."""

    type: int
    size: Array
    position: Array
    rotation: Array
    rgba: Array
    mesh: int = -1


def goal_ghost(model: mujoco.MjModel, start: Array, goal: Array | None, body: str) -> list[Marker]:
    """Return translucent shapes of a body at its goal.

    Args:
        model: the scene.
        start: a scene (nq,), for the height of the object.
        goal: x [m], y [m], yaw [rad] (3,); None returns no shapes.
        body: name of the body; empty for the robot.
    """
    if goal is None:
        return []
    data = mujoco.MjData(model)
    data.qpos[:] = start
    if body:
        address = model.jnt_qposadr[model.body(body).jntadr[0]]
        data.qpos[address : address + 2] = goal[:2]
        data.qpos[address + 3 : address + 7] = quat_from_yaw(goal[2])
    else:
        data.qpos[:19] = standing_robot(*goal)
    mujoco.mj_kinematics(model, data)
    root = model.body(body or BASE_BODY).id
    return [
        Marker(
            int(model.geom_type[geom]),
            model.geom_size[geom].copy(),
            data.geom_xpos[geom].copy(),
            data.geom_xmat[geom].copy(),
            np.array(_GHOST),
            int(model.geom_dataid[geom]),
        )
        for geom in range(model.ngeom)
        if model.body_rootid[model.geom_bodyid[geom]] == root
        and model.geom_group[geom] <= _LAST_VISIBLE_GROUP
    ]


def shadows(model: mujoco.MjModel, data: mujoco.MjData) -> list[Marker]:
    """Return a soft dark patch on the floor under the robot, its feet and every object."""
    markers: list[Marker] = []
    base = model.body(BASE_BODY).id
    markers += _soft(data, base, np.array([0.27, 0.14]), mujoco.mjtGeom.mjGEOM_ELLIPSOID, 0.085)
    for name in FOOT_NAMES:
        foot = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, name)
        if foot >= 0:
            markers.append(_patch(data.geom_xpos[foot], 0.0, np.array([0.035, 0.035]), 0.35))
    for geom in range(model.ngeom):
        body = model.geom_bodyid[geom]
        if model.body_rootid[body] in (0, base) or model.geom_group[geom] > _LAST_VISIBLE_GROUP:
            continue
        box = model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_BOX
        half = model.geom_size[geom, :2] if box else np.full(2, model.geom_size[geom, 0])
        kind = mujoco.mjtGeom.mjGEOM_BOX if box else mujoco.mjtGeom.mjGEOM_ELLIPSOID
        markers += _soft(data, body, half, kind, 0.085)
    return markers


def _soft(
    data: mujoco.MjData, body: int, half: Array, kind: mujoco.mjtGeom, alpha: float
) -> list[Marker]:
    """Return stacked patches of different size under a body: one soft shadow."""
    rotation = data.xmat[body].reshape(3, 3)
    yaw = float(np.arctan2(rotation[1, 0], rotation[0, 0]))
    return [
        _patch(data.xpos[body], yaw, half + grow, alpha, kind, layer)
        for layer, grow in enumerate((0.055, 0.042, 0.03, 0.02, 0.01))
    ]


def _patch(
    position: Array,
    yaw: float,
    half: Array,
    alpha: float,
    kind: mujoco.mjtGeom = mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    layer: int = 5,
) -> Marker:
    """Return a flat dark shape on the floor; layers lie above each other."""
    c, s = np.cos(yaw), np.sin(yaw)
    height = 0.001 + 0.001 * layer
    size = np.array([half[0], half[1], _FLAT])
    return Marker(
        int(kind),
        size,
        np.array([position[0], position[1], height]),
        np.array([c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0]),
        np.array([*_SHADE, alpha]),
    )
