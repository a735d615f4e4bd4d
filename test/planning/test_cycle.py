"""A recorded cycle can be repeated bit for bit, whatever the deadline dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_proposals import blank, drawn_weights

from gpc_ros.common.errors import InputError
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.cycle import (
    CycleRecord,
    chained,
    load_state_dict,
    make_cycle_inputs,
    make_cycle_record,
    repeat,
    thinned,
)
from gpc_ros.planning.memory import PlannerMemory
from gpc_ros.planning.plan import Plan
from gpc_ros.planning.planner import Planner, PlannerConfig
from gpc_ros.planning.rollout import Deadline
from gpc_ros.proposal.flow_model import Flow
from gpc_ros.robot.types import SceneState
from gpc_ros.tasks import make_task

if TYPE_CHECKING:
    from conftest import WorkingTrot

TASK = make_task("box_push")
EPISODE = TASK.sample_episode(2)
CONFIG = PlannerConfig(num_rollouts=6, horizon=0.6, max_opt_iters=2)
OPTIMIZERS = ("cem", "mppi", "predictive_sampling")


def planner(walker: Walker, **changes: object) -> Planner:
    return Planner(TASK, walker, replace(CONFIG, **changes))  # type: ignore[arg-type]


def equal(a: Plan | None, b: Plan | None) -> bool:
    assert a is not None and b is not None
    return a.knots.tobytes() == b.knots.tobytes() and (a.id, a.start, a.cost, a.stamp) == (
        b.id, b.start, b.cost, b.stamp,
    )  # fmt: skip


def recorded(made: Planner, count: int, working: WorkingTrot | None = None) -> list[CycleRecord]:
    """Plan some cycles, with a deadline of half the time if the walker has a clock."""
    found = []
    memory = made.walker.initial_state(1)[0]
    for k in range(count):
        now = 5.0 + 0.05 * k
        state = SceneState.from_arrays(now - 0.01, EPISODE.qpos, np.zeros(24), TASK.bodies)
        inputs = make_cycle_inputs(made, state, memory, EPISODE.goal, now)
        # From less than one candidate to more than all of both rounds.
        budget = (0.1, 0.6, 1.4, 2.5)[k % 4] * CONFIG.num_rollouts * 30
        limit = Deadline(working.now + budget, working.clock) if working else None
        plan, report = made.plan(state, memory, EPISODE.goal, now, limit)
        found.append(
            make_cycle_record(inputs, plan, report, limited=limit is not None, cycle=k + 1)
        )
    return found


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_cycle_can_be_repeated_by_itself(optimizer: str) -> None:
    walker = make_walker("trot")
    records = recorded(planner(walker, optimizer=optimizer), 4)
    other = planner(walker, optimizer=optimizer, seed=99)
    for record in reversed(records):
        load_state_dict(other, record)
        assert equal(repeat(other, record)[0], record.plan)


def test_deadline_drops_are_repeated(working_trot: WorkingTrot) -> None:
    # The planner's clock is the walker's, so that plan times follow the deadline.
    made = Planner(TASK, working_trot, CONFIG, clock=working_trot.clock)
    records = recorded(made, 8, working_trot)
    assert {len(r.drops.drops) > 0 for r in records if r.drops} == {True, False}
    again = planner(make_walker("trot"))
    for record in records:
        if not chained(again, record):
            assert record is records[0]
            load_state_dict(again, record)
        plan, report = repeat(again, record)
        assert report.hold_reason == record.hold_reason
        assert report.completed == record.completed
        assert record.drops is not None and report.missed == record.drops.missed
        assert (plan is None) == (record.plan is None)
        assert plan is None or equal(plan, record.plan)


def test_planner_with_another_memory_is_not_chained() -> None:
    walker = make_walker("trot")
    records = recorded(planner(walker), 2)
    assert chained(planner(walker), records[0])
    assert not chained(planner(walker), records[1])
    assert not chained(planner(walker, seed=1), records[0])


def test_memory_of_another_planner_is_refused() -> None:
    walker = make_walker("trot")
    memory = planner(walker, knots=5).state_dict()
    with pytest.raises(InputError, match="nominal"):
        planner(walker).load_state_dict(memory)
    with pytest.raises(InputError, match="mppi: has no memory"):
        planner(walker, optimizer="mppi").load_state_dict(planner(walker).state_dict())
    with pytest.raises(InputError, match="cem: a memory has 14 numbers, not 0"):
        planner(walker).load_state_dict(planner(walker, optimizer="mppi").state_dict())


floats = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(floats, floats, floats), min_size=1, max_size=5),
    st.none() | floats,
    st.lists(st.floats(allow_nan=False), max_size=5),
    st.floats(),
)
def test_memory_round_trip_keeps_every_bit(
    seed: int,
    knots: list[tuple[float, ...]],
    start: float | None,
    search: list[float],
    cost: float,
) -> None:
    plan = Plan(3, "t", "go2", 0.1, 0.2, 0.5, np.array(knots), 0.25, 1, cost)
    random = dict(np.random.default_rng(seed).bit_generator.state)
    memory = PlannerMemory(
        random, np.array(knots), start, plan, np.zeros(3), 0.1, 7, np.array(search)
    )
    text = memory.to_json()
    again = PlannerMemory.from_json(text)
    assert again.to_json() == text
    assert "NaN" not in text and "Infinity" not in text
    assert again.previous is not None and str(again.previous.cost) == str(cost)
    assert again.nominal.tobytes() == memory.nominal.tobytes()
    assert again.search.tobytes() == memory.search.tobytes()
    assert again.random == random


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"random": {}}', "null"])
def test_malformed_memory_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="memory cannot be read"):
        PlannerMemory.from_json(text)


@given(st.lists(st.floats(0.0, 1e6), max_size=40), st.integers(0, 40))
def test_recorded_candidates_include_the_best_and_the_worst(costs: list[float], keep: int) -> None:
    values = np.array(costs)
    kept = thinned(values, keep)
    assert len(kept) == len(set(kept)) == min(keep, len(costs))
    assert [values[i] for i in kept] == sorted(values[i] for i in kept)
    if kept:
        best = len(kept) if len(kept) == len(costs) else (keep + 1) // 2
        assert [values[i] for i in kept[:best]] == sorted(costs)[:best]
    if len(kept) > 1:
        assert values[kept[-1]] == max(costs)


def test_cycles_with_a_proposal_can_be_repeated_from_anywhere() -> None:
    card = blank("box_push", window=1.0, cost_hidden=(8,))
    flow = Flow(card, drawn_weights(card))
    walker = make_walker("trot")
    config = replace(CONFIG, num_rollouts=8, knots=4, max_opt_iters=1)

    def fresh(seed: int) -> Planner:
        return Planner(TASK, walker, replace(config, seed=seed), proposal=flow)

    records = recorded(fresh(3), 8)
    assert any(record.proposed for record in records)
    again, other = fresh(3), fresh(99)
    for record in records:
        assert chained(again, record)
        assert equal(repeat(again, record)[0], record.plan)
    for record in reversed(records):
        load_state_dict(other, record)
        assert equal(repeat(other, record)[0], record.plan)
