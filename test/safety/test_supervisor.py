"""The supervisor: every transition, every row of its table, and random sequences of inputs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.safety.states import MODES, TRANSITIONS, Event, after
from gpc_ros.safety.supervisor import (
    CONDITIONS,
    POWERED,
    UPRIGHT,
    Condition,
    Decision,
    State,
    Supervisor,
    SupervisorConfig,
    SupervisorInputs,
)

CONFIG = SupervisorConfig(heartbeat=True)
FINE = SupervisorInputs(
    reading_age=0.002, state_age=0.01, height=0.3, arrived=True, stops={"A": (False, 0.1)}
)
PLANNED = replace(FINE, plan_fresh=True)
# For each row of the table: inputs that violate only this row.
BROKEN = {
    "emergency stop": replace(PLANNED, stops={"A": (True, 0.1), "B": (False, 0.1)}),
    "emergency stop silent": replace(PLANNED, stops={"A": (False, 0.1), "B": (False, 0.51)}),
    "robot silent": replace(PLANNED, reading_age=0.041),
    "control loop stalled": replace(PLANNED, pause=0.3),
    "clock unusable": replace(PLANNED, clock_error="the clock stands still"),
    "limit broken": replace(PLANNED, broken_limits=("FL_calf_joint: too hot",)),
    "tilted": replace(PLANNED, tilt=1.1),
    "on the ground": replace(PLANNED, height=0.1),
    "not standing": replace(PLANNED, arrived=False, overdue=1.1),
    "battery empty": replace(PLANNED, battery=0.04),
    "clock jumped": replace(PLANNED, clock_jumped=True),
    "state old": replace(PLANNED, state_age=0.11),
    "motion capture inconsistent": replace(PLANNED, mocap_inconsistency="it shows another robot"),
    "base unseen": replace(PLANNED, base_age=2.1),
    "object unseen": replace(PLANNED, object_age=1.1),
    "not lying": replace(PLANNED, arrived=False, overdue=1.1),
    "other authority": replace(PLANNED, other_authority="another bridge commands this robot"),
    "no plan": FINE,
    "battery too low": replace(PLANNED, battery=0.09),
    "battery not reported": replace(PLANNED, battery=0.0, battery_reported=False),
    "battery unknown": replace(PLANNED, battery=0.0, battery_reported=False),
    "battery low": replace(PLANNED, battery=0.15),
    "near a limit": replace(PLANNED, warnings=("FL_calf_joint: warm",)),
}
WAYS = {
    "fault": (State.FAULT, "damping"),
    "damp": (State.DAMPING, "damping"),
    "sit": (State.SITTING_DOWN, "sit_down"),
    "hold": (State.HOLDING, "stand"),
}


def keep(
    supervisor: Supervisor, begin: float, inputs: SupervisorInputs, seconds: float
) -> Decision:
    """Update with the same inputs for a time, every 2 ms, and return the last decision."""
    decision = supervisor.update(begin, inputs)
    for k in range(1, math.ceil(seconds / 0.002) + 1):
        decision = supervisor.update(begin + 0.002 * k, inputs)
    return decision


def wait(row: Condition) -> float:
    """Return how long a condition must last [s]."""
    return 0.0 if row.timed_by else row.lasts(CONFIG)


def supervisor_in(state: State) -> Supervisor:
    """Bring a supervisor into a state by the same transitions as on a robot."""
    supervisor = Supervisor(CONFIG)
    supervisor.update(0.0, FINE)
    if state == State.DISARMED:
        return supervisor
    assert supervisor.arm()[0]
    if state == State.STANDING_UP:
        supervisor.update(0.1, replace(FINE, arrived=False))
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
    elif state == State.SITTING_DOWN:
        supervisor.update(0.1, FINE)
        supervisor.sit_down(0.2)
        supervisor.update(0.3, replace(FINE, arrived=False))
    elif state == State.FAULT:
        keep(supervisor, 0.1, replace(FINE, tilt=2.0), CONFIG.tilt_time)
    assert supervisor.state == state
    return supervisor


def test_every_row_of_the_table_is_tested() -> None:
    assert set(BROKEN) == {row.name for row in CONDITIONS}


@pytest.mark.parametrize("row", CONDITIONS, ids=lambda row: row.name)
@pytest.mark.parametrize("state", list(State), ids=lambda state: state.name)
def test_condition_leads_to_its_reaction(row: Condition, state: State) -> None:
    # Legs at their targets end these states before the condition is reported.
    inputs = replace(
        BROKEN[row.name], arrived=BROKEN[row.name].arrived and state != State.SITTING_DOWN
    )
    decision = keep(supervisor_in(state), 1.0, inputs, wait(row))
    sentence = row.say(CONFIG, inputs)
    if state not in row.states:
        assert sentence not in decision.reasons
        return
    assert sentence in decision.reasons
    if row.reaction in WAYS:
        assert (decision.state, decision.mode) == WAYS[row.reaction]
    else:
        assert row.reaction == "warn"
        assert decision.state in POWERED


TIMED = [row for row in CONDITIONS if wait(row) > 0.0]


def test_every_condition_that_sits_down_or_damps_has_a_stated_duration() -> None:
    for row in CONDITIONS:
        if row.reaction in ("fault", "damp", "sit") and row.name != "emergency stop":
            assert row.timed_by or row.lasts(CONFIG) > 0.0, row.name
    assert {row.name for row in TIMED} == {"tilted", "on the ground", "battery empty"}


@pytest.mark.parametrize("row", TIMED, ids=lambda row: row.name)
def test_condition_shorter_than_its_duration_has_no_reaction(row: Condition) -> None:
    supervisor = supervisor_in(State.ACTIVE)
    for k in range(3):  # one good cycle restarts the duration
        begin = 1.0 + k * 10.0
        assert keep(supervisor, begin, BROKEN[row.name], wait(row) - 0.004).mode == "walk"
        assert supervisor.update(begin + wait(row), PLANNED).mode == "walk"
    assert keep(supervisor, 99.0, BROKEN[row.name], wait(row)).mode != "walk"


@pytest.mark.parametrize("row", TIMED, ids=lambda row: row.name)
def test_the_time_in_another_state_does_not_count(row: Condition) -> None:
    supervisor = supervisor_in(State.READY)
    keep(supervisor, 1.0, replace(BROKEN[row.name], plan_fresh=False), wait(row) / 2)
    supervisor.stop(1.5)
    keep(supervisor, 2.0, BROKEN[row.name], 3.0)
    assert supervisor.state == State.DISARMED
    supervisor.update(5.1, FINE)
    assert supervisor.arm()[0]
    assert supervisor.update(5.2, replace(BROKEN[row.name], arrived=True)).state == State.READY


def test_a_robot_that_reports_no_battery_is_armed_only_where_that_is_accepted() -> None:
    silent = replace(FINE, battery=0.0, battery_reported=False)
    supervisor = Supervisor(CONFIG)
    supervisor.update(0.0, silent)
    accepted, reason = supervisor.arm()
    assert not accepted
    assert "reports no battery" in reason and "battery_required" in reason
    accepting = Supervisor(replace(CONFIG, battery_required=False))
    accepting.update(0.0, silent)
    assert accepting.arm()[0]
    decision = keep(accepting, 0.1, replace(silent, plan_fresh=True), 5.0)
    assert decision.mode == "walk"
    assert "the charge of the battery is unknown" in decision.reasons[0]
    assert accepting.goal_refusal() == ""


@pytest.mark.parametrize("row", CONDITIONS, ids=lambda row: row.name)
def test_arming_is_refused_by_the_rows_marked_for_it(row: Condition) -> None:
    supervisor = Supervisor(CONFIG)
    inputs = BROKEN[row.name]
    supervisor.update(0.0, inputs)
    accepted, reason = supervisor.arm()
    # An empty or unknown battery is also too low or not reported.
    refused = row.arming or row.name in ("battery empty", "battery unknown")
    assert accepted != refused
    if row.name == "emergency stop":  # latched even for a lying robot
        assert supervisor.state == State.FAULT
        return
    assert supervisor.state == (State.DISARMED if refused else State.STANDING_UP)
    assert (row.say(supervisor.config, inputs) in reason) == row.arming


def test_reset_is_refused_while_an_emergency_stop_is_pressed() -> None:
    supervisor = supervisor_in(State.ACTIVE)
    pressed = BROKEN["emergency stop"]
    assert supervisor.update(1.0, pressed).mode == "damping"
    assert supervisor.reset() == (False, "the emergency stop is pressed: A")
    assert not supervisor.arm()[0]
    assert supervisor.update(1.1, pressed).state == State.FAULT
    supervisor.update(1.2, FINE)
    assert supervisor.reset()[0]
    assert supervisor.update(1.3, FINE).state == State.DISARMED


def test_heartbeat_is_checked_only_if_required() -> None:
    supervisor = Supervisor()
    silent = replace(PLANNED, stops={"A": (False, math.inf)})
    supervisor.update(0.0, silent)
    assert supervisor.arm()[0]
    assert supervisor.update(0.1, silent).state == State.READY


@pytest.mark.parametrize("pressed", [("A",), ("B",), ("A", "B")])
def test_any_pressed_stop_damps_and_forbids_reset_and_arming(pressed: tuple[str, ...]) -> None:
    stops = {name: (name in pressed, 0.1) for name in ("A", "B", "C")}
    supervisor = supervisor_in(State.ACTIVE)
    sentence = f"the emergency stop is pressed: {', '.join(pressed)}"
    decision = supervisor.update(1.0, replace(PLANNED, stops=stops))
    assert decision == Decision(State.FAULT, "damping", (sentence,))
    assert supervisor.reset() == (False, sentence)
    disarmed = Supervisor(CONFIG)
    disarmed._last = replace(PLANNED, stops=stops)  # as between two cycles
    assert disarmed.arm() == (False, sentence)


@pytest.mark.parametrize("age", [0.51, math.inf, math.nan])
def test_each_stop_has_a_separate_heartbeat(age: float) -> None:
    stops = {"A": (False, 0.1), "B": (False, age)}
    decision = supervisor_in(State.ACTIVE).update(1.0, replace(PLANNED, stops=stops))
    assert decision.state == State.FAULT
    assert "heartbeat of the emergency stop B" in decision.reasons[0]
    assert "stop A" not in decision.reasons[0]


def test_without_any_known_stop_the_required_heartbeat_is_missing() -> None:
    supervisor = Supervisor(CONFIG)
    supervisor.update(0.0, replace(FINE, stops={}))
    assert supervisor.arm() == (False, "no heartbeat of the emergency stop yet")


def test_a_fault_wins_over_everything_else() -> None:
    everything = replace(
        FINE, tilt=2.0, state_age=1.0, battery=0.0, other_authority="x", warnings=("y",)
    )
    decision = keep(supervisor_in(State.ACTIVE), 1.0, everything, CONFIG.tilt_time)
    assert decision == Decision(
        State.FAULT, "damping", ("the base is tilted by 2.00 rad (limit 1.047 rad)",)
    )


@pytest.mark.parametrize(
    "field",
    [
        "reading_age",
        "state_age",
        "tilt",
        "height",
        "battery",
        "pause",
        "base_age",
        "object_age",
    ],
)
def test_nan_violates_every_limit(field: str) -> None:
    values: dict[str, Any] = {field: math.nan}
    supervisor = supervisor_in(State.ACTIVE)
    assert keep(supervisor, 1.0, replace(PLANNED, **values), CONFIG.battery_time).mode != "walk"


HAPPENS: dict[Event, SupervisorInputs] = {
    Event.FAULT: replace(BROKEN["tilted"], arrived=False),
    Event.DAMP: BROKEN["not lying"],
    Event.SIT: replace(BROKEN["battery empty"], arrived=False),
    Event.HOLD: BROKEN["state old"],
    Event.STOOD: FINE,
    Event.LIES: FINE,
    Event.PLAN: PLANNED,
}
# Time that the inputs must last for the event, if one cycle is not enough [s].
DURATION = {Event.FAULT: CONFIG.tilt_time, Event.SIT: CONFIG.battery_time}
REQUESTS = {
    Event.STOP: lambda s: s.stop(1.0),
    Event.DISARM: lambda s: s.disarm(1.0),
    Event.SIT_DOWN: lambda s: s.sit_down(1.0),
    Event.ARM: lambda s: s.arm(),
    Event.RESET: lambda s: s.reset(),
}


@pytest.mark.parametrize("event", list(Event), ids=lambda event: event.name)
@pytest.mark.parametrize("state", list(State), ids=lambda state: state.name)
def test_every_pair_of_state_and_event_leads_to_the_state_of_the_table(
    state: State, event: Event
) -> None:
    supervisor = supervisor_in(state)
    if event in REQUESTS:
        done, sentence = REQUESTS[event](supervisor)
        assert sentence
        # A request is executed, already satisfied, or refused.
        assert done or state == State.FAULT or event in (Event.ARM, Event.RESET)
    elif event == Event.SUNK:
        steady = PLANNED if state == State.ACTIVE else FINE
        supervisor.update(99.0, replace(steady, arrived=False))
    else:
        if event == Event.FAULT and state in (State.DISARMED, State.DAMPING):
            supervisor.update(0.4, BROKEN["emergency stop"])
        if event == Event.FAULT or (state, event) in TRANSITIONS:
            keep(supervisor, 0.5, HAPPENS[event], DURATION.get(event, 0.0))
    assert supervisor.state == after(state, event)


def test_only_the_stated_events_change_a_state() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)
    assert {state for state, _ in TRANSITIONS} == set(State)
    # From every state a stop leads to damping or keeps it; only a reset leaves a fault.
    for state in State:
        assert MODES[after(state, Event.STOP)] == "damping"
        assert after(state, Event.FAULT) == State.FAULT
    assert {event for state, event in TRANSITIONS if state == State.FAULT} == {Event.RESET}
    # Only arming makes the motors hold, and only a plan makes the robot walk.
    raised = {(s, e) for (s, e), to in TRANSITIONS.items() if s not in POWERED and to in POWERED}
    assert raised == {(State.DISARMED, Event.ARM)}
    assert {e for (_, e), to in TRANSITIONS.items() if to == State.ACTIVE} == {Event.PLAN}


@pytest.mark.parametrize(
    ("state", "inputs", "expected", "mode"),
    [
        (State.DISARMED, PLANNED, State.DISARMED, "damping"),
        (State.STANDING_UP, replace(FINE, arrived=False), State.STANDING_UP, "stand_up"),
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
def test_transitions(state: State, inputs: SupervisorInputs, expected: State, mode: str) -> None:
    decision = supervisor_in(state).update(1.0, inputs)
    assert (decision.state, decision.mode) == (expected, mode)


def test_damping_ends_disarmed() -> None:
    supervisor = supervisor_in(State.DAMPING)
    assert supervisor.update(2.0, FINE) == Decision(
        State.DAMPING, "damping", ("stopped on request",)
    )
    assert supervisor.update(2.2, FINE) == Decision(State.DISARMED, "damping")


def test_damping_ends_after_a_backward_clock_jump() -> None:
    supervisor = supervisor_in(State.DISARMED)
    supervisor.arm()
    supervisor.stop(1e6)
    assert supervisor.update(1e6, FINE).state == State.DAMPING
    assert supervisor.update(5.0, FINE).state == State.DISARMED


def test_falling_charge_warns_then_sits_down_then_prevents_arming() -> None:
    supervisor = supervisor_in(State.ACTIVE)
    warned = supervisor.update(1.0, replace(PLANNED, battery=0.15))
    assert (warned.mode, warned.reasons) == ("walk", ("the battery is at 15 %: charge it soon",))
    empty = replace(PLANNED, battery=0.04, arrived=False)
    assert keep(supervisor, 1.1, empty, CONFIG.battery_time).state == State.SITTING_DOWN
    assert supervisor.update(3.2, empty).reasons[0] == "the battery is at 4 %: sitting down"
    assert supervisor.goal_refusal() == "the battery is at 4 % (needed 10 %): charge it"
    assert supervisor.update(6.0, replace(empty, arrived=True)).state == State.DISARMED
    assert "charge it" in supervisor.arm()[1]


def test_a_fault_stays_with_its_reason_until_reset() -> None:
    supervisor = supervisor_in(State.FAULT)
    decision = supervisor.update(100.0, PLANNED)
    assert decision.state == State.FAULT
    assert decision.reasons == ("the base is tilted by 2.00 rad (limit 1.047 rad)",)
    assert not supervisor.arm()[0]
    assert not supervisor.disarm(100.0)[0]
    assert supervisor.reset()[0]
    assert supervisor.update(100.1, FINE).state == State.DISARMED


def test_arming_needs_an_update_first_and_works_once() -> None:
    supervisor = Supervisor(CONFIG)
    assert not supervisor.arm()[0]
    supervisor.update(0.0, FINE)
    assert supervisor.arm()[0]
    accepted, reason = supervisor.arm()
    assert not accepted
    assert "standing up already" in reason


@pytest.mark.parametrize("state", sorted(UPRIGHT))
def test_disarm_lowers_the_robot_to_the_ground(state: State) -> None:
    supervisor = supervisor_in(state)
    assert supervisor.disarm(1.0)[0]
    assert supervisor.update(1.0, PLANNED).state == State.DAMPING
    assert supervisor.update(3.0, PLANNED).state == State.DISARMED


@pytest.mark.parametrize("state", sorted(UPRIGHT))
def test_stop_damps_from_every_state_on_its_legs(state: State) -> None:
    supervisor = supervisor_in(state)
    assert supervisor.stop(1.0)[0]
    assert supervisor.update(1.0, PLANNED).mode == "damping"


def test_requests_without_effect_are_reported() -> None:
    assert supervisor_in(State.DISARMED).stop(1.0) == (True, "damping already (disarmed)")
    assert supervisor_in(State.FAULT).stop(1.0) == (True, "damping already (fault)")
    assert supervisor_in(State.DISARMED).disarm(1.0) == (True, "disarmed already")
    assert supervisor_in(State.READY).reset() == (False, "there is no fault to reset (ready)")


def test_a_fault_detected_elsewhere_is_latched() -> None:
    supervisor = supervisor_in(State.ACTIVE)
    assert supervisor.fail("the walker failed").mode == "damping"
    assert supervisor.update(1.0, PLANNED) == Decision(
        State.FAULT, "damping", ("the walker failed",)
    )


ages = st.one_of(st.floats(0.0, 0.3), st.just(math.inf), st.just(math.nan))
inputs_strategy = st.builds(
    SupervisorInputs,
    reading_age=ages,
    state_age=ages,
    plan_fresh=st.booleans(),
    tilt=st.one_of(st.floats(0.0, 3.1), st.just(math.nan)),
    height=st.floats(0.0, 0.5),
    battery=st.floats(0.0, 1.0),
    arrived=st.booleans(),
    overdue=st.sampled_from([0.0, 0.0, 2.0]),
    broken_limits=st.sampled_from([(), (), ("a joint",)]),
    warnings=st.sampled_from([(), ("a joint",)]),
    pause=st.sampled_from([0.002, 0.002, 0.3, math.nan]),
    clock_jumped=st.sampled_from([False, False, True]),
    clock_error=st.sampled_from(["", "", "", "the clock stands still"]),
    other_authority=st.sampled_from(["", "", "another bridge"]),
    stops=st.dictionaries(
        st.sampled_from("AB"),
        st.tuples(
            st.sampled_from([False, False, False, True]),
            st.sampled_from([0.1, 0.1, 0.1, 0.6, math.nan]),
        ),
        min_size=1,
    ),
    base_age=st.sampled_from([0.0, 0.0, 3.0, math.nan]),
    object_age=st.sampled_from([0.0, 0.0, 3.0, math.nan]),
    mocap_inconsistency=st.sampled_from(["", "", "it shows another robot"]),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["arm", "stop", "disarm", "sit_down", "reset", "", "", ""]), inputs_strategy
    ),
    max_size=40,
)


@given(sequence=steps)
def test_no_sequence_walks_or_stands_on_stale_or_broken_inputs(
    sequence: list[tuple[str, SupervisorInputs]],
) -> None:
    supervisor = Supervisor(CONFIG)
    c, tilted_for = supervisor.config, 0
    for k, (request, inputs) in enumerate(sequence):
        now = 0.1 * k
        if request in ("arm", "reset"):
            getattr(supervisor, request)()
        elif request:
            getattr(supervisor, request)(now)
        decision = supervisor.update(now, inputs)
        tilted_for = 0 if inputs.tilt <= c.tilt else tilted_for + 1
        if decision.mode == "walk":
            assert inputs.state_age <= c.state_age
            assert inputs.plan_fresh
            assert not inputs.clock_jumped
            assert not inputs.other_authority
            assert not inputs.mocap_inconsistency
            assert inputs.base_age <= c.base_age
            assert inputs.object_age <= c.object_age
        assert (decision.mode == "walk") == (decision.state == State.ACTIVE)
        if decision.mode != "damping":
            assert not any(pressed for pressed, _ in inputs.stops.values())
            assert all(age <= c.heartbeat_age for _, age in inputs.stops.values())
            assert inputs.reading_age <= c.reading_age
            assert not inputs.clock_error
            assert tilted_for < 2  # one cycle of 0.1 s is longer than tilt_time
            assert inputs.pause <= c.max_loop_pause
            assert not inputs.broken_limits
        if decision.state in (State.HOLDING, State.FAULT, State.DAMPING, State.SITTING_DOWN):
            assert decision.reasons
