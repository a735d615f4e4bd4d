"""The simulated robot: joint law, watchdog, readings, truth, bad commands and divergence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from gpc_ros.common.errors import InputError
from gpc_ros.common.geometry import rotate
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.kinematics import IMU_POSITION
from gpc_ros.robot.model import STAND_HEIGHT, Gains, compile_model, robot_spec
from gpc_ros.robot.types import JointCommand
from gpc_ros.simulation.mocap_sensor import MocapConfig
from gpc_ros.simulation.plant import PERIOD, DivergedError, Plant, PlantConfig
from gpc_ros.simulation.sensors import EncoderConfig, ImuConfig

STANDING = np.concatenate([[0.3, -0.2, STAND_HEIGHT, 1.0, 0.0, 0.0, 0.0], STAND])
BOX = np.array([2.0, 1.0, 0.175, np.cos(0.4), 0.0, 0.0, np.sin(0.4)])
CLEAN = PlantConfig(
    imu=ImuConfig(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    encoders=EncoderConfig(0.0, 0.0, 0.0, 0.0, 0.0),
    mocap=MocapConfig(position_noise=0.0, rotation_noise=0.0, dropout_probability=0.0),
)


def _plant(config: PlantConfig = CLEAN, seed: int = 0) -> Plant:
    plant = Plant(compile_model(robot_spec("plant", Gains.uniform(20.0, 1.0))), (), config, seed)
    plant.reset(STANDING)
    return plant


def _plant_with_box() -> Plant:
    spec = robot_spec("plant", Gains.uniform(20.0, 1.0))
    body = spec.worldbody.add_body(name="box")
    body.add_freejoint(name="box_joint")
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.2, 0.2, 0.175], mass=3.0)
    plant = Plant(compile_model(spec), ("box",), CLEAN)
    plant.reset(np.concatenate([STANDING, BOX]))
    return plant


def _hold(kp: float = 70.0, kd: float = 2.0) -> JointCommand:
    return JointCommand(STAND.copy(), np.zeros(12), np.zeros(12), np.full(12, kp), np.full(12, kd))


def test_stands_while_commanded() -> None:
    plant = _plant()
    for i in range(1000):
        plant.step(_hold())
        assert plant.time == pytest.approx(0.002 * (i + 1))
    truth = plant.truth()
    assert truth.position[2] == pytest.approx(0.308, abs=0.01)
    np.testing.assert_allclose(truth.position[:2], [0.3, -0.2], atol=0.03)
    assert not plant.watchdog_active


def test_gains_follow_the_command() -> None:
    plant = _plant()
    soft = replace(_hold(), kp=np.linspace(10, 21, 12), kd=np.linspace(1, 2, 12))
    plant.step(soft)
    q, dq = plant.data.qpos[7:19].copy(), plant.data.qvel[6:18].copy()
    plant.step(soft)
    law = soft.kp * (soft.position - q) + soft.kd * (soft.velocity - dq) + soft.effort
    np.testing.assert_allclose(plant.data.actuator_force[:12], law, atol=1e-9)


def test_limp_until_the_first_command() -> None:
    plant = _plant()
    assert plant.watchdog_active
    for _ in range(1000):
        plant.step()
    assert plant.truth().position[2] < 0.2


def test_held_until_the_first_step_it_feels_its_weight() -> None:
    plant = _plant()
    np.testing.assert_allclose(plant.reading().linear_acceleration, [0, 0, 9.81], atol=0.01)
    plant.step()  # limp legs let it fall
    assert plant.reading().linear_acceleration[2] < 5.0
    plant.reset(plant.data.qpos)
    assert np.linalg.norm(plant.reading().linear_acceleration) == pytest.approx(9.81)


def test_last_command_holds_until_the_watchdog_damps() -> None:
    plant = _plant()
    for _ in range(500):
        plant.step(_hold())
    # The command itself took the first of the periods.
    for i in range(round(plant.config.watchdog_timeout / PERIOD) - 2):
        plant.step()
        assert not plant.watchdog_active, i
    assert plant.truth().position[2] > 0.29
    plant.step()
    assert plant.watchdog_active
    plant.step()
    rates = plant.data.qvel[6:18].copy()
    plant.step()
    np.testing.assert_allclose(plant.data.actuator_force[:12], -3.0 * rates, atol=1e-9)
    for _ in range(1000):
        plant.step()
    assert plant.truth().position[2] < 0.2


def test_watchdog_lets_go_when_commands_return() -> None:
    plant = _plant()
    for _ in range(60):
        plant.step()
    plant.step(_hold())
    assert not plant.watchdog_active
    for _ in range(1500):
        plant.step(_hold(90.0, 3.0))
    assert plant.truth().position[2] > 0.28


def test_clean_reading_is_the_truth() -> None:
    plant = _plant()
    for _ in range(1000):
        plant.step(_hold())
    reading, truth = plant.reading(), plant.truth()
    reading.check()
    assert reading.stamp == truth.stamp == plant.time
    assert reading.tick == 2000
    np.testing.assert_array_equal(reading.position, truth.joint_position)
    np.testing.assert_array_equal(reading.velocity, truth.joint_velocity)
    np.testing.assert_allclose(reading.orientation, truth.orientation, atol=1e-12)
    np.testing.assert_allclose(reading.linear_acceleration, [0, 0, 9.81], atol=0.1)
    np.testing.assert_allclose(reading.angular_velocity, 0.0, atol=0.01)
    # The feet carry the whole robot.
    assert reading.foot_force.sum() == pytest.approx(15.206 * 9.81, rel=0.02)
    assert reading.foot_force.min() > 20.0


def test_gyro_and_accelerometer_are_of_the_time_that_they_are_stamped() -> None:
    plant, r = _plant(), np.array(IMU_POSITION)
    rng, velocities, felt = np.random.default_rng(0), [], []
    for _ in range(60):
        # Shaken, so that values of the period before would be far off.
        plant.step(replace(_hold(), effort=rng.uniform(-8.0, 8.0, 12)))
        reading, truth = plant.reading(), plant.truth()
        np.testing.assert_array_equal(reading.angular_velocity, truth.angular_velocity)
        of_imu = np.cross(truth.angular_velocity, r)
        velocities.append(truth.linear_velocity + rotate(truth.orientation, of_imu))
        felt.append(rotate(truth.orientation, reading.linear_acceleration) - [0.0, 0.0, 9.81])
    gained = np.diff(velocities, axis=0) / PERIOD
    here, late = gained - felt[1:], gained[:-1] - felt[2:]
    assert np.abs(gained).max() > 10.0
    assert np.linalg.norm(here, axis=1).mean() < 0.2 * np.linalg.norm(late, axis=1).mean()


def test_truth_and_mocap_see_the_objects() -> None:
    plant = _plant_with_box()
    samples = []
    for _ in range(100):
        plant.step(_hold())
        samples += plant.poses()
    truth = plant.truth()
    np.testing.assert_allclose(truth.qpos(("box",)), plant.data.qpos)
    np.testing.assert_allclose(truth.qvel(("box",)), plant.data.qvel)
    assert {sample.body for sample in samples} == {"base", "box"}
    box = [sample for sample in samples if sample.body == "box"]
    np.testing.assert_allclose(box[-1].position, BOX[:3], atol=0.002)
    np.testing.assert_allclose(box[-1].quaternion, BOX[3:], atol=0.002)
    assert len(box) == pytest.approx(0.192 * 120, abs=1)


def test_same_seed_gives_the_same_bytes() -> None:
    def stream(plant: Plant) -> bytes:
        parts = []
        for _ in range(50):
            plant.step(_hold())
            reading = plant.reading()
            parts += [reading.position, reading.velocity, reading.effort, reading.orientation]
            parts += [reading.angular_velocity, reading.linear_acceleration, reading.foot_force]
            for sample in plant.poses():
                parts += [np.array([sample.stamp]), sample.position, sample.quaternion]
        return b"".join(part.tobytes() for part in parts)

    first = _plant(PlantConfig(), seed=1)
    bytes_first = stream(first)
    first.reset(STANDING)
    assert stream(first) == bytes_first
    assert stream(_plant(PlantConfig(), seed=1)) == bytes_first
    first.reset(STANDING, seed=2)
    assert stream(first) != bytes_first


def test_noise_does_not_touch_the_physics() -> None:
    clean, noisy = _plant(CLEAN), _plant(PlantConfig(), seed=9)
    for _ in range(50):
        for plant in (clean, noisy):
            plant.step(_hold())
            plant.reading()
            plant.poses()
    np.testing.assert_array_equal(clean.data.qpos, noisy.data.qpos)


@pytest.mark.parametrize("name", ["position", "velocity", "effort", "kp", "kd"])
def test_command_that_is_not_finite_is_refused(name: str) -> None:
    plant = _plant()
    plant.step(_hold())
    before = plant.data.qpos.copy(), plant.time
    values = np.ones(12)
    values[4] = np.nan
    with pytest.raises(InputError, match=rf"joint command: {name}: entry \[4\] is nan"):
        plant.step(replace(_hold(), **{name: values}))
    np.testing.assert_array_equal(plant.data.qpos, before[0])
    assert plant.time == before[1]
    plant.step(_hold())


def test_command_of_the_wrong_length_or_sign_is_refused() -> None:
    plant = _plant()
    with pytest.raises(InputError, match="effort: expected shape 12"):
        plant.step(replace(_hold(), effort=np.zeros(11)))
    negative = np.full(12, 20.0)
    negative[2] = -1.0
    with pytest.raises(InputError, match="kp of FL_calf_joint is -1"):
        plant.step(replace(_hold(), kp=negative))


def test_divergence_is_detected_until_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # MuJoCo writes its warning into the working directory
    plant = _plant()
    plant.step(_hold())
    plant.data.qvel[8] = np.nan
    with pytest.raises(DivergedError, match="velocity 8 is not finite"):
        plant.step(_hold())
    assert plant.diverged
    # MuJoCo has put the robot back at its start, where it looks healthy.
    assert np.isfinite(plant.data.qpos).all()
    with pytest.raises(DivergedError):
        plant.step(_hold())
    plant.reset(STANDING)
    assert not plant.diverged
    plant.step(_hold())


def test_bad_start_is_refused() -> None:
    plant = _plant()
    with pytest.raises(InputError, match="expected shape 19"):
        plant.reset(np.zeros(26))
    with pytest.raises(InputError, match="not a finite number"):
        plant.reset(np.full(19, np.inf))


def test_models_that_cannot_be_a_plant_are_refused() -> None:
    gains = Gains.uniform(20.0, 1.0)
    with pytest.raises(InputError, match=r"step of 0\.01 s does not divide"):
        Plant(compile_model(robot_spec("planner", gains)))
    with pytest.raises(InputError, match="no body 'bxo'"):
        Plant(compile_model(robot_spec("plant", gains)), ("bxo",))
    with pytest.raises(InputError, match="'FL_calf' has no free joint"):
        Plant(compile_model(robot_spec("plant", gains)), ("FL_calf",))
    spec = robot_spec("plant", gains)
    spec.delete(spec.sensor("accelerometer"))
    with pytest.raises(InputError, match="no sensor 'accelerometer'"):
        Plant(compile_model(spec))


def test_after_its_watchdog_the_robot_ignores_stiff_commands_until_one_damps() -> None:
    plant = _plant()
    plant.step(_hold())
    for _ in range(100):  # 0.2 s, the bridge is stopped
        plant.step()
    assert plant.watchdog_active and plant.watchdog_latched
    for _ in range(50):
        plant.step(_hold())
        assert not plant.model.actuator_biasprm[:12, 1].any()
    plant.step(JointCommand.damping(3.0))
    assert not plant.watchdog_latched
    plant.step(_hold())
    assert (plant.model.actuator_biasprm[:12, 1] == -70.0).all()


def test_a_robot_that_was_never_commanded_follows_its_first_command() -> None:
    plant = _plant()
    for _ in range(100):
        plant.step()
    assert not plant.watchdog_latched
    plant.step(_hold())
    assert (plant.model.actuator_biasprm[:12, 1] == -70.0).all()
