"""Closed-form leg kinematics against pinocchio, finite differences and their own inverse."""

from __future__ import annotations

import mujoco
import numpy as np
import pinocchio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gpc_ros.robot.joints import FOOT_NAMES, HIP_OFFSETS, JOINT_NAMES, LOWER, STAND, UPPER
from gpc_ros.robot.kinematics import (
    LINK_LENGTH,
    foot_jacobians,
    foot_positions,
    leg_ik,
    pinocchio_model,
)
from gpc_ros.robot.model import Gains, compile_model, robot_spec

# Fractions of each joint's range, so that shrinking stays inside the limits.
configurations = arrays(np.float64, 12, elements=st.floats(0.0, 1.0)).map(
    lambda share: LOWER + share * (UPPER - LOWER)
)


def _random_configurations(n: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(LOWER, UPPER, (n, 12))


def test_feet_agree_with_pinocchio() -> None:
    model = pinocchio_model()
    data = model.createData()
    assert list(model.names)[2:] == list(JOINT_NAMES)
    for q in _random_configurations(200):
        pinocchio.framesForwardKinematics(model, data, np.concatenate([[0, 0, 0, 0, 0, 0, 1], q]))
        expected = [data.oMf[model.getFrameId(name)].translation for name in FOOT_NAMES]
        np.testing.assert_allclose(foot_positions(q), expected, atol=1e-9)


def test_jacobians_agree_with_pinocchio() -> None:
    model = pinocchio_model()
    data = model.createData()
    for q in _random_configurations(20):
        full = np.concatenate([[0, 0, 0, 0, 0, 0, 1], q])
        ours = foot_jacobians(q)
        for leg, name in enumerate(FOOT_NAMES):
            expected = pinocchio.computeFrameJacobian(
                model, data, full, model.getFrameId(name), pinocchio.LOCAL_WORLD_ALIGNED
            )
            columns = slice(6 + 3 * leg, 9 + 3 * leg)
            np.testing.assert_allclose(ours[leg], expected[:3, columns], atol=1e-9)


def test_pinocchio_and_mujoco_have_equal_mass() -> None:
    model = pinocchio_model()
    data = model.createData()
    pinocchio.centerOfMass(model, data, np.concatenate([[0, 0, 0, 0, 0, 0, 1], STAND]))
    ours = compile_model(robot_spec("plant", Gains.uniform(60.0, 2.0)))
    state = mujoco.MjData(ours)
    state.qpos[:7] = [0, 0, 0, 1, 0, 0, 0]
    state.qpos[7:] = STAND
    mujoco.mj_forward(ours, state)
    assert data.mass[0] == pytest.approx(ours.body_mass.sum(), abs=1e-9)
    np.testing.assert_allclose(data.com[0], state.subtree_com[1], atol=1e-9)


@given(configurations)
def test_ik_inverts_fk(q: np.ndarray) -> None:
    # Only feet below their hip have a unique solution: the other bend puts the foot above it.
    thigh, calf = q.reshape(4, 3)[:, 1], q.reshape(4, 3)[:, 2]
    below = LINK_LENGTH * (np.cos(thigh) + np.cos(thigh + calf)) > 0.01
    back = leg_ik(foot_positions(q)).reshape(4, 3)
    np.testing.assert_allclose(back[below], q.reshape(4, 3)[below], atol=1e-6)


@given(configurations)
def test_fk_inverts_ik_for_every_pose(q: np.ndarray) -> None:
    thigh, calf = q.reshape(4, 3)[:, 1], q.reshape(4, 3)[:, 2]
    below = LINK_LENGTH * (np.cos(thigh) + np.cos(thigh + calf)) > 0.01
    feet = foot_positions(q)
    np.testing.assert_allclose(foot_positions(leg_ik(feet))[below], feet[below], atol=1e-7)


def test_ik_brings_a_foot_out_of_reach_to_full_length() -> None:
    far = HIP_OFFSETS + np.array([0.0, 0.0, -1.0])
    q = leg_ik(far)
    assert np.isfinite(q).all()
    np.testing.assert_allclose(q.reshape(4, 3)[:, 2], 0.0, atol=1e-9)


def test_ik_of_a_foot_at_the_hip_is_finite() -> None:
    assert np.isfinite(leg_ik(HIP_OFFSETS.copy())).all()


@given(configurations)
def test_jacobian_is_the_derivative(q: np.ndarray) -> None:
    step = 1e-6
    jacobian = foot_jacobians(q)
    for joint in range(12):
        delta = np.zeros(12)
        delta[joint] = step
        numeric = (foot_positions(q + delta) - foot_positions(q - delta)) / (2 * step)
        leg, column = divmod(joint, 3)
        np.testing.assert_allclose(jacobian[leg, :, column], numeric[leg], atol=1e-8)
        others = [i for i in range(4) if i != leg]
        np.testing.assert_allclose(numeric[others], 0.0, atol=1e-12)


@given(configurations)
def test_left_and_right_legs_mirror(q: np.ndarray) -> None:
    mirrored = q.reshape(4, 3)[[1, 0, 3, 2]] * np.array([-1.0, 1.0, 1.0])
    expected = foot_positions(q)[[1, 0, 3, 2]] * np.array([1.0, -1.0, 1.0])
    np.testing.assert_allclose(foot_positions(mirrored.reshape(12)), expected, atol=1e-12)


def test_batches_equal_single_calls() -> None:
    q = _random_configurations(6).reshape(2, 3, 12)
    feet, jacobians = foot_positions(q), foot_jacobians(q)
    assert feet.shape == (2, 3, 4, 3)
    assert jacobians.shape == (2, 3, 4, 3, 3)
    assert leg_ik(feet).shape == (2, 3, 12)
    np.testing.assert_array_equal(feet[1, 2], foot_positions(q[1, 2]))
    np.testing.assert_array_equal(jacobians[0, 1], foot_jacobians(q[0, 1]))
    np.testing.assert_array_equal(leg_ik(feet)[1, 0], leg_ik(feet[1, 0]))
