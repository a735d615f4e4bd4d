"""Define the inputs of the supervisor in one cycle, and their limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from gpc_ros.common.config import param


@dataclass(frozen=True)
class SupervisorConfig:
    """Limits on ages, attitude and battery, and the times of the state machine."""

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {"stall": "max_loop_pause"}

    # Less than the 50 ms that the fault table allows, so that the reaction itself fits in.
    reading_age: float = param(
        0.04, "Silence of the robot after which it damps", unit="s", low=0.004, high=1.0
    )
    state_age: float = param(
        0.1, "Age of the estimate after which the robot stands", unit="s", low=0.01, high=2.0
    )
    base_age: float = param(
        2.0,
        "Time without motion capture of the base after which the robot stands",
        unit="s",
        low=0.05,
        high=60.0,
    )
    object_age: float = param(
        1.0,
        "Time without motion capture of an object after which the robot stands",
        unit="s",
        low=0.05,
        high=60.0,
    )
    # Less than the watchdog of the robot (0.07 s in simulation): a robot that has damped by itself
    # meanwhile must not become stiff again.
    max_loop_pause: float = param(
        0.06,
        "Pause of the control loop after which it damps; less than the robot's own watchdog",
        unit="s",
        low=0.02,
        high=5.0,
    )
    clock_still: float = param(
        0.03, "Time that the clock of the stamps may stand still", unit="s", low=0.01, high=10.0
    )
    clock_rate: float = param(
        0.2, "Largest error of the rate of that clock, relative", low=0.01, high=1.0
    )
    clock_window: float = param(
        0.5, "Time over which that rate is measured", unit="s", low=0.1, high=10.0
    )
    clock_jumps: int = param(3, "Jumps of that clock within 1 s that are accepted", low=0, high=100)
    heartbeat: bool = param(
        False, "Require an emergency stop, and a heartbeat from every known one"
    )
    heartbeat_age: float = param(
        0.5,
        "Silence of an emergency stop after which the robot damps",
        unit="s",
        low=0.05,
        high=5.0,
    )
    tilt: float = param(1.047, "Largest tilt of the base", unit="rad", low=0.1, high=3.2)
    tilt_time: float = param(
        0.02, "Time that the base must be tilted for a fault", unit="s", low=0.0, high=0.1
    )
    base_height: float = param(
        0.12, "Lowest estimated height of the base while the legs carry it", unit="m", low=0, high=1
    )
    fallen_time: float = param(
        0.05, "Time that the base must be too low for a fault", unit="s", low=0.0, high=1.0
    )
    overdue: float = param(
        1.0,
        "Time to reach the standing or lying pose after the end of the motion there",
        unit="s",
        low=0,
        high=30,
    )
    battery_warn: float = param(0.2, "State of charge below which it warns", low=0, high=1)
    battery: float = param(
        0.1, "State of charge below which arming and new goals are refused", low=0, high=1
    )
    battery_sit: float = param(0.05, "State of charge below which it sits down", low=0, high=1)
    battery_time: float = param(
        2.0, "Time that the charge must be below that", unit="s", low=0.0, high=60.0
    )
    battery_required: bool = param(True, "Refuse to arm a robot that does not report its battery")
    damping_time: float = param(
        2.0, "Time to sink to the ground before disarming", unit="s", low=0.0, high=20.0
    )


@dataclass(frozen=True, slots=True)
class SupervisorInputs:
    """Inputs of the supervisor in one cycle. NaN violates every limit.

    Attributes:
        reading_age: age of the robot's own reading [s]; infinite before the first.
        state_age: age of the estimate [s]; infinite before the first.
        plan_fresh: whether a plan exists that has not expired.
        tilt: of the base from upright [rad].
        height: estimated height of the base [m]; infinite if unknown.
        battery: state of charge [0..1].
        battery_reported: whether the robot reports its battery at all.
        arrived: whether the stand-up or sit-down motion is complete and the joints have followed.
        overdue: time since that motion should have been complete [s].
        broken_limits: joint limits that are broken, in plain words.
        warnings: joints near a limit, in plain words.
        pause: time since the previous control cycle [s].
        clock_jumped: whether the clock has jumped since the previous cycle.
        clock_error: why the clock of the stamps cannot be used; empty if it can.
        other_authority: sentence about a publisher of commands, plans or states that does not
            belong to this graph; empty without one.
        stops: every known emergency stop by name: whether it is pressed, and the time since its
            last message [s].
        base_age: since motion capture last saw the base [s].
        object_age: of the object that was unseen longest [s].
        mocap_inconsistency: why motion capture contradicts the robot's own sensors; empty if it
            does not.
    """

    reading_age: float
    state_age: float
    plan_fresh: bool = False
    tilt: float = 0.0
    height: float = math.inf
    battery: float = 1.0
    battery_reported: bool = True
    arrived: bool = False
    overdue: float = 0.0
    broken_limits: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    pause: float = 0.0
    clock_jumped: bool = False
    clock_error: str = ""
    other_authority: str = ""
    stops: Mapping[str, tuple[bool, float]] = field(default_factory=dict)
    base_age: float = 0.0
    object_age: float = 0.0
    mocap_inconsistency: str = ""
