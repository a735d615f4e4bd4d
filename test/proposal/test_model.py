"""Proposals in files and at run time: validation, grids, seeds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_proposals import blank, drawn_weights, write

from gpc_ros.common.errors import ModelFileError
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.proposal.card import card_path, incompatibility, load_card
from gpc_ros.proposal.flow_model import Flow, Gaussian, load_proposal
from gpc_ros.proposal.monitor import HealthConfig, ProposalMonitor
from gpc_ros.proposal.sampler import (
    ProposalConfig,
    ProposalSampler,
    find_proposal,
    fingerprint,
)
from gpc_ros.tasks import make_task

TASK, WALKER = make_task("box_push"), make_walker("trot")
WriteProposal = Callable[..., Path]


def edit(path: Path, **changes: object) -> Path:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


def test_card_round_trip(write_proposal: WriteProposal) -> None:
    path = write_proposal(figures={"energy_score": 1.5}, reproduce=("gpc train a --out b",))
    card = load_card(path)
    assert card == dataclasses.replace(
        blank(figures={"energy_score": 1.5}, reproduce=("gpc train a --out b",)), files=card.files
    )
    assert incompatibility(card, TASK, WALKER) == ""


@pytest.mark.parametrize("name", ["made", "made.json", "made.safetensors", "made.onnx"])
def test_a_proposal_is_named_by_any_of_its_files(write_proposal: WriteProposal, name: str) -> None:
    path = write_proposal()
    assert card_path(path.with_name(name)) == path


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"task": "navigate"}, "was trained for task 'navigate', not 'box_push'"),
        ({"observation": ["box x"]}, r"expects the observation \(box x\), task box_push gives"),
        ({"commands": ["vy", "vx", "yaw rate"]}, r"gives the commands \(vy, vx, yaw rate\)"),
        ({"walker": "gallop"}, "was trained on the walker 'gallop', not 'trot'"),
    ],
)
def test_incompatible_proposal_is_refused(
    write_proposal: WriteProposal, changes: dict[str, object], reason: str
) -> None:
    path = edit(write_proposal(), **changes)
    assert incompatibility(load_card(path), TASK, WALKER) != ""
    with pytest.raises(ModelFileError, match=f"{reason}|expected"):
        find_proposal(ProposalConfig(file=str(path)), TASK, WALKER)
    found, why = find_proposal(ProposalConfig(file=str(path), required=False), TASK, WALKER)
    assert found is None
    assert why


@pytest.mark.parametrize("task", ["box_push", "navigate"])
def test_a_proposal_ships_for_the_default_walker_and_is_not_used_with_another(task: str) -> None:
    walker = make_walker(DEFAULT_WALKER)
    found, why = find_proposal(ProposalConfig(), make_task(task), walker)
    assert found is not None, why
    assert (found.card.task, found.card.walker) == (task, DEFAULT_WALKER)
    walker.name = "gallop"
    found, why = find_proposal(ProposalConfig(), make_task(task), walker)
    assert found is None and "was trained on the walker" in why


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "gpc_ros proposal 0"}, "of format 'gpc_ros proposal 0'"),
        ({"kind": "pickle"}, "kind 'pickle' is not one of flow, gaussian"),
        ({"spline": "bezier"}, "spline 'bezier'"),
        ({"knots": 0}, "0 knots"),
        ({"knots": "many"}, "has a missing or invalid entry"),
        ({"files": {}}, "names no file of weights"),
        ({"knots": 5}, r"weights 'knots_mean': expected \(5, 3\), found \(4, 3\)"),
        ({"hidden": [16, 16, 16]}, "weights 'layers.2.weight'"),
    ],
)
def test_impossible_card_is_refused(
    write_proposal: WriteProposal, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(ModelFileError, match=reason):
        load_proposal(edit(write_proposal(), **changes))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"format": 3}'])
def test_file_that_is_not_a_card_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(ModelFileError, match=r"card\.json"):
        load_proposal(path)


def test_missing_files_are_named(write_proposal: WriteProposal, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="does not exist; gpc proposal train makes one"):
        load_proposal(tmp_path / "nothing")
    path = write_proposal()
    path.with_suffix(".safetensors").unlink()
    with pytest.raises(ModelFileError, match=r"made\.safetensors: cannot be read"):
        load_proposal(path)


@given(place=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_weights_with_any_byte_changed_are_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    card = blank()
    path = write(tmp_path_factory.mktemp("bytes") / "made.json", card, drawn_weights(card))
    weights = path.with_suffix(".safetensors")
    content = bytearray(weights.read_bytes())
    content[place % len(content)] ^= flip
    weights.write_bytes(content)
    with pytest.raises(ModelFileError, match="SHA-256 differs"):
        load_proposal(path)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    card = blank()
    weights = drawn_weights(card)
    weights["layers.1.bias"][3] = np.nan
    with pytest.raises(ModelFileError, match=r"'layers\.1\.bias' are not finite"):
        load_proposal(write(tmp_path / "bad.json", card, weights))


def test_a_card_does_not_reach_into_other_folders(write_proposal: WriteProposal) -> None:
    path = write_proposal()
    entry = load_card(path).files["safetensors"]
    edit(path, files={"safetensors": {**entry, "name": "../../etc/made.safetensors"}})
    assert load_proposal(path).card.task == "box_push"


def test_more_euler_steps_converge() -> None:
    card = blank()
    flow = Flow(card, drawn_weights(card))
    start = np.random.default_rng(1).standard_normal((5, 4, 3))
    observation = np.random.default_rng(2).standard_normal(14)
    found = [flow.sample(observation, start, steps) for steps in (8, 64, 512)]
    coarse, fine = (np.abs(f - found[2]).max() for f in found[:2])
    assert fine < 0.3 * coarse


def test_samples_do_not_depend_on_their_neighbours() -> None:
    card = blank()
    flow = Flow(card, drawn_weights(card))
    start = np.random.default_rng(1).standard_normal((6, 4, 3))
    together = flow.sample(np.zeros(14), start, 4)
    alone = np.concatenate([flow.sample(np.zeros(14), s[None], 4) for s in start])
    assert together == pytest.approx(alone, abs=1e-5)


def test_observations_far_outside_are_clipped() -> None:
    card = blank(window=2.0, cost_hidden=(8,))
    flow = Flow(card, drawn_weights(card))
    far = flow.sample(np.full(14, 1e9), np.zeros((1, 4, 3)), 4)
    assert np.isfinite(far).all()
    assert flow.cost_to_go is not None
    assert np.isfinite(flow.cost_to_go(np.full((2, 14), -1e9))).all()


def test_the_control_has_the_covariance_of_its_root() -> None:
    card = blank(kind="gaussian", hidden=())
    weights = drawn_weights(card)
    proposal = Gaussian(card, weights)
    start = np.random.default_rng(0).standard_normal((20_000, 4, 3))
    drawn = proposal.normalise(proposal.sample(np.zeros(14), start, 1)).reshape(len(start), -1)
    root = weights["root"].astype(np.float64)
    assert np.cov(drawn, rowvar=False) == pytest.approx(root @ root.T, abs=0.06)


def monitor() -> ProposalMonitor:
    return ProposalMonitor(HealthConfig(), has_value=False)


def test_configured_fraction_of_the_candidates_is_proposed(write_proposal: WriteProposal) -> None:
    proposal = load_proposal(write_proposal())
    counts = {
        (n, share): len(
            ProposalSampler(
                proposal, ProposalConfig(fraction=share), n, 4, 2.0 / 3.0, 1, monitor()
            ).draw(np.zeros(14), np.zeros((4, 3)))
        )
        for n in (1, 2, 3, 8, 16)
        for share in (0.0, 0.25, 0.5, 1.0)
    }
    assert [counts[n, 1.0] for n in (1, 2, 3, 8, 16)] == [0, 1, 2, 7, 15]
    assert [counts[n, 0.5] for n in (1, 2, 3, 8, 16)] == [0, 1, 1, 4, 8]
    assert [counts[n, 0.25] for n in (1, 2, 3, 8, 16)] == [0, 0, 1, 2, 4]
    assert {counts[n, 0.0] for n in (1, 2, 3, 8, 16)} == {0}


@given(
    knots=st.integers(1, 9),
    horizon=st.floats(0.2, 2.0),
    order=st.sampled_from([0, 1, 3]),
)
def test_on_another_grid_a_plan_is_the_same_curve(knots: int, horizon: float, order: int) -> None:
    from gpc_ros.common import splines

    card = blank()
    proposal = Flow(card, drawn_weights(card))
    interval = splines.knot_interval(horizon, knots, order)
    sampler = ProposalSampler(proposal, ProposalConfig(), 2, knots, interval, order, monitor())
    sampler.reset(5)
    found = sampler.sample(np.zeros(14), np.zeros((knots, 3)), 1)[0]
    noise = np.random.default_rng([5, 2]).standard_normal((1, 4, 3))
    own = proposal.sample(np.zeros(14), noise, 4)[0]
    curve = splines.basis(np.arange(float(knots)) * interval, 4, card.knot_dt, 1) @ own
    assert found == pytest.approx(curve)


def test_a_warm_start_without_noise_always_begins_with_the_previous_plan(
    write_proposal: WriteProposal,
) -> None:
    proposal = load_proposal(write_proposal())
    config = ProposalConfig(warm_start=1.0)
    sampler = ProposalSampler(proposal, config, 8, 4, 2.0 / 3.0, 1, monitor())
    nominal = np.random.default_rng(0).uniform(-0.5, 0.5, (4, 3))
    drawn = sampler.sample(np.zeros(14), nominal, 3)
    expected = proposal.sample(np.zeros(14), proposal.normalise(nominal)[None], 4)[0]
    assert drawn == pytest.approx(np.repeat(expected[None], 3, axis=0), abs=1e-5)


def test_checksum_distinguishes_weights_of_the_same_name(
    write_proposal: WriteProposal,
) -> None:
    config = ProposalConfig(file=str(write_proposal(seed=1)))
    first = fingerprint(config, TASK, WALKER)
    write_proposal(seed=2)
    assert fingerprint(config, TASK, WALKER) != first
    assert fingerprint(ProposalConfig(file="none"), TASK, WALKER) == ""
