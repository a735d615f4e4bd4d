"""Every live parameter and cost weight gets a control that can represent its default."""

from __future__ import annotations

import pytest

from gpc_ros.common import config
from gpc_ros.common.config import Parameter
from gpc_ros.settings.node_settings import PlannerSettings
from gpc_ros.tasks import TASKS
from gpc_ros.view.sliders import slider_range

NUMBERS = [
    p
    for p in (
        *(p for p in config.parameters(PlannerSettings()) if p.live),
        *(p for t in TASKS.values() for p in config.parameters(t.defaults.cost, "cost.")),
    )
    if p.type in (int, float)
]


def number(default: float, low: float | None, high: float | None) -> Parameter:
    kind = type(default)
    return Parameter("x", kind, default, "", "", low, high, None, True)


@pytest.mark.parametrize("p", NUMBERS, ids=lambda p: p.name)
def test_every_number_has_a_slider_as_fine_as_its_default_needs(p: Parameter) -> None:
    ends = slider_range(p)
    assert ends is not None
    low, high, step = ends
    assert p.low is not None and p.high is not None
    assert p.low <= low <= p.default <= high <= p.high
    assert low < p.low + step
    steps = (p.default - low) / step
    assert steps == pytest.approx(round(steps), abs=1e-6)
    assert 10 <= (high - low) / step <= 10_000


def test_a_range_far_beyond_the_default_is_shortened() -> None:
    assert slider_range(number(1.0, 0.0, 1e6)) == pytest.approx((0.0, 10.0, 0.1))
    assert slider_range(number(0.3, 0.0, 5.0)) == pytest.approx((0.0, 5.0, 0.01))
    assert slider_range(number(3, 1, 50)) == (1, 50, 1)


def test_a_parameter_without_bounds_gets_a_field() -> None:
    assert slider_range(number(1.0, None, 5.0)) is None
    assert slider_range(number(0.0, 0.0, 100.0)) is None
