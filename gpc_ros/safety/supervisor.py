"""Decide between walking, standing, sitting and damping: a pure state machine.

Nothing else takes this decision. Its reactions are the table of ``conditions.py``, its transitions
the table of ``states.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpc_ros.safety.conditions import (
    BY_STATE,
    CONDITIONS,
    EVENTS,
    Condition,
    Reaction,
)
from gpc_ros.safety.states import (
    MODES,
    POWERED,
    TRANSITIONS,
    UPRIGHT,
    WALKING,
    Event,
    Mode,
    State,
    after,
    strongest,
)
from gpc_ros.safety.supervisor_inputs import SupervisorConfig, SupervisorInputs

__all__ = [
    "CONDITIONS", "POWERED", "UPRIGHT", "WALKING", "Condition", "Decision", "Event", "Mode",
    "Reaction", "State", "Supervisor", "SupervisorConfig", "SupervisorInputs",
]  # fmt: skip


# Tolerance of durations that are sums of many cycles [s].
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Decision:
    """Decision for one cycle: state, motion of the legs, and the reasons in plain words."""

    state: State
    mode: Mode
    reasons: tuple[str, ...] = ()


class Supervisor:
    """The state machine; see the module.

    Attributes:
        state: the state of the last update or request.
    """

    def __init__(self, config: SupervisorConfig | None = None) -> None:
        """Start disarmed."""
        self.config = config or SupervisorConfig()
        self.state = State.DISARMED
        self._why: tuple[str, ...] = ()  # of the fault, of the damping or of sitting down
        self._damping_until = 0.0
        self._last: SupervisorInputs | None = None
        self._since: dict[str, float] = {}  # when each condition in force began to hold [s]

    def update(self, now: float, inputs: SupervisorInputs) -> Decision:
        """Return the decision for a cycle.

        Args:
            now: monotonic time [s].
            inputs: of this cycle.
        """
        self._last = inputs
        rows = self._in_force(now, inputs)
        found = strongest(self.state, self._events(now, inputs, rows))
        if found is not None:
            event, to = found
            causes = self._say(rows, event, inputs)
            if event == Event.FAULT:
                return self._latch(causes)
            if to in (State.DAMPING, State.SITTING_DOWN):
                self._enter(to, now, causes)
            elif to == State.DISARMED:
                self._enter(to, now, ())
            else:
                self.state = to
        reasons = self._why
        if rows:
            reasons += self._say(rows, Event.HOLD, inputs)
            if self.state in POWERED:
                reasons += self._say(rows, None, inputs)
        return Decision(self.state, MODES[self.state], reasons)

    def _in_force(self, now: float, inputs: SupervisorInputs) -> list[Condition]:
        """Return the conditions that have held for as long as they must."""
        c, before, rows = self.config, self._since, []
        self._since = {}
        for row in BY_STATE[self.state]:
            if not row.holds(c, inputs):
                continue
            since = self._since[row.name] = min(before.get(row.name, now), now)
            if row.timed_by or now - since >= row.lasts(c) - _EPSILON:
                rows.append(row)
        return rows

    def _events(self, now: float, inputs: SupervisorInputs, rows: list[Condition]) -> set[Event]:
        """Return the events of a cycle."""
        events = {EVENTS[row.reaction] for row in rows if row.reaction in EVENTS}
        if inputs.arrived:
            events |= {Event.STOOD, Event.LIES}
        if inputs.plan_fresh:
            events.add(Event.PLAN)
        # Damping ends even if time has gone back.
        if not self._damping_until - self.config.damping_time <= now < self._damping_until:
            events.add(Event.SUNK)
        return events

    def _say(
        self, rows: list[Condition], event: Event | None, inputs: SupervisorInputs
    ) -> tuple[str, ...]:
        """Return the sentences of the rows with an event; None selects the rows that only warn."""
        return tuple(
            row.say(self.config, inputs) for row in rows if EVENTS.get(row.reaction) == event
        )

    def arm(self) -> tuple[bool, str]:
        """Request to stand up; return whether it is granted, and the reasons against it."""
        if after(self.state, Event.ARM) == self.state:
            return False, f"{self.state.words} already; only a disarmed robot can be armed"
        inputs = self._last
        if inputs is None:
            return False, "the control loop has not run yet"
        against = [
            row.say(self.config, inputs)
            for row in CONDITIONS
            if row.arming and row.holds(self.config, inputs)
        ]
        if against:
            return False, "; ".join(against)
        self.state, self._why = after(self.state, Event.ARM), ()
        return True, "standing up"

    def sit_down(self, now: float) -> tuple[bool, str]:
        """Sit down slowly, then disarm; a fault stays."""
        return self._request(now, Event.SIT_DOWN, "sitting down", "sitting down on request")

    def disarm(self, now: float) -> tuple[bool, str]:
        """Sink to the ground and disarm; a fault stays."""
        return self._request(now, Event.DISARM, "damping, then disarmed", "disarmed on request")

    def stop(self, now: float) -> tuple[bool, str]:
        """Damp at once, whatever the state."""
        if self.state in (State.FAULT, State.DISARMED):
            return True, f"damping already ({self.state.words})"
        return self._request(now, Event.STOP, "damping", "stopped on request")

    def _request(self, now: float, event: Event, answer: str, why: str) -> tuple[bool, str]:
        """Carry out a request of a person if it counts in this state."""
        if self.state == State.FAULT:
            return False, f"in fault: {'; '.join(self._why)}; reset it first"
        if (self.state, event) not in TRANSITIONS:
            return True, f"{self.state.words} already"
        self._enter(after(self.state, event), now, (why,))
        return True, answer

    def reset(self) -> tuple[bool, str]:
        """Leave a fault and disarm; arming checks every condition again."""
        if self.state != State.FAULT:
            return False, f"there is no fault to reset ({self.state.words})"
        inputs = self._last
        against = [
            row.say(self.config, inputs)
            for row in CONDITIONS
            if row.reset and inputs is not None and row.holds(self.config, inputs)
        ]
        if against:
            return False, "; ".join(against)
        self.state, self._why = after(self.state, Event.RESET), ()
        return True, "fault cleared; disarmed"

    def fail(self, reason: str) -> Decision:
        """Latch a fault that was detected elsewhere, and return the decision to damp."""
        return self._latch((reason,))

    def goal_refusal(self) -> str:
        """Return why new goals are to be refused, in plain words; empty if they are not."""
        inputs = self._last
        if inputs is None:
            return ""
        return "; ".join(
            row.say(self.config, inputs)
            for row in CONDITIONS
            if row.goals and row.holds(self.config, inputs)
        )

    def _latch(self, reasons: tuple[str, ...]) -> Decision:
        self.state, self._why = State.FAULT, reasons
        return Decision(State.FAULT, "damping", reasons)

    def _enter(self, to: State, now: float, why: tuple[str, ...]) -> None:
        self.state, self._why = to, why
        if to == State.DAMPING:
            self._damping_until = now + self.config.damping_time
