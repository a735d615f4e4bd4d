"""Faults of the simulated robot: what is reported is wrong as it is asked for, and nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from gpc_ros.locomotion.registry import make_walker
from gpc_ros.robot.joints import JOINT_NAMES
from gpc_ros.robot.types import RobotReading
from gpc_ros.simulation.mocap_sensor import PoseSample
from gpc_ros.simulation.plant import Plant, PlantConfig
from gpc_ros.simulation.plant_faults import POSE_FAULTS, FaultConfig, Faults
from gpc_ros.tasks import build_model, make_task

LEVEL = np.array([1.0, 0.0, 0.0, 0.0])
CALF = JOINT_NAMES.index("RL_calf_joint")


def reading() -> RobotReading:
    return RobotReading(5.0, np.zeros(12), np.zeros(12), battery=0.8)


def poses(faults: Faults, count: int = 12, bodies: tuple[str, ...] = ("base", "box")) -> list[Any]:
    """Return what is reported of bodies that stand at x = 1 and x = 2."""
    reported = []
    for k in range(count):
        samples = [
            PoseSample(body, 0.01 * k, np.array([1.0 + i, 0.0, 0.0]), LEVEL)
            for i, body in enumerate(bodies)
        ]
        reported += faults.poses(samples)
    return reported


def test_by_default_nothing_is_wrong() -> None:
    faults = Faults()
    same = faults.reading(reading())
    assert same is not None
    for field in dataclasses.fields(RobotReading):
        np.testing.assert_array_equal(getattr(same, field.name), getattr(reading(), field.name))
    assert [p.position[0] for p in poses(faults, 2)] == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"angle": 0.5}, "position"),
        ({"velocity": 9.0}, "velocity"),
        ({"effort": 40.0}, "effort"),
        ({"heat": 60.0}, "temperature"),
    ],
)
def test_a_joint_is_reported_wrong_and_its_neighbours_right(
    fault: dict[str, float], field: str
) -> None:
    faults = Faults(FaultConfig(joint="RL_calf_joint", **fault))  # type: ignore[arg-type]
    reported = faults.reading(reading())
    change = getattr(reported, field) - getattr(reading(), field)
    assert change[CALF] == next(iter(fault.values()))
    assert np.count_nonzero(change) == 1


def test_the_rest_of_a_reading_can_be_wrong_too() -> None:
    assert Faults(FaultConfig(silent=True)).reading(reading()) is None
    wrong = Faults(FaultConfig(used=0.9, ahead=0.5, roll=1.0, not_finite=True)).reading(reading())
    assert wrong is not None
    assert (wrong.battery, wrong.stamp) == (0.0, 5.5)
    np.testing.assert_allclose(wrong.orientation[:2], [np.cos(0.5), np.sin(0.5)])
    assert np.isnan(wrong.position).all()


def test_poses_of_the_named_bodies_are_wrong() -> None:
    hidden = poses(Faults(FaultConfig(base="hidden")), 3)
    assert {p.body for p in hidden} == {"box"}
    moved = poses(Faults(FaultConfig(objects="jump", distance=5.0)), 3)
    assert {(p.body, p.position[0]) for p in moved} == {("base", 1.0), ("box", 7.0)}
    swapped = poses(Faults(FaultConfig(base="swapped", objects="swapped")), 3)[2:]
    assert {(p.body, p.position[0]) for p in swapped} == {("base", 2.0), ("box", 1.0)}


def test_some_poses_are_outliers_and_most_are_not() -> None:
    xs = [p.position[0] for p in poses(Faults(FaultConfig(base="outliers")), 60, ("base",))]
    assert 0.1 < np.mean(np.array(xs) > 1.2) < 0.3


@pytest.mark.parametrize("kind", ["upside_down", "y_up", "quaternion_order"])
def test_a_wrong_convention_disagrees_about_down(kind: str) -> None:
    from gpc_ros.common.geometry import rotate_inverse

    for pose in poses(Faults(FaultConfig(base=kind)), 2, ("base",)):
        down = rotate_inverse(pose.quaternion, np.array([0.0, 0.0, -1.0]))
        assert np.arccos(np.clip(-down[2], -1.0, 1.0)) > 1.0


def test_stamps_can_be_wrong() -> None:
    stale = poses(Faults(FaultConfig(base="stale", shift=0.5)), 2, ("base",))
    assert [p.stamp for p in stale] == [-0.5, -0.49]
    future = poses(Faults(FaultConfig(base="future", shift=0.5)), 2, ("base",))
    assert [p.stamp for p in future] == [0.5, 0.51]
    repeated = poses(Faults(FaultConfig(base="repeated")), 2, ("base",))
    assert [p.stamp for p in repeated] == [0.0, 0.0, 0.01, 0.01]
    backwards = poses(Faults(FaultConfig(base="backwards")), 2, ("base",))
    assert [p.stamp for p in backwards] == [0.0, 0.0, 0.01, 0.0]


@pytest.mark.parametrize("kind", POSE_FAULTS)
def test_every_kind_has_the_effect_of_its_name_or_none(kind: str) -> None:
    for pose in poses(Faults(FaultConfig(base=kind, objects=kind))):
        assert pose.body in ("base", "box")
        assert np.isfinite(pose.position).all() == (kind != "not_finite")


def test_a_push_topples_the_robot_and_ends() -> None:
    task = make_task("navigate")
    model = build_model(task, "plant", make_walker("trot").gains)
    plant = Plant(model, config=PlantConfig(faults=FaultConfig(push=150.0)))
    plant.reset(task.sample_episode(0).qpos)
    for _ in range(400):
        plant.step()
    _, x, y, _ = plant.truth().orientation
    assert 1.0 - 2.0 * (x * x + y * y) < 0.5
    plant.faults.config = FaultConfig()
    plant.step()
    assert not plant.data.xfrc_applied.any()
