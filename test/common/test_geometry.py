"""Rotations: the fast cross product equals numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.geometry import cross


@pytest.mark.parametrize(
    ("one", "other"), [((3,), (3,)), ((3,), (5, 3)), ((5, 3), (3,)), ((2, 1, 3), (4, 3))]
)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_cross_product_equals_numpy_bit_for_bit(
    one: tuple[int, ...], other: tuple[int, ...], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=one), rng.normal(size=other)
    np.testing.assert_array_equal(cross(a, b), np.cross(a, b))
