"""Training learns the synthetic teacher, resumes, and every export gives the same samples."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_proposals import taught_shard

from gpc_ros.common.errors import DataError
from gpc_ros.proposal.card import load_card
from gpc_ros.proposal.flow_model import load_proposal
from gpc_ros.tasks import TASKS
from gpc_ros.training.checkpoint import Checkpoint
from gpc_ros.training.proposal.dataset import TARGETS, executed, load_dataset, mirrored, split
from gpc_ros.training.proposal.shards import path_of, save_shard

pytest.importorskip("torch", reason="needs the training extra: make training")

import torch

from gpc_ros.training.proposal.flow_network import VelocityField
from gpc_ros.training.proposal.flow_training import Trainer, train
from gpc_ros.training.proposal.normalization import energy_score
from gpc_ros.training.proposal.proposal_store import control_path, store
from gpc_ros.training.proposal.training_config import TrainConfig

SMALL = TrainConfig(hidden=(32, 32), epochs=12, batch=64, validation=0.2, device="cpu")


def test_the_samples_follow_the_observation(taught: Path, tmp_path: Path) -> None:
    dataset = load_dataset([taught])
    config = dataclasses.replace(SMALL, epochs=80)
    trained = train(dataset, config)
    assert min(trained.history.score) < 0.8 * trained.control_score
    assert trained.cost_error < 0.7
    store(tmp_path / "made", dataset, config, trained)
    flow = load_proposal(tmp_path / "made")
    noise = np.random.default_rng(1).standard_normal((16, 4, 3))
    fresh = taught_shard(77).observation
    right = [
        np.sign(flow.sample(o, noise, 4)[..., 2].mean(axis=1)) == np.sign(o[1])
        for o in fresh
        if abs(o[1]) > 0.3
    ]
    assert np.mean(right) > 0.9


def test_stopping_and_resuming_gives_the_same_bytes(taught: Path, tmp_path: Path) -> None:
    dataset = load_dataset([taught])
    whole = Trainer(dataset, SMALL)
    while not whole.done:
        whole.epoch()
    first = Trainer(dataset, SMALL)
    for _ in range(5):
        first.epoch()
    first.checkpoint().save(tmp_path / "at_five")
    found = Checkpoint.load(tmp_path / "at_five")
    assert found is not None
    second = Trainer(dataset, SMALL)
    assert second.resume(found)
    while not second.done:
        second.epoch()
    assert second.history == whole.history
    for name, value in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[name], value, err_msg=name)


def test_training_uses_one_thread_on_any_number_of_cores(taught: Path) -> None:
    torch.set_num_threads(2)
    Trainer(load_dataset([taught]), SMALL)
    assert torch.get_num_threads() == 1  # two threads are slower and change the last digits


def test_an_interrupted_training_resumes(taught: Path, tmp_path: Path) -> None:
    dataset, checkpoint = load_dataset([taught]), tmp_path / "training"
    whole = train(dataset, SMALL)
    seen: list[int] = []

    def interrupt(trainer: Trainer) -> None:
        seen.append(len(trainer.history.loss))
        if seen == [1, 2, 3, 4]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(dataset, SMALL, checkpoint, interrupt)
    resumed = train(dataset, SMALL, checkpoint, interrupt)
    assert seen == list(range(1, 13))
    assert resumed.history == whole.history
    for name, value in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], value, err_msg=name)


def test_a_checkpoint_of_another_training_is_rejected(taught: Path, tmp_path: Path) -> None:
    dataset = load_dataset([taught])
    trainer = Trainer(dataset, SMALL)
    trainer.epoch()
    trainer.checkpoint().save(tmp_path / "one")
    found = Checkpoint.load(tmp_path / "one")
    assert found is not None
    assert not Trainer(dataset, dataclasses.replace(SMALL, seed=1)).resume(found)
    (tmp_path / "one").write_bytes((tmp_path / "one").read_bytes()[:-100])
    assert Checkpoint.load(tmp_path / "one") is None
    assert Checkpoint.load(tmp_path / "nothing") is None


def test_training_stops_when_samples_stop_improving(taught: Path) -> None:
    config = dataclasses.replace(SMALL, epochs=10_000, patience=3, rate=1e-2)
    trained = train(load_dataset([taught]), config)
    assert len(trained.history.loss) == trained.best + 3


def test_numpy_and_torch_give_the_same_velocity_field(taught: Path, tmp_path: Path) -> None:
    dataset = load_dataset([taught])
    trained = train(dataset, dataclasses.replace(SMALL, epochs=2))
    store(tmp_path / "made", dataset, SMALL, trained)
    flow = load_proposal(tmp_path / "made")
    w = trained.weights
    network = VelocityField(12, 7, SMALL.hidden)
    network.load_state_dict({k: torch.tensor(v) for k, v in w.items() if k.startswith("layers.")})
    start = np.random.default_rng(0).standard_normal((5, 4, 3))
    observation = dataset.observation[3]
    o = torch.tensor((observation - w["observation_mean"]) / w["observation_std"]).float()
    x = torch.tensor(start.reshape(5, -1)).float()
    with torch.no_grad():
        for step in range(4):
            t = torch.full((5, 1), step / 4)
            x = x + network(x, t, o.expand(5, -1)) / 4
    expected = x.numpy().reshape(5, 4, 3) * w["knots_std"] + w["knots_mean"]
    assert flow.sample(observation, start, 4) == pytest.approx(expected, abs=1e-4)


def test_the_onnx_graph_gives_the_same_knots(taught: Path, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs make training")
    dataset = load_dataset([taught])
    trained = train(dataset, dataclasses.replace(SMALL, epochs=2))
    store(tmp_path / "made", dataset, SMALL, trained)
    session = runtime.InferenceSession(tmp_path / "made.onnx")
    start = np.random.default_rng(0).standard_normal((6, 4, 3))
    observation = 20.0 * dataset.observation[8]  # beyond the clipping range
    (found,) = session.run(
        None, {"noise": start.astype(np.float32), "observation": observation.astype(np.float32)}
    )
    flow = load_proposal(tmp_path / "made")
    assert flow.sample(observation, start, 4) == pytest.approx(found, abs=1e-4)


def test_a_stored_proposal_has_its_provenance(taught: Path, tmp_path: Path) -> None:
    dataset = load_dataset([taught])
    trained = train(dataset, dataclasses.replace(SMALL, epochs=2))
    store(tmp_path / "made", dataset, SMALL, trained, ["gpc train shards --out made"])
    card = load_card(tmp_path / "made.json")
    assert card.task == "navigate"
    assert card.training["hidden"] == [32, 32]
    assert card.data["episodes"] == 12
    assert card.data["plans"] == 12 * 60
    assert card.data["plans_held_out"] == 2 * 60
    assert card.figures["energy_score"] == pytest.approx(min(trained.history.score), abs=1e-4)
    assert card.made_with["torch"] == torch.__version__
    assert card.reproduce == ("gpc train shards --out made",)
    assert load_proposal(control_path(tmp_path / "made")).card.kind == "gaussian"
    assert (tmp_path / "made.svg").read_text().startswith("<?xml")


def test_energy_score_is_least_for_the_right_distribution() -> None:
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((4000, 2))
    right, narrow, off = (
        energy_score(scale * rng.standard_normal((4000, 8, 2)) + shift, truth)
        for scale, shift in ((1.0, 0.0), (0.3, 0.0), (1.0, 1.0))
    )
    assert right < narrow
    assert right < off


@pytest.mark.parametrize("task", sorted(TASKS))
def test_a_mirror_of_a_mirror_is_the_original(task: str, taught: Path) -> None:
    dataset = load_dataset([taught])
    rng = np.random.default_rng(0)
    d = len(TASKS[task].observed)
    dataset = dataclasses.replace(dataset, task=task, observation=rng.normal(size=(720, d)))
    once = mirrored(dataset)
    twice = mirrored(dataclasses.replace(dataset, observation=once[0], target=once[1]))
    np.testing.assert_array_equal(twice[0], dataset.observation)
    np.testing.assert_array_equal(twice[1], dataset.target)
    assert not np.array_equal(once[0], dataset.observation)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_knots_for_every_plan(taught: Path, target: str) -> None:
    dataset = load_dataset([taught], target)
    assert dataset.target.shape == (720, 4, 3)
    assert np.isfinite(dataset.target).all()


def test_executed_target_uses_the_first_knots_of_later_plans() -> None:
    shard = taught_shard(0, plans=30)
    shard.mean = np.repeat(shard.time[:, None, None], 4, axis=1) * np.ones(3)
    found = executed(shard, 0.5, 1)
    assert found[0, :, 0] == pytest.approx([0.0, 0.5, 1.0, 1.5])
    assert found[-1, :, 0] == pytest.approx([2.9, 2.9, 2.9, 2.9])


def test_training_and_held_out_episodes_are_disjoint(taught: Path) -> None:
    dataset = load_dataset([taught])
    held = split(dataset, 0.25, 3)
    assert len(np.unique(dataset.episode[held])) == 3
    assert not set(dataset.episode[held]) & set(dataset.episode[~held])


def test_a_damaged_shard_is_named_and_the_others_are_used(taught: Path) -> None:
    path_of(taught, 4).write_bytes(b"damaged")
    dataset = load_dataset([taught])
    assert len(dataset.episodes) == 11
    assert "seed_00000004.npz" in dataset.problems[0]


def test_incompatible_shards_are_refused(taught: Path) -> None:
    shard = taught_shard(99)
    shard.meta["knot_dt"] = 0.5
    save_shard(path_of(taught, 99), shard)
    with pytest.raises(DataError, match=r"seed 99 is of .*0\.5"):
        load_dataset([taught])


def test_a_folder_without_plans_names_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="holds no plan to train on; gpc proposal collect makes them"
    ):
        load_dataset([tmp_path])
    save_shard(path_of(tmp_path, 0), taught_shard(0))
    with pytest.raises(DataError, match="one episode cannot be split"):
        Trainer(load_dataset([tmp_path]), SMALL)
