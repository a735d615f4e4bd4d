"""URDF of the Go2, made from its MJCF, for RViz and other tools of ROS.

Link and joint names are those of Unitree's go2_description, below a root link ``base_link``
(REP-105). URDF has boxes, cylinders, spheres and meshes only: a capsule becomes a cylinder with two
spheres, an ellipsoid a box of the same volume.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import rotation_matrix
from gpc_ros.common.paths import share
from gpc_ros.robot.joints import (
    FOOT_NAMES,
    JOINT_NAMES,
    LEGS,
    LOWER,
    TORQUE_LIMIT,
    UPPER,
    VELOCITY_LIMIT,
)
from gpc_ros.robot.kinematics import LINK_LENGTH

ROOT_LINK = "base_link"
_VISUAL_GROUP, _COLLISION_GROUP = 2, 3
_AS_BOX = (np.pi / 6.0) ** (1.0 / 3.0)  # half side over radius, for equal volume
_Geom = mujoco.mjtGeom


def go2_urdf() -> str:
    """Return the URDF of the Go2 as text.

    Raises:
        GpcError: the model file is missing.
    """
    path = share("models", "go2", "go2.xml")
    model = mujoco.MjModel.from_xml_path(str(path))
    robot = ET.Element("robot", name="go2")
    for i in range(model.nmat):
        material = ET.SubElement(robot, "material", name=model.material(i).name)
        ET.SubElement(material, "color", rgba=_text(model.mat_rgba[i]))
    ET.SubElement(robot, "link", name=ROOT_LINK)
    for i in range(1, model.nbody):
        body = model.body(i)
        link = ET.SubElement(robot, "link", name=body.name)
        _add_inertial(link, model, i)
        for geom in range(model.ngeom):
            if model.geom_bodyid[geom] == i:
                _add_geom(link, model, geom)
        parent = model.body(int(model.body_parentid[i])).name
        _add_joint(robot, model, i, ROOT_LINK if parent == "world" else parent)
    for leg, foot in zip(LEGS, FOOT_NAMES, strict=True):
        ET.SubElement(robot, "link", name=foot)
        _add_fixed(robot, f"{foot}_joint", f"{leg}_calf", foot, np.array([0, 0, -LINK_LENGTH]))
    imu = model.site("imu")
    ET.SubElement(robot, "link", name="imu")
    _add_fixed(robot, "imu_joint", model.body(int(imu.bodyid[0])).name, "imu", imu.pos)
    ET.indent(robot)
    return '<?xml version="1.0"?>\n' + ET.tostring(robot, encoding="unicode") + "\n"


def _add_inertial(link: ET.Element, model: mujoco.MjModel, i: int) -> None:
    inertial = ET.SubElement(link, "inertial")
    _add_origin(inertial, model.body_ipos[i], model.body_iquat[i])
    ET.SubElement(inertial, "mass", value=_text([model.body_mass[i]]))
    ixx, iyy, izz = (_text([value]) for value in model.body_inertia[i])
    ET.SubElement(inertial, "inertia", ixx=ixx, ixy="0", ixz="0", iyy=iyy, iyz="0", izz=izz)


def _add_joint(robot: ET.Element, model: mujoco.MjModel, i: int, parent: str) -> None:
    child = model.body(i)
    first = int(model.body_jntadr[i])
    if parent == ROOT_LINK:
        _add_fixed(robot, "base_joint", parent, child.name, np.zeros(3))
        return
    name = model.joint(first).name
    k = JOINT_NAMES.index(name)
    joint = ET.SubElement(robot, "joint", name=name, type="revolute")
    _add_origin(joint, child.pos, child.quat)
    ET.SubElement(joint, "parent", link=parent)
    ET.SubElement(joint, "child", link=child.name)
    ET.SubElement(joint, "axis", xyz=_text(model.jnt_axis[first]))
    ET.SubElement(
        joint, "limit", lower=_text([LOWER[k]]), upper=_text([UPPER[k]]),
        effort=_text([TORQUE_LIMIT[k]]), velocity=_text([VELOCITY_LIMIT[k]]),
    )  # fmt: skip


def _add_fixed(robot: ET.Element, name: str, parent: str, child: str, where: Array) -> None:
    joint = ET.SubElement(robot, "joint", name=name, type="fixed")
    _add_origin(joint, where, np.array([1.0, 0.0, 0.0, 0.0]))
    ET.SubElement(joint, "parent", link=parent)
    ET.SubElement(joint, "child", link=child)


def _add_geom(link: ET.Element, model: mujoco.MjModel, i: int) -> None:
    """Add one geom as visual or collision elements, depending on its group."""
    group = int(model.geom_group[i])
    if group not in (_VISUAL_GROUP, _COLLISION_GROUP):
        return
    where, quat = model.geom_pos[i], model.geom_quat[i]
    for offset, tag, attributes in _primitives(_Geom(model.geom_type[i]), model.geom_size[i]):
        element = ET.SubElement(link, "visual" if group == _VISUAL_GROUP else "collision")
        _add_origin(element, where + rotation_matrix(quat) @ offset, quat)
        ET.SubElement(ET.SubElement(element, "geometry"), tag, attributes)
        material = int(model.geom_matid[i])
        if group == _VISUAL_GROUP and material >= 0:
            ET.SubElement(element, "material", name=model.material(material).name)


def _primitives(kind: mujoco.mjtGeom, size: Array) -> Iterator[tuple[Array, str, dict[str, str]]]:
    """Yield offset (3,) [m], URDF tag and attributes of each primitive of a geom."""
    zero = np.zeros(3)
    if kind == _Geom.mjGEOM_SPHERE:
        yield zero, "sphere", {"radius": _text(size[:1])}
    elif kind == _Geom.mjGEOM_BOX:
        yield zero, "box", {"size": _text(2.0 * size)}
    elif kind == _Geom.mjGEOM_ELLIPSOID:
        yield zero, "box", {"size": _text(2.0 * _AS_BOX * size)}
    else:
        yield zero, "cylinder", {"radius": _text(size[:1]), "length": _text(2.0 * size[1:2])}
        if kind == _Geom.mjGEOM_CAPSULE:
            for side in (-1.0, 1.0):
                yield np.array([0, 0, side * size[1]]), "sphere", {"radius": _text(size[:1])}


def _add_origin(element: ET.Element, where: Array, quat: Array) -> None:
    ET.SubElement(element, "origin", xyz=_text(where), rpy=_text(_rpy(quat)))


def _rpy(quat: Array) -> Array:
    """Return roll, pitch, yaw [rad] of a quaternion wxyz: R = Rz(yaw) Ry(pitch) Rx(roll)."""
    r = rotation_matrix(quat)
    pitch = np.arctan2(-r[2, 0], np.hypot(r[0, 0], r[1, 0]))
    if abs(r[2, 0]) > 1.0 - 1e-9:  # gimbal lock: roll is free, choose zero
        return np.array([0.0, pitch, np.arctan2(-r[0, 1], r[1, 1])])
    return np.array([np.arctan2(r[2, 1], r[2, 2]), pitch, np.arctan2(r[1, 0], r[0, 0])])


def _text(values: Array | list[float]) -> str:
    return " ".join(f"{float(v):.9g}" for v in values)
