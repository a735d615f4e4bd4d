"""Masses, symmetry and options of the two variants, standing still, and broken model files."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

from gpc_ros.common.errors import InputError, ModelFileError
from gpc_ros.common.paths import share
from gpc_ros.robot.joints import FOOT_NAMES, LEGS, LIE, STAND
from gpc_ros.robot.model import (
    PLANNER_DAMPING,
    PLANT_DAMPING,
    STAND_HEIGHT,
    Gains,
    Variant,
    compile_model,
    robot_spec,
    set_gains,
)

VARIANTS: tuple[Variant, ...] = ("plant", "planner")
GAINS = Gains.uniform(70.0, 2.0)


def _model(variant: Variant) -> mujoco.MjModel:
    return compile_model(robot_spec(variant, GAINS))


def _at(model: mujoco.MjModel, joints: np.ndarray, height: float) -> mujoco.MjData:
    data = mujoco.MjData(model)
    data.qpos[:7] = [0, 0, height, 1, 0, 0, 0]
    data.qpos[7:19] = joints
    mujoco.mj_forward(model, data)
    return data


@pytest.mark.parametrize("variant", VARIANTS)
def test_total_mass_is_the_published_one(variant: Variant) -> None:
    # Unitree: about 15 kg with battery; the sum of the description's links is 15.2 kg.
    assert _model(variant).body_mass.sum() == pytest.approx(15.206, abs=0.01)


@pytest.mark.parametrize("variant", VARIANTS)
def test_left_and_right_mirror_in_mass_and_inertia(variant: Variant) -> None:
    model = _model(variant)
    flip = np.diag([1.0, -1.0, 1.0])

    def inertia(body: str) -> np.ndarray:
        index = model.body(body).id
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, model.body_iquat[index])
        axes = rotation.reshape(3, 3)
        return axes @ np.diag(model.body_inertia[index]) @ axes.T

    for left, right in (("FL", "FR"), ("RL", "RR")):
        for segment in ("hip", "thigh", "calf"):
            a, b = model.body(f"{left}_{segment}"), model.body(f"{right}_{segment}")
            assert a.mass[0] == b.mass[0]
            np.testing.assert_allclose(a.ipos, flip @ b.ipos, atol=1e-12)
            np.testing.assert_allclose(a.pos, flip @ b.pos, atol=1e-12)
            mirrored = flip @ inertia(f"{right}_{segment}") @ flip
            np.testing.assert_allclose(inertia(f"{left}_{segment}"), mirrored, atol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_collision_shapes_mirror(variant: Variant) -> None:
    model = _model(variant)
    data = _at(model, STAND, 1.0)
    for left, right in (("FL", "FR"), ("RL", "RR")):
        for part in ("hip", "thigh", "shank", "ankle", "foot"):
            a, b = model.geom(f"{left}_{part}"), model.geom(f"{right}_{part}")
            np.testing.assert_allclose(a.size, b.size)
            np.testing.assert_allclose(
                data.geom_xpos[a.id], data.geom_xpos[b.id] * [1, -1, 1], atol=1e-12
            )


def test_variants_have_their_options() -> None:
    plant, planner = _model("plant"), _model("planner")
    for model in (plant, planner):
        np.testing.assert_allclose(model.dof_armature[6:], 0.0071)
    assert plant.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    assert plant.opt.timestep == 0.002
    assert plant.opt.cone == mujoco.mjtCone.mjCONE_ELLIPTIC
    assert plant.opt.impratio == 100.0
    np.testing.assert_allclose(plant.dof_damping[6:], PLANT_DAMPING)
    np.testing.assert_allclose(plant.dof_frictionloss[6:], 0.365)
    assert planner.opt.timestep == 0.01
    assert planner.opt.cone == mujoco.mjtCone.mjCONE_PYRAMIDAL
    assert planner.opt.integrator == mujoco.mjtIntegrator.mjINT_EULER
    assert (planner.opt.solver, planner.opt.iterations) == (mujoco.mjtSolver.mjSOL_PGS, 3)
    assert planner.opt.impratio == 1.0
    np.testing.assert_allclose(planner.dof_damping[6:], PLANNER_DAMPING)
    np.testing.assert_allclose(planner.dof_frictionloss[6:], 0.0)
    assert planner.geom_condim.max() == 3
    for foot in FOOT_NAMES:
        assert plant.geom(foot).condim[0] == 6
        np.testing.assert_allclose(planner.geom(foot).solimp[:3], [0.9, 0.95, 0.005])


@pytest.mark.parametrize("pose", [STAND, LIE])
def test_resting_poses_do_not_touch_themselves(pose: np.ndarray) -> None:
    assert _at(_model("plant"), pose, 2.0).ncon == 0


def test_only_the_plant_collides_with_itself() -> None:
    joints = STAND.reshape(4, 3).copy()
    joints[:, 0] = [-0.9, 0.9, -0.9, 0.9]  # all legs inwards, across each other
    assert _at(_model("plant"), joints.reshape(12), 2.0).ncon > 0
    assert _at(_model("planner"), joints.reshape(12), 2.0).ncon == 0


def test_added_objects_touch_robot_and_floor_in_both_variants() -> None:
    for variant in VARIANTS:
        spec = robot_spec(variant, GAINS)
        body = spec.worldbody.add_body(name="box", pos=[0.45, 0.0, 0.199])
        body.add_freejoint(name="box_joint")
        body.add_geom(name="box", type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.2, 0.2, 0.2], mass=3.0)
        model = compile_model(spec)
        data = mujoco.MjData(model)
        data.qpos[2], data.qpos[7:19] = STAND_HEIGHT, STAND
        mujoco.mj_forward(model, data)
        box = model.geom("box").id
        touched = {model.geom(g).name for pair in data.contact.geom for g in pair if box in pair}
        assert {"floor", "head"} <= touched


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kp", [60.0, 80.0])
def test_stands_still_for_five_seconds(variant: Variant, kp: float) -> None:
    model = compile_model(robot_spec(variant, Gains.uniform(kp, 2.0)))
    data = _at(model, STAND, STAND_HEIGHT)
    data.ctrl[:12] = kp * STAND
    settled = None
    for i in range(round(5.0 / model.opt.timestep)):
        mujoco.mj_step(model, data)
        if data.time >= 1.0 and settled is None:
            settled = data.qpos[:2].copy()
        if i * model.opt.timestep >= 1.0:
            assert 0.28 < data.qpos[2] < 0.34
            assert 1.0 - 2.0 * (data.qpos[4] ** 2 + data.qpos[5] ** 2) > np.cos(0.03)
    assert settled is not None
    assert np.linalg.norm(data.qpos[:2] - settled) < 0.005
    # The planner's solver stops after a few sweeps, and its joints tremble a little.
    assert np.abs(data.qvel).max() < (0.02 if variant == "plant" else 0.1)
    assert np.abs(data.qvel[:6]).max() < 0.02
    assert not any(warning.number for warning in data.warning)


def test_actuators_follow_the_joint_law_and_its_limits() -> None:
    model = _model("plant")
    set_gains(model, np.full(12, 50.0), np.full(12, 1.5))
    rng = np.random.default_rng(0)
    data = _at(model, STAND + rng.uniform(-0.1, 0.1, 12), 2.0)
    data.qvel[6:] = rng.uniform(-1, 1, 12)
    target, rate, extra = STAND, rng.uniform(-1, 1, 12), rng.uniform(-2, 2, 12)
    data.ctrl[:] = 50.0 * target + 1.5 * rate + extra
    mujoco.mj_forward(model, data)
    law = 50.0 * (target - data.qpos[7:]) + 1.5 * (rate - data.qvel[6:]) + extra
    np.testing.assert_allclose(data.qfrc_actuator[6:], law, atol=1e-9)
    data.ctrl[:] = 1e4
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(data.qfrc_actuator[6:], [23.7, 23.7, 45.43] * 4)


def test_feet_rest_on_the_floor_at_standing_height() -> None:
    model = _model("plant")
    data = _at(model, STAND, STAND_HEIGHT)
    lowest = [data.geom(foot).xpos[2] - model.geom(foot).size[0] for foot in FOOT_NAMES]
    np.testing.assert_allclose(lowest, 0.0, atol=1e-9)


def test_visuals_are_primitives_of_every_leg() -> None:
    model = _model("plant")
    assert model.nmesh == 0
    seen = [g for g in range(model.ngeom) if model.geom_group[g] == 2]
    assert len(seen) > 50
    assert np.all(model.geom_contype[seen] == 0)
    assert np.all(model.geom_conaffinity[seen] == 0)
    for leg in LEGS:
        calf = model.body(f"{leg}_calf").id
        assert any(model.geom_bodyid[g] == calf for g in seen)


def test_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nowhere\.xml does not exist"):
        robot_spec("plant", GAINS, tmp_path / "nowhere.xml")


def test_corrupt_model_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_text(share("models", "go2", "go2.xml").read_text()[:2000])
    with pytest.raises(ModelFileError, match=r"broken\.xml is damaged"):
        robot_spec("plant", GAINS, broken)


def test_model_of_another_joint_order_is_refused(tmp_path: Path) -> None:
    text = share("models", "go2", "go2.xml").read_text()
    swapped = text.replace("FL_", "XX_").replace("FR_", "FL_").replace("XX_", "FR_")
    other = tmp_path / "swapped.xml"
    other.write_text(swapped)
    with pytest.raises(ModelFileError, match="not the Go2 in model order"):
        robot_spec("planner", GAINS, other)


def test_scene_that_does_not_compile_is_a_model_error() -> None:
    spec = robot_spec("plant", GAINS)
    spec.worldbody.add_body(name="ghost").add_freejoint()
    with pytest.raises(ModelFileError, match="does not compile"):
        compile_model(spec)


@pytest.mark.parametrize(
    ("kp", "kd", "message"),
    [
        (np.full(11, 50.0), np.full(12, 1.0), "kp: expected shape 12"),
        (np.full(12, 50.0), np.full(12, np.nan), "kd: entry"),
        (np.array([50.0] * 11 + [-1.0]), np.full(12, 1.0), "kp of RR_calf_joint is -1.0"),
    ],
)
def test_bad_gains_are_refused(kp: np.ndarray, kd: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Gains(kp, kd)
