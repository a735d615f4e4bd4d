"""Rotations: agreement with MuJoCo and the identities that the filter relies on."""

from __future__ import annotations

import mujoco
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gpc_ros import geometry as g

vectors = arrays(np.float64, 3, elements=st.floats(-3.0, 3.0))
angles = st.floats(-20.0, 20.0)


@st.composite
def quaternions(draw: st.DrawFn) -> np.ndarray:
    quat = draw(arrays(np.float64, 4, elements=st.floats(-1.0, 1.0)))
    norm = np.linalg.norm(quat)
    return quat / norm if norm > 0.1 else np.array([1.0, 0.0, 0.0, 0.0])


@given(a=quaternions(), b=quaternions())
def test_product_is_mujocos(a: np.ndarray, b: np.ndarray) -> None:
    expected = np.zeros(4)
    mujoco.mju_mulQuat(expected, a, b)
    np.testing.assert_allclose(g.quat_multiply(a, b), expected, atol=1e-12)


@given(quat=quaternions(), vector=vectors)
def test_rotation_is_mujocos_and_inverts(quat: np.ndarray, vector: np.ndarray) -> None:
    expected = np.zeros(3)
    mujoco.mju_rotVecQuat(expected, vector, quat)
    rotated = g.rotate(quat, vector)
    np.testing.assert_allclose(rotated, expected, atol=1e-10)
    np.testing.assert_allclose(g.rotation_matrix(quat) @ vector, expected, atol=1e-10)
    np.testing.assert_allclose(g.rotate_inverse(quat, rotated), vector, atol=1e-10)


@given(vector=arrays(np.float64, 3, elements=st.floats(-1.7, 1.7)))
def test_log_inverts_exp(vector: np.ndarray) -> None:
    np.testing.assert_allclose(g.quat_log(g.quat_exp(vector)), vector, atol=1e-8)


@given(quat=quaternions())
def test_orders_convert_back_and_forth(quat: np.ndarray) -> None:
    np.testing.assert_array_equal(g.wxyz_from_xyzw(g.xyzw_from_wxyz(quat)), quat)
    assert g.xyzw_from_wxyz(np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [2.0, 3.0, 4.0, 1.0]


@given(yaw=angles)
def test_yaw_survives_the_quaternion(yaw: float) -> None:
    assert abs(g.wrap_angle(g.yaw_of(g.quat_from_yaw(yaw)) - yaw)) < 1e-9


@given(angle=angles)
def test_wrapped_angles_are_equal_modulo_a_turn(angle: float) -> None:
    wrapped = float(g.wrap_angle(angle))
    assert -np.pi <= wrapped < np.pi
    assert abs(np.sin(wrapped) - np.sin(angle)) < 1e-9


def test_roll_pitch_yaw_are_about_fixed_axes() -> None:
    quat = g.quat_from_rpy(0.1, -0.2, 0.3)
    turns = [np.array(v) for v in ([0.1, 0, 0], [0, -0.2, 0], [0, 0, 0.3])]
    expected = g.quat_multiply(
        g.quat_exp(turns[2]), g.quat_multiply(g.quat_exp(turns[1]), g.quat_exp(turns[0]))
    )
    np.testing.assert_allclose(quat, expected, atol=1e-12)


def test_batches_equal_their_rows() -> None:
    rng = np.random.default_rng(0)
    quats = rng.normal(size=(5, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    points = rng.normal(size=(5, 3))
    rows = np.stack([g.rotate(q, v) for q, v in zip(quats, points, strict=True)])
    np.testing.assert_array_equal(g.rotate(quats, points), rows)
