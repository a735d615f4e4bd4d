"""The optimizers: the nominal, invalid candidates and convergence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import ConfigError
from gpc_ros.planning.optimizers.base import Optimizer, gaussian, softmin_weights
from gpc_ros.planning.optimizers.cem import Cem, CemConfig
from gpc_ros.planning.optimizers.mppi import Mppi
from gpc_ros.planning.optimizers.optimizer_registry import make_optimizer

NAMES = ["cem", "mppi", "predictive_sampling"]
TARGET = np.linspace(-0.6, 0.6, 12).reshape(4, 3)


def quadratic(knots: np.ndarray) -> np.ndarray:
    return ((knots - TARGET) ** 2).sum(axis=(1, 2))


def minimise(optimizer: Optimizer, cycles: int, seed: int) -> np.ndarray:
    rng, nominal = np.random.default_rng(seed), np.zeros((4, 3))
    for _ in range(cycles):
        knots = optimizer.sample(nominal, 64, rng)
        nominal = optimizer.update(nominal, knots, quadratic(knots))
    return nominal


@pytest.mark.parametrize("name", NAMES)
def test_finds_the_minimum_of_a_bowl(name: str) -> None:
    noise = {"noise.sigma": (0.2, 0.2, 0.2)}
    nominal = minimise(make_optimizer(name, 4, noise), 40, seed=0)
    assert quadratic(nominal[None])[0] < 0.15 * quadratic(np.zeros((1, 4, 3)))[0]


@pytest.mark.parametrize("name", NAMES)
def test_cost_falls_among_many_minima(name: str) -> None:
    def bumpy(knots: np.ndarray) -> np.ndarray:  # Rastrigin's, around the target
        off = knots - TARGET
        return (off**2 + 0.1 * (1.0 - np.cos(2 * np.pi * 4 * off))).sum(axis=(1, 2))

    optimizer = make_optimizer(name, 4)
    rng, nominal = np.random.default_rng(0), np.zeros((4, 3))
    for _ in range(40):
        knots = optimizer.sample(nominal, 64, rng)
        nominal = optimizer.update(nominal, knots, bumpy(knots))
    assert bumpy(nominal[None])[0] < 0.9 * bumpy(np.zeros((1, 4, 3)))[0]


@pytest.mark.parametrize("name", NAMES)
def test_first_candidate_is_the_nominal(name: str) -> None:
    nominal = np.random.default_rng(1).normal(size=(4, 3))
    knots = make_optimizer(name, 4).sample(nominal, 8, np.random.default_rng(0))
    assert knots.shape == (8, 4, 3)
    np.testing.assert_array_equal(knots[0], nominal)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 9999), data=st.data())
def test_an_invalid_candidate_never_wins(name: str, seed: int, data: st.DataObject) -> None:
    optimizer = make_optimizer(name, 4)
    rng = np.random.default_rng(seed)
    knots = optimizer.sample(np.zeros((4, 3)), 6, rng)
    costs = rng.uniform(0, 1, 6)
    invalid = data.draw(st.sets(st.integers(0, 5), max_size=5))
    costs[list(invalid)] = np.inf
    knots[list(invalid)] = 1e6  # would distort any mean
    result = optimizer.update(np.zeros((4, 3)), knots, costs)
    assert np.isfinite(result).all()
    assert np.abs(result).max() < 100.0
    assert np.isfinite(optimizer.sigma).all()
    assert np.abs(optimizer.sigma).max() < 100.0


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_gives_one_result(name: str) -> None:
    one = minimise(make_optimizer(name, 4), 5, seed=3)
    two = minimise(make_optimizer(name, 4), 5, seed=3)
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_candidates_are_mirrored_pairs(name: str) -> None:
    nominal = np.random.default_rng(1).normal(size=(4, 3))
    for count in (1, 2, 7, 8):
        knots = make_optimizer(name, 4).sample(nominal, count, np.random.default_rng(0)) - nominal
        assert len(knots) == count
        pairs = knots[1 : 1 + 2 * ((count - 1) // 2)]
        np.testing.assert_allclose(pairs[0::2], -pairs[1::2], atol=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_noise_has_the_stated_spread_and_correlation(correlation: float) -> None:
    rng = np.random.default_rng(0)
    sigma = np.full((3, 2), 0.5)
    knots = gaussian(np.zeros((3, 2)), sigma, 20001, rng, correlation)[1:]
    assert knots.std() == pytest.approx(0.5, rel=0.02)
    between = np.corrcoef(knots[:, 0, 0], knots[:, 2, 0])[0, 1]
    assert between == pytest.approx(correlation, abs=0.03)


def test_noise_grows_along_the_horizon() -> None:
    optimizer = make_optimizer("mppi", 5, {"noise.noise_ramp": 2.0, "noise.sigma": "0.5,0.3,1.0"})
    np.testing.assert_allclose(optimizer.sigma[:, 0], 0.5 * np.linspace(1, 2, 5))


def test_cem_shrinks_to_its_minimum_and_resets_on_a_stall() -> None:
    cem = Cem(CemConfig(sigma_min_ratio=0.25, smoothing=0.0, patience=3), 4)
    start = cem.sigma.copy()
    same = np.zeros((8, 4, 3))
    cem.update(same[0], same, np.arange(8.0))
    np.testing.assert_allclose(cem.sigma, 0.25 * start)
    for _ in range(2):
        cem.update(same[0], same, np.arange(8.0))
    np.testing.assert_allclose(cem.sigma, 0.25 * start)
    cem.update(same[0], same, np.arange(8.0))
    np.testing.assert_allclose(cem.sigma, start)


def test_cem_sigma_follows_the_spread_of_the_elites() -> None:
    cem = Cem(CemConfig(elite_fraction=0.5, sigma_min_ratio=0.0, smoothing=0.0), 1)
    knots = np.array([[[v, 0.0, 0.0]] for v in (1.0, 3.0, 50.0, 60.0)])
    cem.update(knots[0], knots, np.array([0.0, 0.1, 5.0, 6.0]))
    assert cem.sigma[0, 0] == pytest.approx(1.0)


def test_mppi_weights_by_the_softmin() -> None:
    mppi = make_optimizer("mppi", 1, {"temperature": 1.0})
    assert isinstance(mppi, Mppi)
    knots = np.array([[[0.0, 0, 0]], [[1.0, 0, 0]]])
    costs = np.array([0.0, 2.0])  # standard deviation 1, so lambda is 1
    weight = np.exp(-2.0) / (1.0 + np.exp(-2.0))
    assert mppi.update(knots[0], knots, costs)[0, 0] == pytest.approx(weight)


def test_equal_costs_are_weighted_equally() -> None:
    np.testing.assert_allclose(softmin_weights(np.full(4, 3.0), 0.0), np.full(4, 0.25))


def test_unknown_names_are_reported() -> None:
    with pytest.raises(ConfigError, match=r"unknown optimizer 'cema'.*'cem'"):
        make_optimizer("cema", 4)
    with pytest.raises(
        ConfigError, match=r"optimizer cem: unknown parameter 'elite'.*'elite_fraction'"
    ):
        make_optimizer("cem", 4, {"elite": 0.1})
