"""Define the rows of the fault table as cases that run on a live graph.

A case injects a fault, waits for the stated reaction, checks the order of events by the stamps of
the messages, and returns the delay. It raises if the reaction differs or is missing.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fault_injection.live_graph import MISHAPS, LiveGraph, MishapError
from fault_injection.observer import Heard
from gpc_msgs.msg import SupervisorState
from gpc_ros.common.errors import GpcError

T = TypeVar("T")
FAULT, HOLDING, ACTIVE = SupervisorState.FAULT, SupervisorState.HOLDING, SupervisorState.ACTIVE


class ReactionError(GpcError):
    """The reaction to a fault differs from the table."""


@dataclass(frozen=True)
class Case:
    """One fault and its stated reaction.

    Attributes:
        row: of the fault table.
        name: short unique name.
        fault: description of the fault.
        reaction: stated reaction.
        bound: longest delay [s]; None if an order of messages is checked instead of a time.
        of: events between which the delay is measured.
        run: injects the fault and returns the delay [s], or NaN without one.
        walking: whether the robot must follow a plan at the start of the case.
        clock: whether the case needs a graph whose clock can jump.
    """

    row: int
    name: str
    fault: str
    reaction: str
    bound: float | None
    of: str
    run: Callable[[Any], float]
    walking: bool = True
    clock: bool = False


# Less than a cycle of the bridge [s].
_ONE_CYCLE = 0.0015

CASES: dict[str, Case] = {}


def case(
    row: int,
    reaction: str,
    bound: float | None = None,
    of: str = "",
    walking: bool = True,
    clock: bool = False,
) -> Callable[[Callable[[LiveGraph], float]], Callable[[LiveGraph], float]]:
    """Register a function as a case under its own name; its docstring describes the fault."""

    def enter(run: Callable[[LiveGraph], float]) -> Callable[[LiveGraph], float]:
        name, fault = run.__name__, (run.__doc__ or "").strip().rstrip(".")
        CASES[name] = Case(row, name, fault, reaction, bound, of, run, walking, clock)
        return run

    return enter


def check(fact: bool, what: str) -> None:
    """Raise an error unless a condition holds.

    Raises:
        ReactionError: with the given words.
    """
    if not fact:
        raise ReactionError(what)


def exit_code(g: LiveGraph, process: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a process that is expected to end.

    Raises:
        ReactionError: the process does not end; it is terminated then.
    """
    try:
        return process.wait(g.observer.patience)
    except subprocess.TimeoutExpired:
        process.kill()
        raise ReactionError("it did not end") from None


def damped(g: LiveGraph, since: float) -> Heard:
    """Return the first braking joint command after a time [s]."""
    return g.observer.wait("joint_commands", lambda m: not any(m.kp), since)


def stands_still(g: LiveGraph, since: float) -> Heard:
    """Return the walker's first step after a time [s] with a command of zero."""
    return g.observer.wait("walker_state", lambda m: not any(m.command), since)


def latched(g: LiveGraph, since: float, words: str) -> Heard:
    """Return the first braking command after a time [s], for a fault with a reason."""
    brake = damped(g, since)
    g.supervisor(FAULT, words, since)
    return brake


def holds(g: LiveGraph, since: float, words: str) -> Heard:
    """Return the first standing step after a time [s], for holding with a reason."""
    held = g.supervisor(HOLDING, words, since)
    # The walker's step of that cycle is sent before the supervisor's message.
    return stands_still(g, held.sent - _ONE_CYCLE)


def reported(g: LiveGraph, since: float, condition: Callable[[Any], bool]) -> Heard:
    """Return the first reading after a time [s] that meets a condition."""
    return g.observer.wait("robot_reading", condition, since)


def joint_index(name: str = "FL_calf_joint") -> int:
    """Return the index of a joint in a message."""
    from gpc_ros.robot.joints import JOINT_NAMES

    return JOINT_NAMES.index(name)


def until_moving(g: LiveGraph) -> None:
    """Wait until the robot is commanded to walk."""
    g.observer.wait("walker_state", lambda m: any(abs(v) > 0.02 for v in m.command))


def counter(message: SupervisorState, name: str) -> int:
    """Return one of the bridge's counters; zero if it is missing."""
    counted = dict(zip(message.counter_names, message.counter_values, strict=True))
    return int(counted.get(name, 0))


def counts(g: LiveGraph, name: str, before: int, meanwhile: Callable[[], None]) -> Heard:
    """Wait until one of the bridge's counters has grown."""
    return g.observer.wait("supervisor", lambda m: counter(m, name) > before, meanwhile=meanwhile)


def now_counted(g: LiveGraph, name: str) -> int:
    """Return one of the bridge's counters now."""
    return counter(g.observer.last("supervisor").message, name)


def run_case(g: LiveGraph, wanted: Case, attempts: int = 4) -> float:
    """Bring the robot into the initial state of a case, run the case and return its delay.

    Args:
        g: the graph.
        wanted: the case.
        attempts: number of repetitions after a mishap that is unrelated to the case.

    Raises:
        ReactionError: the reaction differs from the stated one.
        SilentError: the reaction is missing.
        MishapError: the machine is too busy to keep the robot on its legs.
    """
    return attempt(g, lambda: _run(g, wanted), attempts, wanted.row not in _EXPECTED_MISHAPS)


def _run(g: LiveGraph, wanted: Case) -> float:
    g.recover(wanted.walking)
    return wanted.run(g)


def attempt(g: LiveGraph, act: Callable[[], T], attempts: int = 4, watched: bool = True) -> T:
    """Return the result of an action, which is repeated after a mishap.

    Args:
        g: the graph that it is done to.
        act: does it, from recovering the robot on.
        attempts: largest number of attempts.
        watched: whether a fall of the robot is a mishap.

    Raises:
        MishapError: each attempt ended in one.
    """
    for left in reversed(range(attempts)):
        try:
            with g.watched(MISHAPS if watched else None):
                return act()
        except MishapError as error:
            g.mishaps.append(str(error))
            if not left:
                raise
    raise AssertionError("unreachable")


NO_DELAY = math.nan
# Rows of the fault table on falling and on a stopped bridge: there it is not a mishap.
_EXPECTED_MISHAPS = (11, 34)
