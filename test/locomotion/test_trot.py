"""The walker behind its interface: tracking in both models, standing, explicit state."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import ConfigError
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.locomotion.trot import Trot
from gpc_ros.locomotion.walker import Walker
from gpc_ros.robot.joints import LOWER, STAND, UPPER
from gpc_ros.robot.kinematics import foot_positions, leg_ik
from gpc_ros.robot.model import Variant
from gpc_ros.tasks import build_model, make_task


def walk(
    walker: Walker, variant: Variant, command: tuple[float, float, float], seconds: float
) -> np.ndarray:
    """Walk from standing; return x, y, yaw, height and tilt cosine after each period (T, 5)."""
    task = make_task("navigate")
    model = build_model(task, variant, walker.gains)
    data = mujoco.MjData(model)
    data.qpos[:] = task.sample_episode(0).qpos
    data.qpos[3:7] = [1, 0, 0, 0]
    state = walker.initial_state(1)
    rows = []
    for _ in range(round(seconds * walker.rate)):
        targets = walker.step(data.qpos[None], data.qvel[None], np.array([command]), state)
        data.ctrl[:] = walker.gains.kp * targets.position[0] + walker.gains.kd * targets.velocity[0]
        for _ in range(round(1 / walker.rate / model.opt.timestep)):
            mujoco.mj_step(model, data)
        rotation = data.body("base").xmat.reshape(3, 3)
        yaw = np.arctan2(rotation[1, 0], rotation[0, 0])
        rows.append([*data.qpos[:2], yaw, data.qpos[2], rotation[2, 2]])
    return np.array(rows)


@pytest.mark.parametrize("variant", ["plant", "planner"])
@pytest.mark.parametrize(
    "command",
    [
        (0.3, 0, 0),
        (0.6, 0, 0),
        (-0.3, 0, 0),
        (0, 0.3, 0),
        (0, -0.3, 0),
        (0, 0, 0.8),
        (0.4, 0, -0.6),
    ],
)
def test_tracks_the_command(variant: Variant, command: tuple[float, float, float]) -> None:
    rows = walk(make_walker("trot"), variant, command, 6.0)
    tail = rows[150:]
    yaw = np.unwrap(tail[:, 2])
    dt = 0.02
    velocity = np.diff(tail[:, :2], axis=0) / dt
    c, s = np.cos(yaw[:-1]), np.sin(yaw[:-1])
    vx = (c * velocity[:, 0] + s * velocity[:, 1]).mean()
    vy = (c * velocity[:, 1] - s * velocity[:, 0]).mean()
    wz = (yaw[-1] - yaw[0]) / (dt * (len(yaw) - 1))
    assert vx == pytest.approx(command[0], abs=0.06)
    assert vy == pytest.approx(command[1], abs=0.06)
    assert wz == pytest.approx(command[2], abs=0.1)
    assert rows[:, 3].min() > 0.22
    assert rows[:, 4].min() > 0.95


@pytest.mark.parametrize("variant", ["plant", "planner"])
def test_zero_command_stands_still(variant: Variant) -> None:
    rows = walk(make_walker("trot"), variant, (0.0, 0.0, 0.0), 5.0)
    assert np.abs(rows[-1, :2] - rows[25, :2]).max() < 0.01
    assert abs(rows[-1, 2]) < 0.02
    assert rows[:, 3].min() > 0.24


def random_batch(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    qpos = np.tile(np.concatenate([[0, 0, 0.3, 1, 0, 0, 0], STAND, np.zeros(7)]), (n, 1))
    qpos[:, 3:7] += rng.normal(0, 0.1, (n, 4))
    qpos[:, 3:7] /= np.linalg.norm(qpos[:, 3:7], axis=1, keepdims=True)
    return qpos, rng.normal(0, 0.3, (n, 24)), rng.uniform([-0.6, -0.4, -1], [0.8, 0.4, 1], (n, 3))


def test_a_batch_equals_its_rows() -> None:
    walker = make_walker("trot")
    qpos, qvel, command = random_batch(7, 0)
    batch, rows = walker.initial_state(7), walker.initial_state(7)
    for _ in range(30):
        together = walker.step(qpos, qvel, command, batch)
        for i in range(7):
            row = slice(i, i + 1)
            alone = walker.step(qpos[row], qvel[row], command[row], rows[row])
            np.testing.assert_array_equal(alone.position[0], together.position[i])
            np.testing.assert_array_equal(alone.velocity[0], together.velocity[i])
    np.testing.assert_array_equal(batch, rows)


def test_state_contains_the_whole_memory() -> None:
    walker = make_walker("trot")
    qpos, qvel, command = random_batch(1, 1)
    state = walker.initial_state(1)
    for _ in range(23):
        walker.step(qpos, qvel, command, state)
    copy = state.copy()
    expected = walker.step(qpos, qvel, command, state)
    resumed = make_walker("trot").step(qpos, qvel, command, copy)
    np.testing.assert_array_equal(resumed.position, expected.position)
    np.testing.assert_array_equal(copy, state)


@given(seed=st.integers(0, 2**31))
def test_targets_stay_finite_and_within_joint_limits(seed: int) -> None:
    walker = Trot()
    qpos, qvel, command = random_batch(3, seed)
    state = walker.initial_state(3)
    for _ in range(20):
        targets = walker.step(qpos, 5 * qvel, command, state)
        assert np.isfinite(targets.velocity).all()
        assert (targets.position >= LOWER).all()
        assert (targets.position <= UPPER).all()


def test_feet_reach_the_positions_of_the_gait() -> None:
    trot = Trot()
    rng = np.random.default_rng(0)
    ticks, velocity = np.arange(16.0), rng.uniform(-0.5, 0.5, (3, 16))
    joints = trot.joints(ticks, np.ones(16), velocity).T
    neutral = foot_positions(STAND)
    for i in range(16):
        gait = trot._gait[:, i]
        speed = velocity[:2, i] + velocity[2, i] * np.column_stack([-neutral[:, 1], neutral[:, 0]])
        wanted = neutral.copy()
        wanted[:, :2] += speed * gait[:4, None]
        wanted[:, 2] += gait[8:]
        np.testing.assert_allclose(leg_ik(wanted), joints[i], atol=1e-9)


def test_unknown_walker_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown walker 'trott'.*'trot'"):
        make_walker("trott")
