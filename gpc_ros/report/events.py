"""Lists the events of a run: goals, modes, missed deadlines, gaps and changed settings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.bag.topics import COMMANDS
from gpc_ros.common.arrays import Array
from gpc_ros.replay.outcome import Outcome
from gpc_ros.replay.recorded_parameters import Settings
from gpc_ros.replay.run import Delay, Run, Status
from gpc_ros.report.axes import spans

# Longer gaps in a stream of messages are events [s].
_GAP = 0.1
# Joint commands this late after their reading are events [s].
_LATE = 0.02
# Maximum number of events of one kind; the last one counts the rest.
_MOST = 8


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes:
        time: [s].
        kind: info, warn, bad or good.
        text: a short sentence.
    """

    time: float
    kind: str
    text: str


def events(run: Run, outcome: Outcome) -> list[Event]:
    """Return the events of a run in order of time."""
    found = [
        *_goals(run),
        *_modes(run),
        *_limited(_misses(run), "deadlines missed"),
        *_limited(_holds(run), "times without a plan"),
        *_limited(_gaps(run.state.base.time, "no state from the estimator"), "gaps in the state"),
        *_limited(_late(run), "late commands"),
        *_limited(_unseen(run), "gaps in motion capture"),
        *_changes(run),
        *_clock(run),
    ]
    if outcome.success:
        begin = run.goals[-1][0] if run.goals else 0.0
        found.append(Event(begin + outcome.time, "good", f"goal {outcome.reason}"))
    return sorted(found, key=lambda event: event.time)


def _goals(run: Run) -> list[Event]:
    return [
        Event(time, "info", f"goal set: {x:.2f} m, {y:.2f} m, {yaw:.2f} rad")
        for time, (x, y, yaw) in run.goals
    ]


def _modes(run: Run) -> list[Event]:
    found = []
    modes = run.modes
    for name, begin, _ in spans(modes.time, modes.name, run.duration):
        index = int(np.argmin(np.abs(modes.time - begin)))
        text = name.lower().replace("_", " ")
        reasons = "; ".join(reason for reason in modes.reasons[index] if reason != text)
        kind = {"FAULT": "bad", "DAMPING": "warn", "HOLDING": "warn"}.get(name, "info")
        found.append(Event(begin, kind, f"{text}: {reasons}" if reasons else text))
    return found


def _misses(run: Run) -> list[Event]:
    return [
        Event(float(run.status.time[i]), "warn", _miss_text(run.status, int(i)))
        for i in np.flatnonzero(run.status.missed)
    ]


def _miss_text(s: Status, i: int) -> str:
    """Return how cycle i missed its deadline: with fewer candidates, or late with all of them."""
    completed, samples = s["completed"][i], s["num_rollouts"][i]
    if completed < samples:
        return f"deadline missed: {completed:.0f} of {samples:.0f} candidates finished"
    took, deadline = 1e3 * s["plan_time"][i], 1e3 * s["deadline"][i]
    return (
        f"plan late: all {samples:.0f} candidates finished, after {took:.0f} ms instead of "
        f"{deadline:.3g} ms"
    )


def _holds(run: Run) -> list[Event]:
    s = run.status
    end = float(s.time[-1]) if len(s.time) else 0.0
    return [
        Event(begin, "warn", f"no plan for {until - begin:.2g} s: {reason}")
        for reason, begin, until in spans(s.time, s.hold, end)
        if reason and begin >= 0.0
    ]


def _gaps(time: Array, what: str) -> list[Event]:
    gaps = np.diff(time)
    return [
        Event(float(time[i]), "warn", f"{what} for {gaps[i]:.2f} s")
        for i in np.flatnonzero(gaps > _GAP)
    ]


def _late(run: Run) -> list[Event]:
    delay = run.delays.get(COMMANDS.name, Delay())
    late = np.flatnonzero(np.nan_to_num(delay.delay) > _LATE)
    # One event per stall, not per command.
    first = [i for i in late if i - 1 not in late]
    return [
        Event(float(delay.time[i]), "warn",
              f"a joint command came {1e3 * delay.delay[i]:.0f} ms after its reading")
        for i in first
    ]  # fmt: skip


def _unseen(run: Run) -> list[Event]:
    found = []
    for name, body in run.mocap.items():
        who = "the robot" if name == "base" else name
        found += _gaps(body.time, f"motion capture did not see {who}")
    return [event for event in found if event.time >= 0.0]


def _changes(run: Run) -> list[Event]:
    """Return the parameters that changed while the nodes ran."""
    found: list[Event] = []
    before: dict[str, Settings] = {}
    for new in run.settings:
        old = before.get(new.node)
        before[new.node] = new
        for name, value in new.parameters.items():
            if old is not None and old.parameters.get(name) != value:
                text = f"{new.node}: {name} is now {value}, was {old.parameters.get(name)}"
                found.append(Event(new.time - run.begin, "info", text))
    return found


def _clock(run: Run) -> list[Event]:
    back = np.diff(run.state.base.time)
    return [
        Event(float(run.state.base.time[i + 1]), "bad", f"the clock went back by {-back[i]:.2f} s")
        for i in np.flatnonzero(back < -1e-3)[:_MOST]
    ]


def _limited(found: list[Event], plural: str) -> list[Event]:
    """Return at most ``_MOST`` events, the last of which counts the rest."""
    if len(found) <= _MOST:
        return found
    rest = found[_MOST - 1 :]
    return [
        *found[: _MOST - 1],
        Event(rest[0].time, rest[0].kind, f"{len(rest)} more {plural} from here to the end"),
    ]
