"""The planner with a learned proposal: seeds, fraction, monitor, and planning without one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from made_proposals import blank, drawn_weights, write

from gpc_ros.common.errors import ConfigError, InputError, ModelFileError
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.planner import Planner, PlannerConfig
from gpc_ros.proposal.flow_model import CostToGo, Flow
from gpc_ros.proposal.monitor import HealthConfig
from gpc_ros.proposal.sampler import ProposalConfig
from gpc_ros.robot.types import SceneState
from gpc_ros.tasks import make_task

WALKER = make_walker("trot")
MEMORY = WALKER.initial_state(1)[0]
SMALL = PlannerConfig(num_rollouts=8, horizon=0.6)


def made(window: float = 0.0, seed: int = 0, task: str = "navigate") -> Flow:
    card = blank(task, window=window, cost_hidden=(8,) if window else ())
    return Flow(card, drawn_weights(card, seed))


def cycles(
    config: PlannerConfig, proposal: Flow | None, count: int = 3, task: str = "navigate"
) -> tuple[Planner, list[PlannerReport], bytes]:
    planner = Planner(make_task(task), WALKER, config, proposal=proposal)
    episode = planner.task.sample_episode(2)
    reports, knots = [], b""
    for k in range(count):
        state = SceneState.from_arrays(
            0.1 * k, episode.qpos, np.zeros(planner.model.nv), planner.task.bodies
        )
        plan, report = planner.plan(state, MEMORY, episode.goal, 0.1 * k)
        assert plan is not None
        reports.append(report)
        knots += plan.knots.tobytes()
    return planner, reports, knots


@pytest.mark.parametrize("optimizer", ["cem", "mppi", "predictive_sampling"])
def test_one_seed_gives_the_same_bytes_on_any_number_of_threads(optimizer: str) -> None:
    config = replace(SMALL, optimizer=optimizer, seed=7)
    plans = [cycles(replace(config, threads=n), made())[2] for n in (1, 2)]
    assert plans[0] == plans[1]
    assert cycles(replace(config, seed=8), made())[2] != plans[0]


@pytest.mark.parametrize("optimizer", ["cem", "mppi", "predictive_sampling"])
def test_every_optimizer_uses_the_fraction_and_keeps_the_nominal(optimizer: str) -> None:
    config = replace(SMALL, optimizer=optimizer, num_rollouts=9)
    _, reports, _ = cycles(config, made())
    for report in reports:
        assert len(report.proposed) == 4
        assert 0 not in report.proposed
        assert report.proposal.drawn == 4
        assert report.proposal.spread > 0.0
    assert reports[0].candidates[0] == pytest.approx(np.zeros((4, 3)))


def test_the_gaussian_draws_the_same_beside_a_proposal() -> None:
    _, with_it, _ = cycles(SMALL, made(), count=1)
    kept = np.setdiff1d(np.arange(8), with_it[0].proposed)
    plain = replace(SMALL, num_rollouts=len(kept), proposal=ProposalConfig(file="none"))
    _, without, _ = cycles(plain, None, count=1)
    np.testing.assert_array_equal(with_it[0].candidates[kept], without[0].candidates)


def test_reset_repeats_the_sequence() -> None:
    planner, _, first = cycles(SMALL, made())
    planner.reset()
    episode = planner.task.sample_episode(2)
    again = b""
    for k in range(3):
        state = SceneState.from_arrays(0.1 * k, episode.qpos, np.zeros(18), ())
        plan, _ = planner.plan(state, MEMORY, episode.goal, 0.1 * k)
        assert plan is not None
        again += plan.knots.tobytes()
    assert again == first


def test_a_useless_proposal_is_faded_out() -> None:
    # Full speed backwards for every observation.
    flow = made()
    flow._knots_mean = np.tile(np.array([-9.0, 0.0, 0.0], np.float32), (4, 1))
    flow._knots_std = np.full((4, 3), 1e-3, np.float32)
    _, reports, _ = cycles(replace(SMALL, num_rollouts=12), flow, count=24)
    assert len(reports[0].proposed) == 6
    assert reports[-1].proposal.weight == 0.0
    assert sum(len(r.proposed) for r in reports[-8:]) == 2
    unfaded = ProposalConfig(health=HealthConfig(fade=False))
    kept = replace(SMALL, num_rollouts=12, proposal=unfaded)
    _, reports, _ = cycles(kept, flow, count=24)
    assert len(reports[-1].proposed) == 6


def test_the_cost_to_go_extends_the_horizon() -> None:
    flow = made(window=2.0)
    assert isinstance(flow.cost_to_go, CostToGo)
    unfaded = ProposalConfig(health=HealthConfig(fade=False))
    _, (report,), _ = cycles(replace(SMALL, num_rollouts=4, proposal=unfaded), flow, count=1)
    plain = replace(SMALL, num_rollouts=4, proposal=ProposalConfig(cost_to_go=False))
    _, (without,), _ = cycles(plain, flow, count=1)
    # Both simulate the same candidates; only the cost differs.
    np.testing.assert_array_equal(report.candidates, without.candidates)
    assert "to_go" in report.terms
    assert "to_go" not in without.terms
    assert report.nominal_cost != pytest.approx(without.nominal_cost)
    share = 0.6 / 2.6
    best = int(np.argmin(report.costs))
    learned = report.costs[best] - share * without.costs[best]
    assert report.terms["to_go"] == pytest.approx(learned)


def test_wrong_cost_to_go_also_disables_the_flow() -> None:
    flow = made(window=2.0)
    assert flow.cost_to_go is not None
    flow.cost_to_go._scale = np.array([50.0, 1.0], np.float32)
    flow.cost_to_go.spread = 1.0
    planner, reports, _ = cycles(SMALL, flow, count=9)
    # The first rollouts check the cost-to-go before it enters a cost.
    assert "to_go" in reports[0].terms
    assert all(r.terms["to_go"] == 0.0 for r in reports)
    assert reports[0].proposal.cost_error > 1.0
    assert len(reports[0].proposed) > 1
    assert all(r.proposed == () for r in reports[1:])
    assert reports[-1].proposal.weight == 0.0
    planner.reset()
    fresh = Planner(planner.task, WALKER, SMALL, proposal=flow)
    assert planner.state_dict().proposal == fresh.state_dict().proposal


class Misleading:
    """A cost-to-go that is correct for a standing robot and far too low for a moving robot."""

    window, spread = 2.0, 1.0

    def __init__(self, standing: float, moving: int) -> None:
        self._standing, self._moving = standing, moving

    def __call__(self, observation: np.ndarray) -> np.ndarray:
        return np.where(abs(observation[:, self._moving]) > 0.05, -20.0, self._standing)


def test_cost_to_go_error_is_detected_where_it_leads() -> None:
    flow = made()
    _, (plain,), _ = cycles(SMALL, flow, count=1)
    moving = flow.card.observation.index("robot vx")
    flow.cost_to_go = cast(CostToGo, Misleading(plain.best_cost, moving))
    # In every cycle the robot starts where the cost-to-go is correct.
    _, reports, _ = cycles(SMALL, flow, count=3)
    assert reports[-1].proposal.cost_weight == 0.0


def test_nan_cost_to_go_gives_plain_sampling() -> None:
    flow = made()
    moving = flow.card.observation.index("robot vx")
    flow.cost_to_go = cast(CostToGo, Misleading(np.nan, moving))
    _, reports, knots = cycles(SMALL, flow)
    assert np.isfinite(np.frombuffer(knots)).all()
    assert all(not r.hold_reason and np.isfinite(r.best_cost) for r in reports)
    assert reports[0].proposal.cost_weight == 0.0


def test_memory_without_the_value_error_is_refused() -> None:
    planner, _, _ = cycles(SMALL, made(window=2.0))
    memory = planner.state_dict()
    assert memory.proposal is not None
    older = {k: v for k, v in memory.proposal.items() if k != "cost"}
    with pytest.raises(InputError, match="the proposal's memory cannot be read: 'cost'"):
        planner.load_state_dict(replace(memory, proposal=older))


def test_without_rollouts_a_sample_is_executed() -> None:
    _, reports, knots = cycles(replace(SMALL, policy_only=True), made())
    assert len(reports[0].candidates) == 0
    assert knots != bytes(len(knots))
    with pytest.raises(ConfigError, match="policy_only: needs a proposal"):
        cycles(replace(SMALL, policy_only=True, proposal=ProposalConfig(file="none")), None)


def test_proposal_of_another_task_is_refused_or_unused(tmp_path: Path) -> None:
    card = blank("navigate")
    path = write(tmp_path / "made.json", card, drawn_weights(card))
    config = replace(SMALL, proposal=ProposalConfig(file=str(path)))
    assert cycles(config, None)[0].proposal is not None
    with pytest.raises(ModelFileError, match="was trained for task 'navigate', not 'box_push'"):
        cycles(config, None, task="box_push")
    allowed = replace(config, proposal=replace(config.proposal, required=False))
    planner, reports, knots = cycles(allowed, None, task="box_push")
    assert planner.proposal is None
    assert "was trained for task 'navigate'" in planner.no_proposal
    assert reports[0].proposed == ()
    plain = replace(SMALL, proposal=ProposalConfig(file="none"))
    assert knots == cycles(plain, None, task="box_push")[2]


def test_a_sample_that_is_not_finite_never_reaches_a_rollout() -> None:
    flow = made()
    flow._knots_mean = np.full((4, 3), np.nan)
    _, reports, knots = cycles(SMALL, flow)
    assert all(report.proposed == () for report in reports)
    assert knots == cycles(replace(SMALL, proposal=ProposalConfig(file="none")), None)[2]
