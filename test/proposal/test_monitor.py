"""A proposal that stops helping is faded out, and restored when it helps again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import InputError
from gpc_ros.proposal.monitor import (
    HealthConfig,
    ProposalMonitor,
    UsefulnessMonitor,
    ValueErrorMonitor,
)

CONFIG = HealthConfig()


def cycle(health: UsefulnessMonitor, better: bool, samples: int = 16, most: int = 8) -> int:
    """Run one cycle in which all proposed candidates are better, or worse, than the rest."""
    count = health.count(most)
    proposed = list(range(1, 1 + count))
    costs = np.linspace(1.0, 2.0, samples)
    costs[proposed] += -5.0 if better else 5.0
    health.update(costs, proposed, max(2, samples // 4), 0.1)
    return count


def test_useless_proposal_is_faded_out_within_a_second_at_20_hz() -> None:
    health = UsefulnessMonitor(CONFIG)
    counts = [cycle(health, better=False) for _ in range(20)]
    assert counts[0] == 8
    assert set(counts[-CONFIG.probe_period :]) == {0, 1}
    assert health.weight == 0.0


def test_faded_proposal_is_probed_with_single_samples() -> None:
    health = UsefulnessMonitor(CONFIG)
    counts = [cycle(health, better=False) for _ in range(220)]
    assert sum(counts[20:]) == 200 // CONFIG.probe_period


def test_useful_proposal_is_restored() -> None:
    health = UsefulnessMonitor(CONFIG)
    for _ in range(40):
        cycle(health, better=False)
    counts = [cycle(health, better=True) for _ in range(12 * CONFIG.probe_period)]
    assert counts[-1] == 8


def test_proposal_as_good_as_chance_is_kept() -> None:
    health, rng = UsefulnessMonitor(CONFIG), np.random.default_rng(0)
    counts = []
    for _ in range(500):
        count = health.count(8)
        counts.append(count)
        health.update(rng.random(16), list(range(1, 1 + count)), 4, 0.1)
    assert np.mean(counts) > 7.0
    assert health.usefulness == pytest.approx(1.0, abs=0.6)


def test_without_fading_everything_is_always_drawn() -> None:
    health = UsefulnessMonitor(HealthConfig(fade=False))
    assert {cycle(health, better=False) for _ in range(50)} == {8}


def test_new_goal_resets_the_monitor() -> None:
    health = UsefulnessMonitor(CONFIG)
    for _ in range(40):
        cycle(health, better=False)
    health.reset()
    assert cycle(health, better=False) == 8


def test_metrics_contain_the_winner() -> None:
    health = UsefulnessMonitor(CONFIG)
    figures = health.update(np.array([3.0, 1.0, 2.0, 4.0]), [1, 3], 2, 0.25)
    assert figures.won
    assert figures.drawn == 2
    assert figures.win_rate == pytest.approx(1.0)
    assert figures.agreement == pytest.approx(0.5)
    assert figures.spread == 0.25


@given(
    costs=st.lists(st.one_of(st.floats(0, 10), st.just(np.inf)), min_size=0, max_size=20),
    proposed=st.lists(st.integers(0, 30), unique=True),
    most=st.integers(0, 8),
)
def test_metrics_stay_within_their_bounds(
    costs: list[float], proposed: list[int], most: int
) -> None:
    health = UsefulnessMonitor(CONFIG)
    for _ in range(10):
        assert 0 <= health.count(most) <= most
        figures = health.update(np.array(costs), proposed, 2, 0.0)
        for value in (figures.win_rate, figures.agreement, figures.weight):
            assert 0.0 <= value <= 1.0 + 1e-9
        assert figures.usefulness >= 0.0


def judged(errors: list[float], config: HealthConfig = CONFIG) -> ValueErrorMonitor:
    """Return the monitor after cycles with these errors, relative to the costs' spread."""
    health = ValueErrorMonitor(config)
    for error in errors:
        health.update(float(abs(error)))
    return health


def test_very_wrong_cost_to_go_never_has_full_weight() -> None:
    # The first error is added before the cost-to-go enters a cost.
    assert judged([0.8]).weight == 0.0
    assert judged([0.1, 1.2]).weight < 1.0


@pytest.mark.parametrize("seed", range(10))
def test_constant_cost_to_go_soon_has_a_low_weight(seed: int) -> None:
    # For example, the mean of all costs has an error equal to their spread.
    errors = np.random.default_rng(seed).normal(0.0, 1.0, 30)
    assert judged([*errors]).weight < 0.1


def test_accurate_cost_to_go_has_full_weight() -> None:
    errors = np.random.default_rng(0).normal(0.0, 0.3, 200)
    assert {judged([*errors[:n]]).weight for n in range(200)} == {1.0}


def test_single_error_keeps_full_weight() -> None:
    assert judged([0.1] * 20 + [2.0] + [0.1] * 20).weight == 1.0


def test_wrong_cost_to_go_is_not_readmitted_at_once() -> None:
    # A cost-to-go of another task looks accurate until it has led the robot away. Without it the
    # robot returns, and must not be led away repeatedly.
    led_away = [0.2] * 5 + [1.5] * 15
    assert judged([*led_away, *[0.2] * 50]).weight == 0.0


def test_cost_to_go_accurate_for_long_is_readmitted() -> None:
    assert judged([1.5] * 20 + [0.1] * 3 * round(CONFIG.value_error_decay)).weight == 1.0


def test_nan_error_decays_too() -> None:
    health = judged([np.nan] * 40)
    assert health.weight == 0.0
    assert np.isfinite(health.error)
    for _ in range(5 * round(CONFIG.value_error_decay)):
        health.update(0.0)
    assert health.weight == 1.0


def test_value_error_state_round_trip() -> None:
    health, other = judged([0.8, 0.1, 1.4]), ValueErrorMonitor(CONFIG)
    other.load_state_dict(health.state_dict())
    for h in (health, other):
        h.update(0.6)
    assert other.state_dict() == health.state_dict()
    with pytest.raises(ValueError, match="expected 3"):
        other.load_state_dict([0.0])


def test_flow_with_zero_value_weight_is_not_sampled() -> None:
    health = UsefulnessMonitor(CONFIG)
    assert {health.count(8, value_weight=0.0) for _ in range(3 * CONFIG.probe_period)} == {0}
    assert health.count(8, value_weight=0.5) == 4
    assert health.count(8) == 8


@given(errors=st.lists(st.one_of(st.floats(0.0), st.just(np.nan)), max_size=30))
def test_weight_stays_within_its_bounds_for_any_error(errors: list[float]) -> None:
    health = ValueErrorMonitor(CONFIG)
    for error in errors:
        health.update(error)
        assert 0.0 <= health.weight <= 1.0
        assert np.isfinite(health.error)


def test_one_monitor_owns_usefulness_and_value_error() -> None:
    monitor, other = (ProposalMonitor(CONFIG, has_value=True) for _ in range(2))
    assert monitor.sample_count(8) == 8
    for _ in range(20):
        monitor.update_value_error(2.0)
    monitor.update(np.array([1.0, 2.0, 3.0, 4.0]), [1], 2, 0.1)
    assert monitor.value_weight == monitor.metrics.cost_weight == monitor.metrics.weight == 0.0
    assert monitor.metrics.cost_error == pytest.approx(2.0)
    assert monitor.sample_count(8) == 0
    other.load_state_dict(monitor.state_dict())
    assert other.state_dict() == monitor.state_dict()
    monitor.reset()
    assert monitor.sample_count(8) == 8
    with pytest.raises(InputError, match="memory cannot be read"):
        other.load_state_dict({"health": [0.0]})
