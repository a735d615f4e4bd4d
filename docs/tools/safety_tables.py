"""Make the tables and the drawing of docs/safety.md from the tables that the supervisor uses."""

from __future__ import annotations

from collections.abc import Iterable

from gpc_ros.robot import ceilings
from gpc_ros.safety.conditions import (
    CONDITIONS,
    EVENTS,
    Condition,
)
from gpc_ros.safety.limits import LimitsConfig
from gpc_ros.safety.states import MODES, POWERED, RULES, UPRIGHT, WALKING, State
from gpc_ros.safety.supervisor_inputs import SupervisorConfig, SupervisorInputs

_GROUPS = (
    (frozenset(State), "any"),
    (frozenset(State) - {State.FAULT}, "any but fault"),
    (POWERED | {State.DAMPING}, "all but disarmed and fault"),
    (POWERED, "while motors hold"),
    (UPRIGHT, "on its legs"),
    (WALKING, "standing or walking"),
)
_LEGS = {
    "damping": "brake (kp 0)",
    "stand_up": "rise slowly",
    "sit_down": "lie down slowly",
    "stand": "stand: walker with command zero",
    "walk": "walk along the plan",
}
# Every condition holds, so that every one has a sentence.
_EXAMPLE = SupervisorInputs(
    reading_age=0.052,
    state_age=0.12,
    tilt=1.21,
    height=0.08,
    battery=0.04,
    clock_error="the clock has stood still for 0.03 s (limit 0.03 s)",
    overdue=1.2,
    broken_limits=("RR_thigh_joint: motor at 97 deg C (limit 95 deg C)",),
    warnings=("RR_thigh_joint: motor at 84 deg C (limit 80 deg C)",),
    pause=0.31,
    other_authority="another bridge publishes joint commands: /bridge",
    stops={"/estop": (True, 0.61)},
    base_age=2.02,
    object_age=1.05,
    mocap_inconsistency="motion capture and the legs disagree about the way walked",
)


def states_table() -> str:
    """Return the states and the motion of the legs in each."""
    rows = ((state.words, int(state), _LEGS[MODES[state]]) for state in State)
    return table(("state", "number", "legs"), rows)


def transitions_table() -> str:
    """Return the table of transitions, the strongest event first."""
    rows = ((rule.event.value, _states(rule.states), rule.to.words) for rule in RULES)
    return table(("when", "in the states", "becomes"), rows)


