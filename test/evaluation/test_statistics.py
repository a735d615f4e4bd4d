"""Bootstrap intervals: coverage and pairing."""

from __future__ import annotations

import numpy as np
import pytest

from gpc_ros.common.errors import InputError
from gpc_ros.evaluation.statistics import bootstrap, paired_difference


def test_interval_covers_the_true_mean_at_its_nominal_rate() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for k in range(200):
        interval = bootstrap(rng.normal(1.0, 2.0, 40), seed=k, resamples=500)
        covered += interval.low <= 1.0 <= interval.high
    assert 175 <= covered <= 199


def test_mean_lies_inside_and_equal_values_give_zero_width() -> None:
    interval = bootstrap([3.0, 3.0, 3.0])
    assert (interval.low, interval.mean, interval.high) == (3.0, 3.0, 3.0)
    wide = bootstrap([0.0, 1.0, 1.0, 1.0])
    assert wide.low < wide.mean < wide.high
    assert wide.mean == pytest.approx(0.75)


def test_one_seed_gives_one_interval() -> None:
    values = np.random.default_rng(1).normal(size=30)
    assert bootstrap(values) == bootstrap(values)


def test_pairing_removes_the_common_variation() -> None:
    rng = np.random.default_rng(2)
    common = rng.normal(0, 10, 40)
    a, b = common + 1.0 + rng.normal(0, 0.1, 40), common
    paired = paired_difference(a, b)
    assert 0.9 < paired.low < paired.high < 1.1


def test_unpaired_or_empty_values_are_refused() -> None:
    with pytest.raises(InputError, match="3 and 2 values are not paired"):
        paired_difference([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(InputError, match="the array of values is empty"):
        bootstrap([])
