"""The shipped trained walkers: their cards and their walking."""

from __future__ import annotations

import numpy as np
import pytest

from gpc_ros.common.config import flatten
from gpc_ros.evaluation import walker_trials as measures
from gpc_ros.evaluation.agreement import agreement
from gpc_ros.evaluation.walker_trials import Field, impulses, plant, standing
from gpc_ros.locomotion.policy import RAW
from gpc_ros.locomotion.policy_file import load_walker, read_card
from gpc_ros.locomotion.registry import make_walker, shipped_walkers
from gpc_ros.robot.types import JointCommand
from gpc_ros.safety.limits import JointLimiter
from gpc_ros.training.walker.mirror import JOINT_MIRROR, raw_mirror
from gpc_ros.training.walker.walker_config import WalkConfig

NAMES = sorted(shipped_walkers())


def test_a_trained_walker_is_shipped() -> None:
    assert "learned" in NAMES
    assert make_walker("learned").name == "learned"


@pytest.mark.parametrize("name", NAMES)
def test_card_contains_training_and_results(name: str) -> None:
    card = read_card(shipped_walkers()[name])
    assert card.description.name == name
    assert card.reproduce[0].startswith(f"gpc train-walker --out models/walkers/{name}")
    assert {"torch", "rsl-rl-lib", "mujoco"} <= set(card.made_with)
    assert {"seconds", "robot_steps", "falls of changed robots, 60 s"} <= set(card.figures)
    assert "seed" in card.training


def test_training_defaults_equal_those_of_the_shipped_walker() -> None:
    now = {k: list(v) if isinstance(v, tuple) else v for k, v in flatten(WalkConfig()).items()}
    assert dict(read_card(shipped_walkers()["learned"]).training) == now


@pytest.mark.parametrize("name", NAMES)
def test_mirrored_state_gives_mirrored_action(name: str) -> None:
    network, seen = load_walker(shipped_walkers()[name]).network, raw_mirror()
    raw = np.random.default_rng(0).normal(0.0, 0.5, (RAW, 50))
    actions, mirrored = network(raw), network(seen.signs[:, None] * raw[seen.places])
    assert actions.std() > 0.1
    places, signs = JOINT_MIRROR
    np.testing.assert_allclose(mirrored, signs[:, None] * actions[places], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_shipped_walker_stands_and_tracks_commands(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    walker = load_walker(shipped_walkers()[name])
    field = Field(walker, plant(walker), standing(1), threads=1)
    field.run(2.0, np.zeros((1, 3)))
    assert np.abs(field.qpos[0, :2]).max() < 0.05 and not field.fallen.any()
    monkeypatch.setattr(measures, "GRID", ((0.4, 0.0, 0.0), (-0.4, 0.4, 0.0), (0.0, 0.0, 1.0)))
    for row in measures.tracking(walker):
        assert not row["fell"]
        assert row["speed_error"] < 0.05 and row["yaw_rate_error"] < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_shipped_walker_survives_pushes_from_every_side(name: str) -> None:
    pushed = impulses(load_walker(shipped_walkers()[name]))
    assert {row["impulse"] for row in pushed} == {1.0, 2.0}
    assert [row for row in pushed if row["fell"]] == []


def test_planner_and_plant_agree_within_the_stated_bounds() -> None:
    rows = agreement(make_walker("learned"), 8, 0.2)
    assert [row["touching"] for row in rows].count(True) == 4
    for row in rows:  # twice the 95 % bound of docs/walker.md, since this checks every state
        assert row["position"] < 0.06 and row["yaw"] < 0.1 and row["joints"] < 0.3


@pytest.mark.parametrize(
    ("what", "column"), [("qpos", 4), ("qpos", 9), ("qvel", 0), ("qvel", 5), ("command", 1)]
)
def test_nan_input_gives_nan_targets_and_bridge_damps(what: str, column: int) -> None:
    walker = make_walker("learned")
    given = {"qpos": standing(2), "qvel": np.zeros((2, 18)), "command": np.full((2, 3), 0.3)}
    state = walker.initial_state(2)
    for _ in range(5):
        walker.step(given["qpos"], given["qvel"], given["command"], state)
    given[what][0, column] = np.nan
    targets = walker.step(given["qpos"], given["qvel"], given["command"], state)
    assert np.isnan(targets.position[0]).all() and np.isfinite(targets.position[1]).all()
    sent, faults = JointLimiter().limit(
        JointCommand(
            targets.position[0], targets.velocity[0], np.zeros(12), walker.gains.kp, walker.gains.kd
        )
    )
    assert faults == ("the joint targets are not finite",) and not sent.kp.any()
