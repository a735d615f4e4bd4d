"""Bring a robot that a fault has stopped back to its legs and to its task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fault_injection.observer import SilentError
from gpc_msgs.msg import SupervisorState

if TYPE_CHECKING:
    from fault_injection.live_graph import LiveGraph

# The supervisor's reason for a robot that lies on its back.
TILTED = "the base is tilted"
# Time that a started node has for its decision [s].
_SENSES = 8.0
# First words of the estimator's inconsistencies (estimation/plausibility.py), and the bridge's
# reason without an estimate, as after the robot was moved to another place.
_DOUBTS = ("motion capture shows", "no estimate of where the robot is")
# The bridge's reason after the end of its driver; only a new bridge starts another driver.
_DRIVERLESS = "the driver's process has ended"
_ON_ITS_LEGS = (SupervisorState.READY, SupervisorState.ACTIVE, SupervisorState.HOLDING)
# Time between two requests [s].
_URGE = 0.3


def recover(g: LiveGraph, walking: bool) -> None:
    """Clear every fault and send requests until the robot stands, or walks.

    Raises:
        SilentError: the robot does not recover.
    """
    g.mend()
    asked = 0.0

    def urge() -> None:
        nonlocal asked
        if g.observer.now() - asked >= _URGE and g.observer.kept("supervisor"):
            asked = g.observer.now()
            _ask(g, walking)

    begin = g.observer.now()
    wanted = (SupervisorState.ACTIVE,) if walking else _ON_ITS_LEGS
    while not _settled(g, wanted, begin):
        g.observer.wait("supervisor", meanwhile=urge)
        if g.observer.now() - begin > 2 * g.observer.patience:
            last = g.observer.last("supervisor").message
            raise SilentError(f"the robot did not recover: {last.name}: {last.reasons}")


def _ask(g: LiveGraph, walking: bool) -> None:
    """Send the next request."""
    g.start_all()  # a node that mistook its killed predecessor for alive has ended again
    state = g.state()
    if state == SupervisorState.FAULT:
        g.ask("reset")
    elif state == SupervisorState.DISARMED:
        # A motion inconsistency persists until a motion agrees, and a lying robot does not move.
        refusal = g.ask("arm").message
        if any(words in refusal for words in _DOUBTS):
            _replace(g, "estimator")
        if _DRIVERLESS in refusal:
            _replace(g, "bridge")
        if TILTED in refusal:  # a robot on its back is replaced by a standing one
            _replace(g, g.robot)
    elif walking and any(
        h.message.hold_reason == "no goal" for h in g.observer.kept("planner/status")[-1:]
    ):
        g.give_goal()


def _replace(g: LiveGraph, name: str) -> None:
    """Kill a node that has had time to recover, so that it is started again.

    The time counts from the node's first message: on a busy machine a node starts slowly, and a
    node that is always killed before its start never runs.
    """
    heard = g.observer.kept("diagnostics", g.begun(name))
    own = next((h.sent for h in heard if h.message.status[0].name == name), None)
    if own is not None and g.observer.now() - own > _SENSES:
        g.kill(name)


def _settled(g: LiveGraph, wanted: Sequence[int], begin: float) -> bool:
    """Return whether all of the last states after a time [s] are wanted states."""
    heard = g.observer.kept("supervisor", begin)[-3:]
    return len(heard) == 3 and all(h.message.state in wanted for h in heard)
