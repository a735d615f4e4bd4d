"""Collection: shards of real episodes, resumed after an interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.common.files import exclusive
from gpc_ros.evaluation.lockstep import EpisodeConfig
from gpc_ros.planning.planner import PlannerConfig
from gpc_ros.tasks import make_task
from gpc_ros.training.proposal.collection import CollectConfig, Collection, collect, collect_episode
from gpc_ros.training.proposal.shards import load_folder, load_shard, path_of

EPISODE = EpisodeConfig(
    task="navigate", duration=1.0, planner=PlannerConfig(num_rollouts=6, horizon=0.6, knots=3)
)
COLLECTION = Collection(CollectConfig(EPISODE, keep_failures=True, elites=4))


def test_a_shard_contains_every_plan(tmp_path: Path) -> None:
    done = collect_episode(COLLECTION, tmp_path, 5)
    shard = load_shard(path_of(tmp_path, 5))
    assert done.plans == len(shard) == 10
    assert shard.elites.shape == (10, 4, 3, 3)
    assert (np.diff(shard.elite_costs, axis=1) >= 0).all()
    np.testing.assert_array_equal(shard.best, shard.elites[:, 0])
    assert (shard.elite_costs[:, 0] <= shard.nominal_cost).all()
    np.testing.assert_allclose(shard.mean, shard.elites[:, :2].mean(axis=1))
    assert np.isfinite(shard.observation).all()
    assert shard.meta["seed"] == 5
    assert shard.meta["task"] == "navigate"
    assert 0.5 <= shard.meta["drawn"]["plant.floor_friction"] <= 1.1
    assert shard.meta["settings"]["episode.planner.num_rollouts"] == 6


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        collect_episode(COLLECTION, tmp_path / name, 5)
    first, second = (path_of(tmp_path / name, 5).read_bytes() for name in ("a", "b"))
    assert first == second


def test_a_failed_episode_leaves_no_plans_but_is_not_run_again(tmp_path: Path) -> None:
    strict = replace(COLLECTION, config=replace(COLLECTION.config, keep_failures=False))
    assert collect_episode(strict, tmp_path, 5).plans == 0
    before = path_of(tmp_path, 5).stat().st_mtime_ns
    results = collect(strict, [5], tmp_path)
    assert [(r.seed, r.success, r.plans) for r in results] == [(5, False, 0)]
    assert path_of(tmp_path, 5).stat().st_mtime_ns == before


def test_only_missing_or_damaged_seeds_are_run(tmp_path: Path) -> None:
    for seed in (5, 6):
        collect_episode(COLLECTION, tmp_path, seed)
    kept = path_of(tmp_path, 6).stat().st_mtime_ns
    path_of(tmp_path, 5).write_bytes(path_of(tmp_path, 5).read_bytes()[:-100])
    results = collect(COLLECTION, [5, 6, 7], tmp_path, processes=2)
    assert sorted(r.seed for r in results) == [5, 6, 7]
    assert path_of(tmp_path, 6).stat().st_mtime_ns == kept
    found = load_folder(tmp_path)
    assert (sorted(found.shards), found.problems) == ([5, 6, 7], [])


def test_a_folder_of_other_settings_is_refused(tmp_path: Path) -> None:
    collect_episode(COLLECTION, tmp_path, 5)
    other = replace(COLLECTION, config=replace(COLLECTION.config, elites=5))
    with pytest.raises(InputError, match="elites is 4 there and 5 here"):
        collect(other, [5], tmp_path)


def test_given_parameters_override_drawn_ones() -> None:
    given = replace(COLLECTION, task_overrides={"plant.floor_friction": 0.7})
    assert given.drawn(5)["plant.floor_friction"] == 0.7
    uninformed = replace(COLLECTION, config=replace(COLLECTION.config, informed=False))
    assert all(name.startswith("plant.") for name in uninformed.drawn(5))
    fixed = replace(COLLECTION, config=replace(COLLECTION.config, randomise=False))
    assert fixed.drawn(5) == {}
    misspelt = replace(COLLECTION, task_overrides={"plant.floor_fricton": 1.0})
    with pytest.raises(ConfigError, match="floor_friction"):
        misspelt.check()


@pytest.mark.parametrize("name", ["navigate", "box_push"])
def test_every_draw_is_a_valid_task(name: str) -> None:
    drawn = []
    for seed in range(50):
        collection = Collection(CollectConfig(replace(EPISODE, task=name)))
        overrides = collection.drawn(seed)
        task = make_task(name, overrides)
        assert task.sample_episode(seed).goal.shape == (3,)
        drawn.append(str(overrides))
    assert len(set(drawn)) == 50


def test_a_killed_run_leaves_intact_shards_and_resumes(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "gpc_ros.cli.main", "collect", "navigate", "--episodes", "6",
        "--out", str(tmp_path), "--processes", "2", "--set", "episode.duration=1.0",
        "--set", "episode.planner.num_rollouts=4", "--set", "episode.planner.horizon=0.6",
        "--set", "keep_failures=true",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60.0
    while not list(tmp_path.glob("seed_*.npz")):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    found = load_folder(tmp_path)
    assert found.problems == []
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "6/6 episodes" in done.stderr
    assert f"{tmp_path}: 60 plans of 6 episodes" in done.stdout


def test_a_second_collection_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path, "gpc proposal collect", folder=True),
        pytest.raises(InputError, match="another gpc proposal collect writes it"),
    ):
        collect(COLLECTION, [5], tmp_path, processes=1)
    assert not list(tmp_path.glob("*.npz"))
