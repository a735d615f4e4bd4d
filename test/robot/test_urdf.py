"""The URDF of the Go2 has the kinematics, masses and limits of its MJCF."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import mujoco
import numpy as np
import pinocchio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.geometry import quat_from_rpy
from gpc_ros.common.paths import share
from gpc_ros.robot.joints import FOOT_NAMES, JOINT_NAMES, LOWER, TORQUE_LIMIT, UPPER
from gpc_ros.robot.kinematics import pinocchio_model
from gpc_ros.robot.urdf import ROOT_LINK, _rpy, go2_urdf

TEXT = go2_urdf()
FROM_URDF = pinocchio.buildModelFromXML(TEXT)
FROM_MJCF = pinocchio_model()


def test_links_and_joints_have_the_names_of_unitrees_description() -> None:
    root = ET.fromstring(TEXT)
    links = {link.get("name") for link in root.iter("link")}
    assert {ROOT_LINK, "base", "imu", "FL_hip", "FL_thigh", "FL_calf", *FOOT_NAMES} <= links
    moving = {j.get("name") for j in root.iter("joint") if j.get("type") == "revolute"}
    assert moving == set(JOINT_NAMES)


@given(unit=st.lists(st.floats(0.0, 1.0), min_size=12, max_size=12))
def test_feet_have_the_positions_of_the_mjcf(unit: list[float]) -> None:
    joints = LOWER + np.array(unit) * (UPPER - LOWER)
    a, b = FROM_URDF.createData(), FROM_MJCF.createData()
    order = [FROM_URDF.joints[FROM_URDF.getJointId(name)].idx_q for name in JOINT_NAMES]
    q = np.zeros(FROM_URDF.nq)
    q[order] = joints
    pinocchio.framesForwardKinematics(FROM_URDF, a, q)
    whole = np.concatenate([[0, 0, 0, 0, 0, 0, 1], joints])
    pinocchio.framesForwardKinematics(FROM_MJCF, b, whole)
    for foot in FOOT_NAMES:
        mine = a.oMf[FROM_URDF.getFrameId(foot)].translation
        np.testing.assert_allclose(mine, b.oMf[FROM_MJCF.getFrameId(foot)].translation, atol=1e-6)


def test_masses_and_inertias_equal_those_in_the_mjcf() -> None:
    model = mujoco.MjModel.from_xml_path(str(share("models", "go2", "go2.xml")))
    root = ET.fromstring(TEXT)
    masses = {
        link.get("name"): float(mass.get("value", "nan"))
        for link in root.iter("link")
        for mass in link.iter("mass")
    }
    for i in range(1, model.nbody):
        assert masses[model.body(i).name] == pytest.approx(model.body_mass[i])
    for name in JOINT_NAMES:
        mine = FROM_URDF.inertias[FROM_URDF.getJointId(name)]
        other = FROM_MJCF.inertias[FROM_MJCF.getJointId(name)]
        np.testing.assert_allclose(mine.inertia, other.inertia, atol=1e-7)
        np.testing.assert_allclose(mine.lever, other.lever, atol=1e-7)


def test_limits_equal_those_of_joints() -> None:
    np.testing.assert_allclose(sorted(FROM_URDF.effortLimit), sorted(TORQUE_LIMIT))
    np.testing.assert_allclose(sorted(FROM_URDF.lowerPositionLimit), sorted(LOWER), atol=1e-8)


@given(roll=st.floats(-3, 3), pitch=st.floats(-np.pi / 2, np.pi / 2), yaw=st.floats(-3, 3))
def test_roll_pitch_yaw_round_trip(roll: float, pitch: float, yaw: float) -> None:
    quat = quat_from_rpy(roll, pitch, yaw)
    again = quat_from_rpy(*_rpy(quat))
    assert abs(float(quat @ again)) == pytest.approx(1.0, abs=1e-7)
