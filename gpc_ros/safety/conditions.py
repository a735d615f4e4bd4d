"""Define every condition of the supervisor and its reaction, in one table.

A row names the states in which it counts, its reaction there, how long it must last, and whether it
forbids to arm, to reset or to set a goal. Nothing else in the package decides how the robot reacts
to a fault; the tests go through the table row by row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gpc_ros.safety.states import POWERED, UPRIGHT, WALKING, Event, State
from gpc_ros.safety.supervisor_inputs import SupervisorConfig, SupervisorInputs

# Latch damping, sink to the ground and disarm, sit down and disarm, stand until the condition ends,
# only warn, or only forbid to arm.
Reaction = Literal["fault", "damp", "sit", "hold", "warn", "refuse"]

# Event of the state machine for each reaction; the other reactions change no state.
EVENTS: dict[Reaction, Event] = {
    "fault": Event.FAULT,
    "damp": Event.DAMP,
    "sit": Event.SIT,
    "hold": Event.HOLD,
}


def _at_once(config: SupervisorConfig) -> float:
    """Return the duration of a condition whose first cycle counts [s]."""
    return 0.0


@dataclass(frozen=True)
class Condition:
    """One row of the table.

    Attributes:
        name: short, unique.
        states: states in which it has its reaction.
        reaction: its effect there.
        holds: tests the condition on config and inputs.
        say: makes the sentence for people.
        advice: remedy.
        lasts: how long it must hold without interruption before its reaction [s].
        timed_by: the input that measures this time already; empty if the supervisor does.
        arming: whether it forbids to arm.
        reset: whether it forbids to reset a fault.
        goals: whether new goals are refused meanwhile.
    """

    name: str
    states: frozenset[State]
    reaction: Reaction
    holds: Callable[[SupervisorConfig, SupervisorInputs], bool]
    say: Callable[[SupervisorConfig, SupervisorInputs], str]
    advice: str
    lasts: Callable[[SupervisorConfig], float] = _at_once
    timed_by: str = ""
    arming: bool = False
    reset: bool = False
    goals: bool = False


def _missing(what: str, age: float, limit: float) -> str:
    if math.isinf(age):
        return f"no {what} yet"
    return f"no {what} for {age:.3f} s (limit {limit} s)"


def _unseen(what: str, age: float, limit: float) -> str:
    return f"motion capture has not seen {what} for {age:.2f} s (limit {limit} s)"


def _pressed(inputs: SupervisorInputs) -> list[str]:
    """Return the names of the emergency stops that are pressed."""
    return [name for name, (pressed, _) in inputs.stops.items() if pressed]


def _silent_stops(config: SupervisorConfig, inputs: SupervisorInputs) -> list[str]:
    """Return a sentence for every emergency stop whose heartbeat is overdue."""
    limit = config.heartbeat_age
    if not inputs.stops:
        return [_missing("heartbeat of the emergency stop", math.inf, limit)]
    return [
        _missing(f"heartbeat of the emergency stop {name}", age, limit)
        for name, (_, age) in inputs.stops.items()
        if not age <= limit
    ]


_UNREPORTED = "the charge of the battery is unknown: the robot does not report it"


def _battery(inputs: SupervisorInputs) -> str:
    return f"the battery is at {100 * inputs.battery:.0f} %"


# Reasons appear in this order. Comparisons are written so that NaN violates the limit.
CONDITIONS = (
    Condition(
        "emergency stop",
        # Latched also while the robot is down, so that nothing can arm it before a reset.
        frozenset(State) - {State.FAULT},
        "fault",
        lambda c, i: any(pressed for pressed, _ in i.stops.values()),
        lambda c, i: f"the emergency stop is pressed: {', '.join(_pressed(i))}",
        "Find out why it was pressed. Release every stop that is named, `reset`, `arm`.",
        arming=True,
        reset=True,
    ),
    Condition(
        "emergency stop silent",
        POWERED | {State.DAMPING},
        "fault",
        lambda c, i: c.heartbeat and bool(_silent_stops(c, i)),
        lambda c, i: "; ".join(_silent_stops(c, i)),
        "Start `gpc estop`, or repair the network or battery of the named stop; `reset`, `arm`.",
        lasts=lambda c: c.heartbeat_age,
        timed_by="age of the heartbeat",
        arming=True,
    ),
    Condition(
        "robot silent",
        POWERED | {State.DAMPING},
        "fault",
        lambda c, i: not i.reading_age <= c.reading_age,
        lambda c, i: _missing("reading from the robot", i.reading_age, c.reading_age),
        "Look at cable, power and driver of the robot; then `reset`, `arm`.",
        lasts=lambda c: c.reading_age,
        timed_by="age of the reading",
        arming=True,
    ),
    Condition(
        "control loop stalled",
        POWERED,
        "fault",
        lambda c, i: not i.pause <= c.max_loop_pause,
        lambda c, i: (
            f"the control loop stood still for {i.pause:.3f} s (limit {c.max_loop_pause} s)"
        ),
        "The computer was busy: `gpc doctor` shows how to get real-time priority. `reset`, `arm`.",
        lasts=lambda c: c.max_loop_pause,
        timed_by="pause of the loop",
    ),
    Condition(
        "clock unusable",
        POWERED | {State.DAMPING},
        "fault",
        lambda c, i: bool(i.clock_error),
        lambda c, i: i.clock_error,
        "Start the source of `/clock`, or set `use_sim_time` to false; then `reset`, `arm`.",
        lasts=lambda c: c.clock_still,
        timed_by="clock watch",
        arming=True,
    ),
    Condition(
        "limit broken",
        POWERED,
        "fault",
        lambda c, i: bool(i.broken_limits),
        lambda c, i: "; ".join(i.broken_limits),
        "Let the named motor cool, or look for what blocks or drives it; then `reset`, `arm`.",
        timed_by="`limits.*_cycles`",
        arming=True,
    ),
    Condition(
        "tilted",
        POWERED,
        "fault",
        lambda c, i: not i.tilt <= c.tilt,
        lambda c, i: f"the base is tilted by {i.tilt:.2f} rad (limit {c.tilt} rad)",
        "Put the robot on its belly on level ground; then `reset`, `arm`.",
        lasts=lambda c: c.tilt_time,
        arming=True,
    ),
    Condition(
        "on the ground",
        WALKING,
        "fault",
        # Only a fresh height counts; the tilt is watched without an estimate.
        lambda c, i: i.state_age <= c.state_age and not i.height >= c.base_height,
        lambda c, i: f"the base is at {i.height:.2f} m (limit {c.base_height} m): it has fallen",
        "Put the robot on its belly on level ground; then `reset`, `arm`.",
        lasts=lambda c: c.fallen_time,
    ),
    Condition(
        "not standing",
        frozenset({State.STANDING_UP}),
        "fault",
        lambda c, i: not i.overdue <= c.overdue,
        lambda c, i: (
            f"the legs do not stand {i.overdue:.1f} s after the end of the stand-up motion"
        ),
        "Look for what holds the legs; then `reset`, `arm`.",
        lasts=lambda c: c.overdue,
        timed_by="time since the end of the motion",
    ),
    Condition(
        "not lying",
        frozenset({State.SITTING_DOWN}),
        "damp",
        lambda c, i: not i.overdue <= c.overdue,
        lambda c, i: f"the legs do not lie {i.overdue:.1f} s after the end of the sit-down motion",
        "Nothing; it sinks to the ground. Look for what holds the legs.",
        lasts=lambda c: c.overdue,
        timed_by="time since the end of the motion",
    ),
    Condition(
        "battery empty",
        UPRIGHT,
        "sit",
        lambda c, i: i.battery_reported and not i.battery >= c.battery_sit,
        lambda c, i: f"{_battery(i)}: sitting down",
        "Charge the battery.",
        lasts=lambda c: c.battery_time,
    ),
    Condition(
        "clock jumped",
        WALKING,
        "hold",
        lambda c, i: i.clock_jumped,
        lambda c, i: "the clock has jumped: inputs with stamps from before are dropped",
        "Nothing; it continues with the next inputs. If it recurs: `docs/safety.md`, clocks.",
    ),
    Condition(
        "state old",
        WALKING,
        "hold",
        lambda c, i: not i.state_age <= c.state_age,
        lambda c, i: _missing("estimate of where the robot is", i.state_age, c.state_age),
        "Look at the estimator's diagnostics: motion capture hidden, wrong axes, node dead?",
        # The estimator publishes nothing while motion capture and IMU disagree.
        arming=True,
    ),
    Condition(
        "motion capture inconsistent",
        WALKING,
        "hold",
        lambda c, i: bool(i.mocap_inconsistency),
        lambda c, i: i.mocap_inconsistency,
        "Look at names, axes and quaternion order: `docs/estimation.md`; `gpc calibrate-mocap`.",
        arming=True,
    ),
    Condition(
        "base unseen",
        WALKING,
        "hold",
        lambda c, i: not i.base_age <= c.base_age,
        lambda c, i: _unseen("the robot", i.base_age, c.base_age),
        "Bring the robot back into the view of motion capture, or clear its markers.",
        arming=True,
    ),
    Condition(
        "object unseen",
        WALKING,
        "hold",
        lambda c, i: not i.object_age <= c.object_age,
        lambda c, i: _unseen("an object of the task", i.object_age, c.object_age),
        "Bring the object back into the view of motion capture, or clear its markers.",
    ),
    Condition(
        "other authority",
        WALKING,
        "hold",
        lambda c, i: bool(i.other_authority),
        lambda c, i: i.other_authority,
        "Stop the named publisher, or give it another namespace or ROS_DOMAIN_ID.",
        arming=True,
    ),
    Condition(
        "no plan",
        frozenset({State.ACTIVE, State.HOLDING}),
        "hold",
        lambda c, i: not i.plan_fresh,
        lambda c, i: "no plan that has not expired",
        "Look at `hold_reason` in `planner/status`.",
    ),
    Condition(
        "battery too low",
        frozenset(),
        "refuse",
        lambda c, i: i.battery_reported and not i.battery >= c.battery,
        lambda c, i: f"{_battery(i)} (needed {100 * c.battery:.0f} %): charge it",
        "Charge the battery.",
        arming=True,
        goals=True,
    ),
    Condition(
        "battery low",
        POWERED,
        "warn",
        lambda c, i: i.battery_reported and not i.battery >= c.battery_warn,
        lambda c, i: f"{_battery(i)}: charge it soon",
        "Charge the battery soon.",
    ),
    Condition(
        "battery not reported",
        frozenset(),
        "refuse",
        lambda c, i: c.battery_required and not i.battery_reported,
        lambda c, i: (
            "the robot reports no battery (every field is zero), and `supervisor.battery_required` "
            "is set"
        ),
        "Look at the battery's own display. For a robot that never reports its battery set "
        "`supervisor.battery_required` to false.",
        arming=True,
    ),
    Condition(
        "battery unknown",
        POWERED,
        "warn",
        lambda c, i: not i.battery_reported,
        lambda c, i: _UNREPORTED,
        "Look at the battery's own display.",
    ),
    Condition(
        "near a limit",
        POWERED,
        "warn",
        lambda c, i: bool(i.warnings),
        lambda c, i: "; ".join(i.warnings),
        "Let the named motor rest; it walks slower meanwhile.",
    ),
)

# The rows that count in each state; a cycle evaluates only these.
BY_STATE = {state: tuple(row for row in CONDITIONS if state in row.states) for state in State}
