"""The supervisor: a pure state machine from inputs and time to what the robot may do.

It is the one place that decides between walking, standing and damping. What happens on which
condition is written in one table, ``CONDITIONS``; docs/safety.md and the tests follow it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from gpc_ros.config import param

Mode = Literal["damping", "stand_up", "stand", "walk"]
Reaction = Literal["fault", "hold"]


class State(IntEnum):
    """The supervisor's states; the numbers are those of gpc_msgs/SupervisorState."""

    DISARMED = 0
    STANDING_UP = 1
    READY = 2
    ACTIVE = 3
    HOLDING = 4
    DAMPING = 5
    FAULT = 6


# States in which the legs carry the robot.
UPRIGHT = frozenset({State.STANDING_UP, State.READY, State.ACTIVE, State.HOLDING})
# States in which the walker runs.
WALKING = frozenset({State.READY, State.ACTIVE, State.HOLDING})


@dataclass(frozen=True)
class SupervisorConfig:
    """Limits on ages and attitude."""

    reading_age: float = param(
        0.05, "Silence of the robot after which it damps", unit="s", low=0.004, high=1.0
    )
    state_age: float = param(
        0.1, "Age of the estimate after which the robot stands", unit="s", low=0.01, high=2.0
    )
    tilt: float = param(1.047, "Largest tilt of the base", unit="rad", low=0.1, high=3.2)
    base_height: float = param(
        0.12, "Lowest estimated height of the base while the legs carry it", unit="m", low=0, high=1
    )
    battery: float = param(0.1, "State of charge below which arming is refused", low=0, high=1)
    damping_time: float = param(
        2.0, "Time to sink to the ground before disarming", unit="s", low=0.0, high=20.0
    )


