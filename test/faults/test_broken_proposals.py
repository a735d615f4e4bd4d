"""Proposals that are made to know nothing."""

from __future__ import annotations

import numpy as np

from gpc_ros.faults.proposals import shuffled
from gpc_ros.proposal.model import Weights


def test_the_same_seed_shuffles_alike_in_whatever_order_a_file_is_read() -> None:
    weights: Weights = {
        f"{part}.{i}.weight": np.arange(12, dtype=np.float32).reshape(3, 4) + i
        for part in ("layers", "cost", "scale")
        for i in range(3)
    }
    one, other = shuffled(weights, 0), shuffled(dict(reversed(list(weights.items()))), 0)
    assert all(np.array_equal(one[name], other[name]) for name in weights)
    assert not np.array_equal(one["cost.0.weight"], weights["cost.0.weight"])
    assert np.array_equal(one["scale.0.weight"], weights["scale.0.weight"])
    assert not np.array_equal(shuffled(weights, 1)["cost.0.weight"], one["cost.0.weight"])
