"""Tasks: episodes, costs, success, scene parameters and validation."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import ConfigError, InputError, UnreachableGoalError
from gpc_ros.common.geometry import quat_from_yaw, quat_multiply, wrap_angle
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.robot.joints import STAND
from gpc_ros.tasks import TASKS, build_model, make_task
from gpc_ros.tasks.task import same_scene

GAINS = make_walker("trot").gains
seeds = st.integers(0, 2**31)


def test_unknown_task_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown task 'box_pusch'.*'box_push'"):
        make_task("box_pusch")


def test_misspelt_parameter_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'plant.object.mas'.*'plant.object.mass'"):
        make_task("box_push", {"plant.object.mas": 5})


def test_value_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"planner.object.mass: -1.0 kg is outside"):
        make_task("box_push", {"planner.object.mass": -1})


def test_plant_and_planner_scenes_are_set_separately() -> None:
    task = make_task("box_push", {"plant.object.mass": 5, "plant.object.size": "0.5,0.4,0.3"})
    plant = build_model(task, "plant", GAINS)
    planner = build_model(task, "planner", GAINS)
    assert plant.body("box").mass[0] == pytest.approx(5.0)
    assert planner.body("box").mass[0] == pytest.approx(3.0)
    assert plant.geom("box").size == pytest.approx([0.25, 0.2, 0.15])
    assert planner.geom("box").size == pytest.approx([0.2, 0.2, 0.175])


@pytest.mark.parametrize("variant", ["plant", "planner"])
def test_friction_of_box_and_floor_reach_the_contacts(variant: str) -> None:
    task = make_task(
        "box_push", {f"{variant}.object.friction": 0.37, f"{variant}.floor_friction": 0.63}
    )
    model = build_model(task, variant, GAINS)  # type: ignore[arg-type]
    data = mujoco.MjData(model)
    data.qpos[:] = task.sample_episode(0).qpos
    data.ctrl[:] = GAINS.kp * STAND
    for _ in range(50):
        mujoco.mj_step(model, data)
    frictions = {}
    for contact in data.contact[: data.ncon]:
        names = {model.geom(int(g)).name for g in contact.geom}
        if "box" in names:
            frictions["box"] = contact.friction[0]
        elif any(name.endswith("_foot") for name in names):
            frictions["foot"] = contact.friction[0]
    assert frictions == pytest.approx({"box": 0.37, "foot": 0.63})


@pytest.mark.parametrize("name", sorted(TASKS))
@given(seed=seeds)
def test_same_seed_gives_the_same_episode(name: str, seed: int) -> None:
    task = make_task(name)
    one, two = task.sample_episode(seed), task.sample_episode(seed)
    assert one.qpos.tobytes() == two.qpos.tobytes()
    assert one.goal.tobytes() == two.goal.tobytes()


@given(seed=seeds)
def test_box_push_episodes_keep_their_ranges(seed: int) -> None:
    task = make_task("box_push")
    episode = task.sample_episode(seed)
    box = task.target_pose(episode.qpos)
    assert 1.0 <= np.hypot(box[0], box[1]) <= 1.6
    assert 0.8 - 1e-9 <= np.hypot(*(episode.goal[:2] - box[:2])) <= 1.2 + 1e-9
    assert abs(wrap_angle(episode.goal[2] - box[2])) <= 1.5708
    assert not task.progress(episode.qpos, episode.goal).inside


@pytest.mark.parametrize("name", sorted(TASKS))
def test_episode_fits_the_models(name: str) -> None:
    task = make_task(name)
    for variant in ("plant", "planner"):
        model = build_model(task, variant, GAINS)
        assert task.sample_episode(3).qpos.shape == (model.nq,)
        assert model.nq == 19 + 7 * len(task.bodies)


def _scene(task_name: str, target: tuple[float, float, float]) -> np.ndarray:
    task = make_task(task_name)
    qpos = task.sample_episode(0).qpos.copy()
    start = 19 if task.bodies else 0
    qpos[start : start + 2] = target[:2]
    qpos[start + 3 : start + 7] = quat_from_yaw(target[2])
    return qpos


@pytest.mark.parametrize("name", sorted(TASKS))
def test_success_needs_position_and_yaw(name: str) -> None:
    task = make_task(name)
    goal = np.array([1.0, -0.5, 3.0])
    assert task.progress(_scene(name, (1.1, -0.5, -3.1)), goal).inside  # across the wrap
    assert not task.progress(_scene(name, (1.2, -0.5, 3.0)), goal).inside
    assert not task.progress(_scene(name, (1.0, -0.5, 2.6)), goal).inside


@pytest.mark.parametrize("name", sorted(TASKS))
def test_cost_falls_towards_the_goal_and_rises_with_a_fall(name: str) -> None:
    task = make_task(name)
    goal = np.array([1.0, -0.5, 0.4])
    scenes = [(1.0, -0.5, 0.4), (1.4, -0.5, 0.4), (1.4, -0.5, 1.4)]
    qpos = np.stack([[_scene(name, s)] * 3 for s in scenes])
    if task.bodies:  # the robot keeps its distance to the box, so that only the box counts
        qpos[..., 0:2] = qpos[..., 19:21] - [0.5, 0.0]
    nv = 18 + 6 * len(task.bodies)
    total = sum(task.cost(qpos, np.zeros((3, 3, nv)), np.zeros((3, 3, 3)), goal).values())
    assert np.all(np.diff(total) > 0.1)
    fallen = qpos.copy()
    fallen[..., 3:7] = [np.cos(0.7), np.sin(0.7), 0.0, 0.0]
    terms = task.cost(fallen, np.zeros((3, 3, nv)), np.zeros((3, 3, 3)), goal)
    assert np.all(terms["fall"] > 1.0)


@pytest.mark.parametrize("name", sorted(TASKS))
@given(angle=st.floats(-3.0, 3.0), x=st.floats(-2, 2), y=st.floats(-2, 2))
def test_observation_does_not_depend_on_the_map_frame(
    name: str, angle: float, x: float, y: float
) -> None:
    task = make_task(name)
    episode = task.sample_episode(5)
    rng = np.random.default_rng(1)
    qvel = rng.normal(size=18 + 6 * len(task.bodies))
    before = task.observation(episode.qpos, qvel, episode.goal)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    qpos, moved, goal = episode.qpos.copy(), qvel.copy(), episode.goal.copy()
    for q, v in ((0, 0), *((19 + 7 * i, 18 + 6 * i) for i in range(len(task.bodies)))):
        qpos[q : q + 2] = turn @ qpos[q : q + 2] + [x, y]
        qpos[q + 3 : q + 7] = quat_multiply(quat_from_yaw(angle), qpos[q + 3 : q + 7])
        moved[v : v + 2] = turn @ moved[v : v + 2]
    goal[:2] = turn @ goal[:2] + [x, y]
    goal[2] += angle
    np.testing.assert_allclose(task.observation(qpos, moved, goal), before, atol=1e-9)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_goals_are_checked(name: str) -> None:
    task = make_task(name)
    with pytest.raises(InputError, match=r"goal .* entry \[2\] is nan"):
        task.check_goal(np.array([0.0, 0.0, np.nan]))
    with pytest.raises(InputError, match="expected shape 3"):
        task.check_goal(np.zeros(2))
    with pytest.raises(UnreachableGoalError, match=r"outside the workspace of 5.00 m"):
        task.check_goal(np.array([4.0, 4.0, 0.0]))
    assert task.check_goal(np.array([1.0, 2.0, 7.0]))[2] == pytest.approx(7.0 - 2 * np.pi)


def test_only_cost_weights_may_change_live() -> None:
    old = make_task("box_push")
    new = make_task("box_push", {"cost.yaw": 1.0, "cost.reach": 0.1})
    assert same_scene(old, new) is new
    heavier = make_task("box_push", {"cost.yaw": 1.0, "planner.object.mass": 4.0})
    with pytest.raises(ConfigError, match=r"planner\.object\.mass cannot change while"):
        same_scene(old, heavier)
    with pytest.raises(ConfigError, match="its name cannot change"):
        same_scene(make_task("navigate"), old)
