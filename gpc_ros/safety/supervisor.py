"""The supervisor: a pure state machine from inputs and time to what the robot may do.

It is the one place that decides between walking, standing and damping; what it reacts to is
written in the table of ``conditions.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpc_ros.safety.conditions import (
    BY_STATE,
    CONDITIONS,
    UPRIGHT,
    WALKING,
    Condition,
    Reaction,
    State,
    SupervisorConfig,
    SupervisorInputs,
)

__all__ = [
    "CONDITIONS", "UPRIGHT", "WALKING", "Condition", "Decision", "Mode", "Reaction", "State",
    "Supervisor", "SupervisorConfig", "SupervisorInputs",
]  # fmt: skip

Mode = Literal["damping", "stand_up", "stand", "walk"]

_MODES: dict[State, Mode] = {
    State.DISARMED: "damping",
    State.STANDING_UP: "stand_up",
    State.READY: "stand",
    State.ACTIVE: "walk",
    State.HOLDING: "stand",
    State.DAMPING: "damping",
    State.FAULT: "damping",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided for a cycle: state, what the legs do, and why, in plain words."""

    state: State
    mode: Mode
    reasons: tuple[str, ...] = ()


class Supervisor:
    """Decides what the robot may do; see the module.

    Attributes:
        state: the state of the last update or request.
    """

    def __init__(self, config: SupervisorConfig | None = None) -> None:
        """Start disarmed."""
        self.config = config or SupervisorConfig()
        self.state = State.DISARMED
        self._why: tuple[str, ...] = ()  # of the fault, or of the damping
        self._damping_until = 0.0
        self._last: SupervisorInputs | None = None

    def update(self, now: float, inputs: SupervisorInputs) -> Decision:
        """Return the decision for a cycle.

        Args:
            now: time [s].
            inputs: what is known.
        """
        self._last = inputs
        rows = [row for row in BY_STATE[self.state] if row.holds(self.config, inputs)]
        if faults := self._say(rows, "fault", inputs):
            return self._latch(faults)
        if sits := self._say(rows, "sit", inputs):
            self._damp(now, sits)
        holds = self._say(rows, "hold", inputs)
        # The damping time may not be waited for on a clock that has jumped back.
        over = not self._damping_until - self.config.damping_time <= now < self._damping_until
        if self.state == State.DAMPING and over:
            self.state, self._why = State.DISARMED, ()
        elif self.state == State.STANDING_UP and inputs.stood_up:
            self.state = State.READY
        elif self.state in WALKING:
            walking = State.ACTIVE if inputs.plan_fresh else State.READY
            self.state = State.HOLDING if holds else walking
        reasons = self._why + holds if rows else self._why
        if rows and self.state in UPRIGHT:
            reasons += self._say(rows, "warn", inputs)
        return Decision(self.state, _MODES[self.state], reasons)

    def _say(
        self, rows: list[Condition], reaction: Reaction, inputs: SupervisorInputs
    ) -> tuple[str, ...]:
        """Return in words what asks for a reaction."""
        if not rows:
            return ()
        return tuple(row.say(self.config, inputs) for row in rows if row.reaction == reaction)

    def arm(self) -> tuple[bool, str]:
        """Ask to stand up; return whether it is granted, and why not."""
        if self.state != State.DISARMED:
            return False, f"{self._name()} already; only a disarmed robot can be armed"
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
        self.state, self._why = State.STANDING_UP, ()
        return True, "standing up"

    def disarm(self, now: float) -> tuple[bool, str]:
        """Sink to the ground and disarm; a fault stays."""
        if self.state == State.FAULT:
            return False, f"in fault: {'; '.join(self._why)}; reset it first"
        if self.state == State.DISARMED:
            return True, "disarmed already"
        self._damp(now, ("disarmed on request",))
        return True, "damping, then disarmed"

    def stop(self, now: float) -> tuple[bool, str]:
        """Damp at once, whatever the state."""
        if self.state in (State.FAULT, State.DISARMED):
            return True, f"damping already ({self._name()})"
        self._damp(now, ("stopped on request",))
        return True, "damping"

    def reset(self) -> tuple[bool, str]:
        """Leave a fault; the robot is disarmed then, and arming looks at every condition anew."""
        if self.state != State.FAULT:
            return False, f"there is no fault to reset ({self._name()})"
        self.state, self._why = State.DISARMED, ()
        return True, "fault cleared; disarmed"

    def fail(self, reason: str) -> Decision:
        """Latch a fault that something else has found, and return the decision to damp."""
        return self._latch((reason,))

    def _latch(self, reasons: tuple[str, ...]) -> Decision:
        self.state, self._why = State.FAULT, reasons
        return Decision(State.FAULT, "damping", reasons)

    def _damp(self, now: float, why: tuple[str, ...]) -> None:
        self.state, self._why = State.DAMPING, why
        self._damping_until = now + self.config.damping_time

    def _name(self) -> str:
        return self.state.name.lower().replace("_", " ")
