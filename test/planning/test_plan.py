"""The plan: its commands over time, its expiry and its validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import InputError
from gpc_ros.planning.plan import Plan


def make_plan(**changes: Any) -> Plan:
    knots = np.array([[0.0, 0.0, 0.0], [0.4, 0.2, -1.0], [0.8, 0.0, 0.0]])
    values = {
        "id": 1, "task": "box_push", "robot": "go2", "stamp": 9.9, "start": 10.0,
        "expiry": 10.3, "knots": knots, "knot_dt": 0.2, "order": 1, "cost": 1.0,
    }  # fmt: skip
    return Plan(**{**values, **changes})


def test_commands_follow_the_spline() -> None:
    plan = make_plan()
    np.testing.assert_allclose(plan.command(10.1), [0.2, 0.1, -0.5], atol=1e-6)
    np.testing.assert_allclose(plan.command(10.2), [0.4, 0.2, -1.0], atol=1e-6)


def test_before_its_start_the_first_command_holds() -> None:
    np.testing.assert_allclose(make_plan().command(9.0), np.zeros(3), atol=1e-6)


@given(time=st.floats(10.3, 1e6))
def test_after_expiry_the_command_is_zero(time: float) -> None:
    assert not make_plan().command(time).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"knots": np.zeros((3, 2))}, "plan 1: knots: expected shape anyx3"),
        ({"knots": np.full((3, 3), np.nan)}, r"knots: entry \[0, 0\] is nan"),
        ({"knots": np.zeros((0, 3))}, "at least one knot"),
        ({"start": np.inf}, "stamp, start, expiry, knot_dt"),
        ({"knot_dt": 0.0}, "positive knot_dt"),
        ({"order": 2}, "spline order 2"),
    ],
)
def test_bad_plans_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_plan(**changes)