@dataclass(frozen=True)
class SupervisorInputs:
    """What the supervisor looks at in one cycle.

    Attributes:
        reading_age: of the robot's own reading [s]; infinite if there is none.
        state_age: of the estimate [s]; infinite if there is none.
        plan_fresh: whether a plan exists that has not expired.
        tilt: of the base from upright [rad].
        height: estimated height of the base [m]; infinite if unknown.
        battery: state of charge [0..1].
        stood_up: whether the stand-up motion is complete.
        broken_limits: joint limits that are broken, in plain words.
    """

    reading_age: float
    state_age: float
    plan_fresh: bool = False
    tilt: float = 0.0
    height: float = float("inf")
    battery: float = 1.0
    stood_up: bool = False
    broken_limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What is decided for a cycle: state, what the legs do, and why, in plain words."""

    state: State
    mode: Mode
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """One row of the table: in which states it counts, what it does, when it holds, what to say."""

    name: str
    states: frozenset[State]
    reaction: Reaction
    holds: Callable[[SupervisorConfig, SupervisorInputs], bool]
    say: Callable[[SupervisorConfig, SupervisorInputs], str]


# The order is that of the reasons. A fault wins over a hold.
CONDITIONS = (
    Condition(
        "robot silent",
        UPRIGHT,
        "fault",
        lambda c, i: not i.reading_age <= c.reading_age,
        lambda c, i: f"no reading from the robot for {i.reading_age:.3f} s (limit {c.reading_age} s)",
    ),
    Condition(
        "limit broken",
        UPRIGHT,
        "fault",
        lambda c, i: bool(i.broken_limits),
        lambda c, i: "; ".join(i.broken_limits),
    ),
    Condition(
        "tilted",
        UPRIGHT,
        "fault",
        lambda c, i: not i.tilt <= c.tilt,
        lambda c, i: f"the base is tilted by {i.tilt:.2f} rad (limit {c.tilt} rad)",
    ),
    Condition(
        "on the ground",
        WALKING,
        "fault",
        lambda c, i: i.state_age <= c.state_age and i.height < c.base_height,
        lambda c, i: f"the base is at {i.height:.2f} m (limit {c.base_height} m): it has fallen",
    ),
    Condition(
        "state old",
        WALKING,
        "hold",
        lambda c, i: not i.state_age <= c.state_age,
        lambda c, i: f"the estimate is {i.state_age:.3f} s old (limit {c.state_age} s)",
    ),
    Condition(
        "no plan",
        frozenset({State.ACTIVE, State.HOLDING}),
        "hold",
        lambda c, i: not i.plan_fresh,
        lambda c, i: "no plan that has not expired",
    ),
)

_MODES: dict[State, Mode] = {
    State.DISARMED: "damping",
    State.STANDING_UP: "stand_up",
    State.READY: "stand",
    State.ACTIVE: "walk",
    State.HOLDING: "stand",
    State.DAMPING: "damping",
    State.FAULT: "damping",
}


class Supervisor:
    """Decides what the robot may do; see the module.

    Attributes:
        state: the state of the last update.
    """

    def __init__(self, config: SupervisorConfig | None = None) -> None:
        """Start disarmed."""
        self.config = config or SupervisorConfig()
        self.state = State.DISARMED
        self._fault: tuple[str, ...] = ()
        self._damping_until = 0.0
        self._last: SupervisorInputs | None = None

    def update(self, now: float, inputs: SupervisorInputs) -> Decision:
        """Return the decision for a cycle.

        Args:
            now: time [s].
            inputs: what is known.
        """
        self._last = inputs
        broken = [
            row
            for row in CONDITIONS
            if self.state in row.states and row.holds(self.config, inputs)
        ]
        faults = tuple(row.say(self.config, inputs) for row in broken if row.reaction == "fault")
        holds = tuple(row.say(self.config, inputs) for row in broken if row.reaction == "hold")
        reasons: tuple[str, ...] = ()
        if faults:
            self.state, self._fault = State.FAULT, faults
        elif self.state == State.DAMPING and now >= self._damping_until:
            self.state = State.DISARMED
        elif self.state == State.STANDING_UP and inputs.stood_up:
            self.state = State.READY
        elif self.state in WALKING:
            self.state, reasons = self._walking(inputs, holds)
        if self.state == State.FAULT:
            reasons = self._fault
        return Decision(self.state, _MODES[self.state], reasons)

    def _walking(
        self, inputs: SupervisorInputs, holds: tuple[str, ...]
    ) -> tuple[State, tuple[str, ...]]:
        """Choose between READY, ACTIVE and HOLDING."""
        if holds:
            return State.HOLDING, holds
        return (State.ACTIVE if inputs.plan_fresh else State.READY), ()

    def arm(self) -> tuple[bool, str]:
        """Ask to stand up; return whether it is granted, and why not."""
        if self.state != State.DISARMED:
            return False, f"already {self.state.name.lower()}; only a disarmed robot can be armed"
        inputs, c = self._last, self.config
        if inputs is None or not inputs.reading_age <= c.reading_age:
            return False, "no fresh reading from the robot; is its driver running?"
        if inputs.broken_limits:
            return False, "; ".join(inputs.broken_limits)
        if not inputs.tilt <= c.tilt:
            return False, f"the base is tilted by {inputs.tilt:.2f} rad; put the robot upright"
        if inputs.battery < c.battery:
            return False, f"the battery is at {100 * inputs.battery:.0f} %; charge it"
        self.state = State.STANDING_UP
        return True, "standing up"

    def disarm(self, now: float) -> tuple[bool, str]:
        """Sink to the ground and disarm; a fault stays."""
        if self.state == State.FAULT:
            return False, "in fault; use reset"
        if self.state == State.DISARMED:
            return True, "disarmed already"
        self._damp(now)
        return True, "damping, then disarmed"

    def stop(self, now: float) -> tuple[bool, str]:
        """Damp at once, whatever the state."""
        if self.state in (State.FAULT, State.DISARMED):
            return True, f"damping already ({self.state.name.lower()})"
        self._damp(now)
        return True, "damping"

    def reset(self) -> tuple[bool, str]:
        """Leave a fault; the robot is disarmed then."""
        if self.state != State.FAULT:
            return False, f"there is no fault to reset ({self.state.name.lower()})"
        self.state, self._fault = State.DISARMED, ()
        return True, "fault cleared; disarmed"

    def fail(self, reason: str) -> None:
        """Latch a fault that something else has found; damps from the next update on."""
        self.state, self._fault = State.FAULT, (reason,)

    def _damp(self, now: float) -> None:
        self.state = State.DAMPING
        self._damping_until = now + self.config.damping_time
