"""Define the supervisor's states, the motion of the legs in each, and every transition.

A transition is data: an event, the states in which it counts, and the next state. An event that
does not count in a state changes nothing there. ``docs/safety.md`` is generated from this table,
and the tests go through every pair of state and event.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Literal

Mode = Literal["damping", "stand_up", "sit_down", "stand", "walk"]


class State(IntEnum):
    """The supervisor's states; the numbers are those of gpc_msgs/SupervisorState."""

    DISARMED = 0
    STANDING_UP = 1
    READY = 2
    ACTIVE = 3
    HOLDING = 4
    DAMPING = 5
    FAULT = 6
    SITTING_DOWN = 7

    @property
    def words(self) -> str:
        """The state's name as words."""
        return self.name.lower().replace("_", " ")


class Event(Enum):
    """Events that can change the state: requests, reactions of conditions, and ends of motions.

    The value is a sentence for people.
    """

    STOP = "service `stop`"
    DISARM = "service `disarm`"
    SIT_DOWN = "service `sit_down`"
    ARM = "service `arm`, and nothing forbids it"
    RESET = "service `reset`"
    FAULT = "a condition with the reaction *fault*"
    DAMP = "a condition with the reaction *damp*"
    SIT = "a condition with the reaction *sit*"
    HOLD = "a condition with the reaction *hold*"
    STOOD = "the stand-up motion is complete and the joints have followed"
    LIES = "the sit-down motion is complete and the joints have followed"
    SUNK = "the damping time is over"
    PLAN = "no condition holds it, and there is a plan that has not expired"


# States in which the walker runs, in which the legs carry the robot, and in which motors hold.
WALKING = frozenset({State.READY, State.ACTIVE, State.HOLDING})
UPRIGHT = WALKING | {State.STANDING_UP}
POWERED = UPRIGHT | {State.SITTING_DOWN}

MODES: dict[State, Mode] = {
    State.DISARMED: "damping",
    State.STANDING_UP: "stand_up",
    State.READY: "stand",
    State.ACTIVE: "walk",
    State.HOLDING: "stand",
    State.SITTING_DOWN: "sit_down",
    State.DAMPING: "damping",
    State.FAULT: "damping",
}


@dataclass(frozen=True)
class Rule:
    """One row of the table of transitions.

    Attributes:
        event: trigger.
        states: states in which it counts.
        to: next state.
    """

    event: Event
    states: frozenset[State]
    to: State


# If several events happen in one cycle, the first row that counts decides.
RULES = (
    Rule(Event.FAULT, frozenset(State) - {State.FAULT}, State.FAULT),
    Rule(Event.STOP, POWERED | {State.DAMPING}, State.DAMPING),
    Rule(Event.DISARM, POWERED | {State.DAMPING}, State.DAMPING),
    Rule(Event.DAMP, frozenset({State.SITTING_DOWN}), State.DAMPING),
    Rule(Event.SIT_DOWN, UPRIGHT, State.SITTING_DOWN),
    Rule(Event.SIT, UPRIGHT, State.SITTING_DOWN),
    Rule(Event.LIES, frozenset({State.SITTING_DOWN}), State.DISARMED),
    Rule(Event.SUNK, frozenset({State.DAMPING}), State.DISARMED),
    Rule(Event.STOOD, frozenset({State.STANDING_UP}), State.READY),
    Rule(Event.HOLD, WALKING, State.HOLDING),
    Rule(Event.PLAN, WALKING, State.ACTIVE),
    Rule(Event.ARM, frozenset({State.DISARMED}), State.STANDING_UP),
    Rule(Event.RESET, frozenset({State.FAULT}), State.DISARMED),
)

TRANSITIONS: dict[tuple[State, Event], State] = {
    (state, rule.event): rule.to for rule in RULES for state in rule.states
}


def after(state: State, event: Event) -> State:
    """Return the state after an event; the same state if the event does not count there."""
    return TRANSITIONS.get((state, event), state)


# Events and next states of each state, the strongest first.
BY_PRIORITY: dict[State, tuple[tuple[Event, State], ...]] = {
    state: tuple((rule.event, rule.to) for rule in RULES if state in rule.states) for state in State
}


def strongest(state: State, events: set[Event]) -> tuple[Event, State] | None:
    """Return the strongest event that counts in a state and its next state, or None."""
    return next((pair for pair in BY_PRIORITY[state] if pair[0] in events), None)
