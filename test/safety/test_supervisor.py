"""The supervisor: every transition, every row of its table, and what no input can bring about."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.safety.supervisor import (
    CONDITIONS,
    UPRIGHT,
    WALKING,
    Decision,
    State,
    Supervisor,
    SupervisorInputs,
)

FINE = SupervisorInputs(reading_age=0.002, state_age=0.01, height=0.3, stood_up=True)
PLANNED = replace(FINE, plan_fresh=True)
# For each row of the table: inputs that break it.
BROKEN = {
    "robot silent": replace(PLANNED, reading_age=0.051),
    "limit broken": replace(PLANNED, broken_limits=("FL_calf_joint: too hot",)),
    "tilted": replace(PLANNED, tilt=1.1),
    "on the ground": replace(PLANNED, height=0.1),
    "state old": replace(PLANNED, state_age=0.11),
    "no plan": FINE,
}


def supervisor_in(state: State) -> Supervisor:
    """Bring a supervisor into a state by the way it is reached on a robot."""
    supervisor = Supervisor()
    supervisor.update(0.0, FINE)
    if state == State.DISARMED:
        return supervisor
    assert supervisor.arm()[0]
    if state == State.STANDING_UP:
        supervisor.update(0.1, replace(FINE, stood_up=False))
    elif state == State.READY:
        supervisor.update(0.1, FINE)
    elif state == State.ACTIVE:
        supervisor.update(0.1, FINE)
        supervisor.update(0.2, PLANNED)
    elif state == State.HOLDING:
        supervisor.update(0.1, FINE)
        supervisor.update(0.2, PLANNED)
        supervisor.update(0.3, FINE)
    elif state == State.DAMPING:
        supervisor.stop(0.1)
    elif state == State.FAULT:
        supervisor.update(0.1, replace(FINE, tilt=2.0))
    assert supervisor.state == state
    return supervisor


def test_every_row_of_the_table_is_tested() -> None:
    assert set(BROKEN) == {row.name for row in CONDITIONS}


@pytest.mark.parametrize("row", CONDITIONS, ids=lambda row: row.name)
@pytest.mark.parametrize("state", list(State), ids=lambda state: state.name)
def test_condition_leads_to_its_reaction(row, state: State) -> None:  # type: ignore[no-untyped-def]
    decision = supervisor_in(state).update(1.0, BROKEN[row.name])
    if state not in row.states:
        assert decision.state != State.HOLDING or state in WALKING
        return
    expected = State.FAULT if row.reaction == "fault" else State.HOLDING
    assert decision.state == expected
    assert decision.mode == ("damping" if row.reaction == "fault" else "stand")
    assert row.say(Supervisor().config, BROKEN[row.name]) in decision.reasons


@pytest.mark.parametrize(
    ("state", "inputs", "expected", "mode"),
    [
        (State.DISARMED, PLANNED, State.DISARMED, "damping"),
        (State.STANDING_UP, replace(FINE, stood_up=False), State.STANDING_UP, "stand_up"),
        (State.STANDING_UP, FINE, State.READY, "stand"),
        (State.READY, FINE, State.READY, "stand"),
        (State.READY, PLANNED, State.ACTIVE, "walk"),
        (State.ACTIVE, PLANNED, State.ACTIVE, "walk"),
        (State.ACTIVE, FINE, State.HOLDING, "stand"),
        (State.HOLDING, PLANNED, State.ACTIVE, "walk"),
        (State.DAMPING, PLANNED, State.DAMPING, "damping"),
        (State.FAULT, PLANNED, State.FAULT, "damping"),
    ],
)
def test_transitions(
    state: State, inputs: SupervisorInputs, expected: State, mode: str
) -> None:
    decision = supervisor_in(state).update(1.0, inputs)
    assert (decision.state, decision.mode) == (expected, mode)


def test_damping_ends_disarmed() -> None:
    supervisor = supervisor_in(State.DAMPING)
    assert supervisor.update(2.0, FINE).state == State.DAMPING
    assert supervisor.update(2.2, FINE) == Decision(State.DISARMED, "damping")


def test_a_fault_stays_with_its_reason_until_reset() -> None:
    supervisor = supervisor_in(State.FAULT)
    decision = supervisor.update(100.0, PLANNED)
    assert decision.state == State.FAULT
    assert decision.reasons == ("the base is tilted by 2.00 rad (limit 1.047 rad)",)
    assert not supervisor.arm()[0]
    assert not supervisor.disarm(100.0)[0]
    assert supervisor.reset()[0]
    assert supervisor.update(100.1, FINE).state == State.DISARMED


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (replace(FINE, reading_age=math.inf), "no fresh reading from the robot"),
        (replace(FINE, tilt=1.2), "tilted by 1.20 rad"),
        (replace(FINE, battery=0.05), "battery is at 5 %"),
        (replace(FINE, broken_limits=("FR_hip_joint: hot",)), "FR_hip_joint: hot"),
    ],
)
def test_arming_is_refused_with_the_reason(inputs: SupervisorInputs, message: str) -> None:
    supervisor = Supervisor()
    supervisor.update(0.0, inputs)
    accepted, reason = supervisor.arm()
    assert not accepted
    assert message in reason
    assert supervisor.state == State.DISARMED


def test_arming_needs_an_update_first_and_works_once() -> None:
    supervisor = Supervisor()
    assert not supervisor.arm()[0]
    supervisor.update(0.0, FINE)
    assert supervisor.arm()[0]
    accepted, reason = supervisor.arm()
    assert not accepted
    assert "already standing_up" in reason


@pytest.mark.parametrize("state", sorted(UPRIGHT))
def test_stop_damps_from_every_state_on_its_legs(state: State) -> None:
    supervisor = supervisor_in(state)
    assert supervisor.stop(1.0)[0]
    assert supervisor.update(1.0, PLANNED).mode == "damping"


ages = st.one_of(st.floats(0.0, 0.3), st.just(math.inf), st.just(math.nan))
inputs_strategy = st.builds(
    SupervisorInputs,
    reading_age=ages,
    state_age=ages,
    plan_fresh=st.booleans(),
    tilt=st.one_of(st.floats(0.0, 3.1), st.just(math.nan)),
    height=st.floats(0.0, 0.5),
    battery=st.floats(0.0, 1.0),
    stood_up=st.booleans(),
    broken_limits=st.sampled_from([(), (), ("a joint",)]),
)
steps = st.lists(
    st.tuples(st.sampled_from(["arm", "stop", "disarm", "reset", "", "", ""]), inputs_strategy),
    max_size=40,
)


@given(sequence=steps)
def test_no_sequence_walks_or_stands_on_stale_or_broken_inputs(
    sequence: list[tuple[str, SupervisorInputs]],
) -> None:
    supervisor = Supervisor()
    c = supervisor.config
    for k, (request, inputs) in enumerate(sequence):
        now = 0.1 * k
        if request in ("arm", "reset"):
            getattr(supervisor, request)()
        elif request:
            getattr(supervisor, request)(now)
        decision = supervisor.update(now, inputs)
        if decision.mode == "walk":
            assert inputs.state_age <= c.state_age
            assert inputs.plan_fresh
        if decision.mode in ("walk", "stand"):
            assert inputs.reading_age <= c.reading_age
            assert inputs.tilt <= c.tilt
            assert not inputs.broken_limits
        if decision.state in (State.HOLDING, State.FAULT):
            assert decision.reasons