def drawing() -> str:
    """Return the state machine as a mermaid diagram, without the arrows to the fault."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for rule in RULES:
        if rule.to == State.FAULT:
            continue
        words = rule.event.value.split(",")[0].replace("a condition with the reaction ", "")
        for state in sorted(rule.states - {rule.to}):
            labels = arrows.setdefault((state.name, rule.to.name), [])
            labels.append(words.replace("service ", "").replace("`", "").replace("*", ""))
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> DISARMED"]
    lines += [f"    {a} --> {b}: {' or '.join(labels)}" for (a, b), labels in arrows.items()]
    return "\n".join([*lines, "    note right of FAULT: from every other state", "```"])


def conditions_table() -> str:
    """Return the conditions: reaction, duration, states, an example sentence, remedy."""
    config = SupervisorConfig(heartbeat=True)
    rows = (
        (
            row.name,
            _reaction(row),
            _lasts(row, config),
            _states(row.states) if row.states else "-",
            f"“{row.say(config, _EXAMPLE)}”",
            row.advice,
        )
        for row in CONDITIONS
    )
    head = ("condition", "reaction", "after", "in the states", "sentence, for example", "remedy")
    return table(head, rows)


def _lasts(row: Condition, config: SupervisorConfig) -> str:
    """Return how long a condition must hold before its reaction, and what measures that."""
    if row.timed_by:
        limit = row.lasts(config)
        return f"{limit:g} s ({row.timed_by})" if limit else row.timed_by
    return f"{row.lasts(config):g} s" if row.lasts(config) else "at once"


def _reaction(row: Condition) -> str:
    words = [f"*{row.reaction}*" if row.reaction in EVENTS else row.reaction]
    words += ["no arming"] if row.arming else []
    words += ["no reset"] if row.reset else []
    words += ["no new goals"] if row.goals else []
    return "; ".join(words)


def limits_table() -> str:
    """Return every limit with its value, its parameter and where it is enforced."""
    c, s = LimitsConfig(), SupervisorConfig()
    limiter, watch, supervisor = "`JointLimiter.limit`", "`JointLimiter.watch`", "`Supervisor`"
    rows = (
        ("joint position", f"hard limit less {c.soft_margin} rad", "limits.soft_margin", limiter),
        ("joint far outside", f"{c.max_violation} rad for {c.violation_cycles} cycles",
         "limits.max_violation, limits.violation_cycles", limiter),
        ("command step", f"{c.max_step} rad a cycle", "limits.max_step", limiter),
        ("commanded joint velocity", "30.1 rad/s hip and thigh, 15.7 rad/s calf",
         "limits.velocity_fraction", limiter),
        ("commanded torque", "23.7 N m hip and thigh, 45.43 N m calf", "limits.effort_fraction",
         limiter),
        ("gains", f"kp {c.max_kp:g} N m/rad, kd {c.max_kd:g} N m s/rad; more is a fault",
         "limits.max_kp, limits.max_kd", limiter),
        ("measured joint velocity",
         f"{c.overspeed} times the same, for {c.overload_cycles} cycles",
         "limits.overspeed, limits.overload_cycles", watch),
        ("measured torque", f"the same, for {c.overload_cycles} cycles",
         "limits.overload_cycles", watch),
        ("motor temperature",
         f"{c.temperature_warn:g} deg C slower, {c.temperature:g} deg C for "
         f"{c.temperature_cycles} cycles stop",
         "limits.temperature_warn, limits.temperature, limits.temperature_cycles", watch),
        ("walking command", "the range of the walker", "limits.command_fraction",
         "`VelocityLimiter`"),
        ("tilt", f"{s.tilt} rad", "supervisor.tilt", supervisor),
        ("base height", f"{s.base_height} m", "supervisor.base_height", supervisor),
        ("battery", f"{s.battery_warn:g} warn, {s.battery:g} refuse, {s.battery_sit:g} sit",
         "supervisor.battery_warn, .battery, .battery_sit", supervisor),
        ("age of the reading", f"{s.reading_age} s", "supervisor.reading_age", supervisor),
        ("age of the state", f"{s.state_age} s", "supervisor.state_age", supervisor),
        ("age of the base pose", f"{s.base_age:g} s", "supervisor.base_age", supervisor),
        ("age of an object", f"{s.object_age:g} s", "supervisor.object_age", supervisor),
        ("emergency stop's heartbeat", f"{s.heartbeat_age} s", "supervisor.heartbeat_age",
         supervisor),
        ("pause of the control loop", f"{s.max_loop_pause} s", "supervisor.max_loop_pause",
         supervisor),
        ("clock of the stamps",
         f"still {s.clock_still} s, rate 1 +- {s.clock_rate:g}, {s.clock_jumps} jumps a second",
         "supervisor.clock_still, .clock_rate, .clock_window, .clock_jumps", "`ClockWatch`"),
    )  # fmt: skip
    return table(("limit", "value", "parameter of the bridge", "enforced in"), rows)


def ceilings_table() -> str:
    """Return the absolute ceilings of everything that is sent, by segment of a leg."""
    rows = [
        (name, *(f"{value:g}" for value in values[:3]), unit)
        for name, values, unit in (
            ("stiffness kp", ceilings.KP, "N m/rad"),
            ("damping kd", ceilings.KD, "N m s/rad"),
            ("feed-forward torque", ceilings.EFFORT, "N m"),
            ("velocity", ceilings.VELOCITY, "rad/s"),
            ("step of the position in 2 ms", ceilings.STEP, "rad"),
        )
    ]
    joints = table(("of a joint", "hip", "thigh", "calf", "unit"), rows)
    walking = table(
        ("of the walking command", "vx", "vy", "yaw rate", "unit"),
        (
            ("size", *(f"{v:g}" for v in ceilings.COMMAND), "m/s, m/s, rad/s"),
            ("change", *(f"{v:g}" for v in ceilings.COMMAND_SLEW), "m/s^2, m/s^2, rad/s^2"),
        ),
    )
    return f"{joints}\n\n{walking}"


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """Return a table in Markdown."""
    titles = list(head)
    lines: list[Iterable[object]] = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _states(states: frozenset[State]) -> str:
    for group, name in _GROUPS:
        if states == group:
            return name
    return ", ".join(state.words for state in sorted(states))


def state_blocks() -> dict[str, str]:
    """Return the blocks of docs/safety.md that follow from the supervisor."""
    return {
        "states": states_table(),
        "transitions": transitions_table(),
        "drawing": drawing(),
        "conditions": conditions_table(),
        "limits": limits_table(),
        "ceilings": ceilings_table(),
    }
