"""Snapshots of a bag, and the predicted paths of its plans and candidates."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.common.errors import BagError, InputError
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.view.bag_player import walker_of
from gpc_ros.view.bag_source import BagScenes
from gpc_ros.view.candidate_paths import PathRoller
from gpc_ros.view.snapshot import Snapshot, candidates_from_msg
from gpc_ros.view.status import status_markdown

if TYPE_CHECKING:
    from conftest import MadeBag


@pytest.fixture
def scenes(pushing: MadeBag) -> BagScenes:
    return BagScenes(BagReader(pushing.path))


def test_a_snapshot_contains_the_data_recorded_then(scenes: BagScenes, pushing: MadeBag) -> None:
    moment = scenes.at(3.05)
    assert moment.state is not None and moment.plan is not None and moment.cycle is not None
    assert moment.state.stamp == pytest.approx(3.05, abs=0.011)
    assert moment.plan.id == pushing.plans[30].id
    np.testing.assert_array_equal(moment.plan.knots, pushing.plans[30].knots)
    assert moment.goal is not None
    np.testing.assert_allclose(moment.goal, pushing.goal, atol=1e-9)
    assert (moment.mode, moment.cycle.cycles) == ("ACTIVE", 31)
    assert set(moment.mocap) == {"base", "box"}
    seen = moment.mocap["box"].position
    assert np.linalg.norm(seen - moment.state.objects["box"].position) < 0.1


def test_candidates_belong_to_the_plan(scenes: BagScenes, pushing: MadeBag) -> None:
    found = scenes.at(3.05).candidates
    assert found is not None
    np.testing.assert_array_equal(found.knots, pushing.reports[30].candidates)
    np.testing.assert_array_equal(found.costs, pushing.reports[30].costs)
    assert not found.proposed.any()
    assert found.elites.sum() == 4
    assert found.costs[found.elites].max() <= found.costs[~found.elites].min()


def test_paths_use_the_walker_of_the_bag_or_the_default(scenes: BagScenes) -> None:
    message = SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=0, nanosec=0)),
        walker="gallop",
        state=[0.0],
    )
    assert scenes.walker == walker_of(scenes.walker).name == DEFAULT_WALKER
    scenes._take_memory(-5.0, message)
    assert scenes.walker == "gallop"  # a walker without a card here
    assert walker_of(scenes.walker).name == DEFAULT_WALKER


def test_no_data_is_shown_before_its_time(scenes: BagScenes) -> None:
    early = scenes.at(-5.0)
    assert early.state is None and early.plan is None and early.goal is None
    assert "no planner" in status_markdown(early)


def test_an_expired_plan_is_not_shown(scenes: BagScenes) -> None:
    assert scenes.at(5.95).plan is not None
    assert scenes.at(30.0).plan is None


def test_the_best_candidate_and_the_plan_have_the_same_path(
    scenes: BagScenes, pushing: MadeBag
) -> None:
    roller = PathRoller(scenes.task, make_walker(DEFAULT_WALKER), most=6)
    moment = scenes.at(3.05)
    paths = roller.roll(moment)
    assert paths is not None
    assert paths.base.shape == (7, 100, 3) and paths.object.shape == (7, 100, 3)
    # The plan of the cross-entropy method is its best candidate.
    np.testing.assert_array_equal(paths.base[0], paths.base[1])
    assert not np.array_equal(paths.base[0], paths.base[2])
    assert moment.state is not None
    begin = paths.base[:, 0, :2] - moment.state.position[:2]
    assert np.linalg.norm(begin, axis=1).max() < 0.1
    # The rollouts equal the planner's: same initial state, same cost.
    rolled = 0.3 * np.linalg.norm(paths.base[1, :, :2] - paths.object[1, :, :2], axis=1).mean()
    assert rolled == pytest.approx(pushing.reports[30].terms["reach"], rel=1e-3)
    assert list(paths.elite) == [False] + [True] * 4 + [False] * 2


def test_paths_predict_the_recorded_motion(scenes: BagScenes) -> None:
    roller = PathRoller(scenes.task, make_walker(DEFAULT_WALKER), most=0)
    paths = roller.roll(scenes.at(3.0))
    later = scenes.at(3.4).state
    assert paths is not None and later is not None
    assert np.linalg.norm(paths.base[0, 20, :2] - later.position[:2]) < 0.15


def test_without_candidates_only_the_plan_is_rolled_out(scenes: BagScenes) -> None:
    roller = PathRoller(scenes.task, make_walker(DEFAULT_WALKER), most=6)
    moment = scenes.at(3.05)
    moment.candidates = None
    paths = roller.roll(moment)
    assert paths is not None and len(paths.base) == 1
    assert roller.roll(Snapshot(state=moment.state)) is None
    assert roller.roll(Snapshot(plan=moment.plan)) is None


def record(**fields: object) -> SimpleNamespace:
    knots = np.arange(24.0)
    return SimpleNamespace(**{"candidates": knots, "costs": np.array([3.0, np.inf]), **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [False, False]),
        ({"from_proposal": [False, True]}, [False, True]),
        ({"indices": [4, 9], "proposed": [9, 2]}, [False, True]),
        ({"proposed": [0]}, [True, False]),
    ],
)
def test_proposals_are_recognised_in_both_formats(fields: dict, expected: list[bool]) -> None:
    found = candidates_from_msg(record(**fields), 4)
    assert list(found.proposed) == expected
    assert list(found.elites) == [True, False]
    np.testing.assert_array_equal(found.knots[1].ravel(), np.arange(12.0, 24.0))


def test_candidates_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match="24 values are not 2 x 5 x 3"):
        candidates_from_msg(record(), 5)


def test_a_bag_without_states_is_refused(tmp_path: Path) -> None:
    BagWriter(tmp_path / "bag", {"task": "box_push"}).close()
    with pytest.raises(BagError, match="contains no state"):
        BagScenes(BagReader(tmp_path / "bag"))


def test_a_bag_of_an_unknown_task_is_refused(tmp_path: Path) -> None:
    BagWriter(tmp_path / "bag", {"task": "box_pusch"}).close()
    with pytest.raises(BagError, match="did you mean 'box_push'"):
        BagScenes(BagReader(tmp_path / "bag"))
