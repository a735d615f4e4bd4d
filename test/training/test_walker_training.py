"""Training of a walker: randomised worlds, rewards, falls and resuming."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.locomotion.policy import RAW, PolicyWalker
from gpc_ros.locomotion.policy_file import load_walker
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.kinematics import FOOT_RADIUS
from gpc_ros.robot.model import STAND_HEIGHT, Gains
from gpc_ros.training.walker.environment import (
    PERIOD,
    PRIVILEGED,
    PRIVILEGED_MIRROR,
    Environment,
    description,
)
from gpc_ros.training.walker.mirror import JOINT_MIRROR, Flip, beside, feature_mirror
from gpc_ros.training.walker.reward import Moment, feet_of, rewards, swing_heights
from gpc_ros.training.walker.walker_config import GaitConfig, RandomConfig, RewardConfig, WalkConfig
from gpc_ros.training.walker.world import World

CALM = config.replace(
    RandomConfig(),
    {"delay": 0.0, "sensing": False, "mass": 0.0, "payload": 0.0, "strength": 0.0, "gains": 0.0},
    "test",
)
SMALL = {"robots": 6, "steps": 3, "iterations": 2, "hidden": (8,), "critic": (8,), "batches": 2}


def small(**values: object) -> WalkConfig:
    return config.replace(WalkConfig(), {**SMALL, **values}, "test")


def world(count: int, random: RandomConfig = CALM, seed: int = 0) -> World:
    return World(count, 0.01, Gains.uniform(40.0, 1.0), random, np.random.default_rng(seed), 1)


def test_robots_stand_at_their_targets_with_different_parameters() -> None:
    w = world(5, config.replace(CALM, {"mass": 0.2, "friction_low": 0.4}, "test"))
    for _ in range(50):
        w.step(np.tile(STAND, (5, 1)))
    assert not w.broken().any()
    assert np.abs(w.qpos[:, 2] - STAND_HEIGHT).max() < 0.08
    assert len(np.unique(w.qpos[:, 2])) == 5
    assert len(np.unique(w.privileged[1])) == 5


def test_a_delay_makes_targets_late_by_simulation_steps() -> None:
    prompt, late = world(1), world(1, config.replace(CALM, {"delay": 0.04}, "test"), seed=3)
    late.qpos[:], late.qvel[:] = prompt.qpos, prompt.qvel
    late._delay[:] = 3  # of four simulation steps in two periods
    knees = STAND + np.tile([0.0, 0.0, -0.2], 4)
    moved = []
    for w in (prompt, late):
        begin = w.qpos[0, 9]
        rows = []
        for _ in range(3):
            w.step(knees[None])
            rows.append(w.qpos[0, 9] - begin)
        moved.append(rows)
    assert moved[0][0] < -0.01
    assert moved[1][0] > moved[0][0] / 3.0
    assert moved[1][2] < -0.01


def test_a_reset_changes_only_the_named_robots() -> None:
    w = world(4)
    for _ in range(10):
        w.step(np.tile(STAND + 0.1, (4, 1)))
    before = w.qpos.copy()
    w.reset(np.array([1, 3]))
    np.testing.assert_array_equal(w.qpos[[0, 2]], before[[0, 2]])
    assert (w.qpos[[1, 3], 2] == STAND_HEIGHT + 0.01).all()


def test_a_resistance_at_the_chest_slows_the_robot() -> None:
    w = world(2)
    w.resist(np.array([[0.0, 0.0, 0.0], [-60.0, 0.0, 0.0]]))
    w.qpos[:, 3:7] = [1.0, 0.0, 0.0, 0.0]
    for _ in range(10):
        w.step(np.tile(STAND, (2, 1)))
    assert w.qpos[1, 0] < w.qpos[0, 0] - 0.005


def moment(**changes: object) -> Moment:
    qpos = np.zeros((1, 19))
    qpos[0, 2], qpos[0, 3], qpos[0, 7:] = STAND_HEIGHT, 1.0, STAND
    still = {
        "qpos": qpos,
        "qvel": np.zeros((1, 18)),
        "old_qvel": np.zeros((1, 18)),
        "old_feet": feet_of(qpos),
        "command": np.zeros((3, 1)),
        "actions": np.zeros((3, 12, 1)),
        "targets": STAND[None],
        "phase": np.zeros(1),
        "gate": np.zeros(1),
        "strength": np.ones(1),
    }
    return Moment(**{**still, **changes})  # type: ignore[arg-type]


def total(m: Moment) -> float:
    parts = rewards(m, RewardConfig(), GaitConfig(), PERIOD)
    return float(sum(part[0] for part in parts.values()))


def test_standing_still_on_command_costs_nothing() -> None:
    parts = rewards(moment(), RewardConfig(), GaitConfig(), PERIOD)
    w = RewardConfig()
    best = (w.speed + w.turning + w.alive) * PERIOD
    assert total(moment()) == pytest.approx(best, abs=1e-4)
    assert all(float(part[0]) <= 1e-9 for name, part in parts.items() if -part[0] > 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"command": np.array([[0.5], [0.0], [0.0]])},
        {"command": np.array([[0.0], [0.0], [1.0]])},
        {"actions": np.stack([np.full((12, 1), 0.5), np.zeros((12, 1)), np.zeros((12, 1))])},
        {"targets": STAND[None] + 0.3},
        {"old_feet": feet_of(moment().qpos) + 0.02},
        {"gate": np.ones(1), "phase": np.full(1, 0.75)},
    ],
    ids=["too slow", "not turning", "jerky", "effort", "slipping", "not lifting"],
)
def test_a_worse_motion_earns_less(changes: dict[str, object]) -> None:
    assert total(moment(**changes)) < total(moment()) - 1e-5


def test_after_a_hard_push_leaving_the_gait_is_free_and_recovering_earns_reward() -> None:
    def parts(speed: float) -> dict[str, float]:
        qvel = np.zeros((1, 18))
        qvel[0, 1] = speed
        late = moment(qvel=qvel, gate=np.ones(1), phase=np.full(1, 0.75))
        found = rewards(late, RewardConfig(), GaitConfig(), PERIOD)
        return {name: float(part[0]) for name, part in found.items()}

    assert parts(0.0)["lift"] < 10.0 * parts(2.0)["lift"] < 0.0
    assert parts(1.0)["speed"] > 1.5 * parts(1.5)["speed"] > 0.0


def test_diagonal_pairs_swing_in_turn_and_all_stand_where_the_clock_may_stop() -> None:
    gait = GaitConfig()
    height, stands = swing_heights(np.arange(100) / 100.0, np.ones(100), gait)
    np.testing.assert_array_equal(height[:, 0], height[:, 3])
    np.testing.assert_array_equal(height[:, 1], height[:, 2])
    np.testing.assert_allclose(np.roll(height[:, 0], 50), height[:, 1], atol=1e-12)
    assert height.max() == pytest.approx(gait.lift, rel=0.01)
    assert (stands.sum(axis=1) >= 2.0).all()
    for stop in (0, 50):
        assert height[stop].max() < 0.01
    assert not swing_heights(np.arange(100) / 100.0, np.zeros(100), gait)[0].any()


def test_feet_of_a_standing_robot_touch_the_floor() -> None:
    np.testing.assert_allclose(feet_of(moment().qpos)[..., 2], FOOT_RADIUS, atol=1e-9)


def test_fallen_robots_are_reset_and_reported() -> None:
    robots = Environment(small(robots=8), 0)
    raw, hidden = robots.observe()
    assert raw.shape == (RAW, 8) and hidden.shape == (PRIVILEGED, 8)
    for part in robots._worlds:
        part.qpos[:, 3:7] = [0.0, 1.0, 0.0, 0.0]  # on their backs
    step = robots.step(np.zeros((12, 8)))
    assert step.fallen.all() and not step.ended.any()
    assert (step.reward < -3.0).all()
    assert not robots.step(np.zeros((12, 8))).fallen.any()


def test_episodes_end_by_their_length_too() -> None:
    robots = Environment(small(episode=0.5), 0)
    ended = sum(robots.step(np.zeros((12, 6))).ended.sum() for _ in range(50))
    assert ended >= 6


def test_the_same_seed_gives_the_same_bytes() -> None:
    def run(seed: int) -> bytes:
        robots = Environment(small(threads=1), seed)
        rng = np.random.default_rng(0)
        rows = [robots.step(rng.normal(0.0, 0.3, (12, 6))) for _ in range(20)]
        return b"".join(row.raw.tobytes() + row.reward.tobytes() for row in rows)

    assert run(1) == run(1) != run(2)


def test_a_stopped_training_resumes_and_the_walker_equals_the_network(tmp_path: Path) -> None:
    pytest.importorskip("rsl_rl")
    import torch

    from gpc_ros.training.walker.ppo import Trainer
    from gpc_ros.training.walker.walker_store import store

    file = tmp_path / ".a.training"
    first = Trainer(small(), file)

    def stop(trainer: Trainer) -> None:
        if trainer.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first.run(stop)
    kept = first.layers()
    second = Trainer(small(iterations=3), file)
    assert second.done == 1
    for (a, b), (c, d) in zip(kept, second.layers(), strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)
    second.run()
    assert second.done == 3 and len(second.history["reward"]) == 3
    assert all(np.isfinite(row).all() for row in second.history.values())
    with pytest.raises(InputError, match=r"hidden"):
        Trainer(small(hidden=(10,)), file)

    card = store(tmp_path / "a.json", second, ["gpc train-walker --out a"])
    assert card.figures["robot_steps"] == 3 * 3 * 6
    walker = load_walker(tmp_path / "a.json")
    assert isinstance(walker, PolicyWalker)
    raw = np.random.default_rng(0).normal(0.0, 1.0, (RAW, 5))
    seen = second._tensors(raw, np.zeros((PRIVILEGED, 5)))
    with torch.no_grad():
        expected = second._ppo.get_policy()(seen).T.numpy()
    np.testing.assert_allclose(walker.network(raw), expected, atol=1e-5)
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


def test_the_best_network_survives_a_restart(tmp_path: Path) -> None:
    pytest.importorskip("rsl_rl")
    from gpc_ros.training.walker.ppo import Trainer
    from gpc_ros.training.walker.walker_store import store

    file = tmp_path / ".a.training"
    largest = 2**31  # also for the seed of the validation robots
    trainer = Trainer(small(iterations=4, warm_up=1, judge_interval=1, seed=largest), file)
    best: list[tuple[int, float]] = []
    trainer.run(lambda t: best.append(t.best or (0, 0.0)))
    assert best[0][0] == 1
    assert [found[1] for found in best] == sorted(found[1] for found in best)
    again = Trainer(trainer.config, file)
    assert again.best == trainer.best == best[-1]
    for (a, b), (c, d) in zip(trainer.layers(), again.layers(), strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)
    card = store(tmp_path / "a.json", again, ["gpc train-walker --out a"])
    assert card.figures["best_update"] == best[-1][0]


def test_networks_stay_symmetric_for_any_weights() -> None:
    pytest.importorskip("rsl_rl")
    import torch

    from gpc_ros.training.walker.symmetry import make_symmetric

    rows, _ = description(WalkConfig()).feature_map()
    seen, given = feature_mirror(rows), JOINT_MIRROR
    for flip in (seen, given, PRIVILEGED_MIRROR, beside(seen, PRIVILEGED_MIRROR)):
        np.testing.assert_array_equal(flip.places[flip.places], np.arange(len(flip.places)))
        np.testing.assert_array_equal(flip.signs * flip.signs[flip.places], 1.0)
    torch.manual_seed(0)
    sizes = (len(rows), 16, 8, 12)
    layers: list[torch.nn.Module] = []
    for one, other in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(one, other), torch.nn.ELU()]
    network = torch.nn.Sequential(*layers[:-1])
    make_symmetric(network, seen, given)
    step = torch.optim.SGD(network.parameters(), 0.1)
    x = torch.randn(20, len(rows))
    mirrored = x[:, seen.places] * torch.tensor(seen.signs, dtype=torch.float32)
    signs = torch.tensor(given.signs, dtype=torch.float32)
    for _ in range(3):
        y = network(x)
        assert y.std() > 0.05  # the output must not be constant
        torch.testing.assert_close(network(mirrored), y[:, given.places] * signs)
        step.zero_grad()
        (y - torch.randn(20, 12)).square().mean().backward()
        step.step()
    with pytest.raises(InputError, match="7 hidden units"):
        make_symmetric(torch.nn.Sequential(torch.nn.Linear(2, 7), torch.nn.Linear(7, 2)),
                       Flip(np.arange(2), np.ones(2)), Flip(np.arange(2), np.ones(2)))  # fmt: skip


def test_the_command_trains_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rsl_rl")
    from gpc_ros.cli.main import main

    sets = ["robots=4", "steps=2", "iterations=1", "hidden=[4]", "critic=[4]", "batches=1"]
    words = [word for s in sets for word in ("--set", s)]
    assert main(["train-walker", "--out", str(tmp_path / "w"), *words]) == 0
    assert "robot_steps 8" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["w.json", "w.safetensors", "w.svg"]
    assert load_walker(tmp_path / "w.json").name == "w"


def test_a_typo_in_a_parameter_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"reward\.slip"):
        config.replace(WalkConfig(), {"reward.slipp": 1.0}, "test")
