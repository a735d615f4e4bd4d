"""Kill a node at a random moment of a push, and check the stated reaction."""

from __future__ import annotations

from typing import Any

import numpy as np

from fault_injection.cases import attempt
from fault_injection.every_case import EVERY_CASE
from fault_injection.live_graph import LiveGraph, MishapError
from fault_injection.observer import SilentError
from gpc_ros.common.errors import GpcError

# For each node the case that kills it.
KILLS = {
    "sim": "sim_killed",
    "estimator": "estimator_killed",
    "planner": "planner_killed",
    "bridge": "bridge_killed",
    "recorder": "recorder_killed",
    "monitor": "monitor_killed",
}
# Speed above which the box is being pushed [m/s].
_PUSHED = 0.02
# Longest wait for a push before a walking robot suffices [s].
PATIENCE = 8.0
# Longest time from the observed push to the kill [s].
_LATEST = 1.0
# Distance of the goals from the box, so that it must be pushed [m].
_FAR = (0.6, 1.2)


def kill_during_push(
    g: LiveGraph, node: str, rng: np.random.Generator, patience: float = PATIENCE
) -> dict[str, Any]:
    """Kill a node at a random moment of a push and return the observations.

    Args:
        g: the graph; the node is started again by the next call.
        node: one of :data:`KILLS`.
        rng: source of goal and moment.
        patience: longest wait for a push before a walking robot suffices [s].

    Returns:
        Whether the box was moving, when the kill came, and the delay of the reaction [s].

    Raises:
        GpcError: the reaction is not the stated one.
    """
    moment = float(rng.uniform(0.0, _LATEST))

    def kill() -> dict[str, Any]:
        g.recover()
        # Braking before the kill is always a mishap.
        with g.watched(("",)):
            new_goal(g, rng)
            pushing = wait_for_push(g, patience)
            g.observer.pass_time(moment)
        delay = EVERY_CASE[KILLS[node]].run(g)
        return {"pushing": pushing, "moment": moment, "delay": delay}

    return attempt(g, kill)


def new_goal(g: LiveGraph, rng: np.random.Generator) -> None:
    """Set a new goal within the workspace and away from the box."""
    box = g.observer.last("ground_truth").message.objects[0].pose.position
    for _ in range(20):
        angle, far = rng.uniform(-np.pi, np.pi), rng.uniform(*_FAR)
        x, y = box.x + far * np.cos(angle), box.y + far * np.sin(angle)
        if np.hypot(x, y) < 1.5 and g.set_goal(float(x), float(y), float(angle)).success:
            return
    if not g.set_goal(0.0, 0.0, 0.0).success:
        raise GpcError("kill: the planner takes no goal")


def wait_for_push(g: LiveGraph, patience: float) -> bool:
    """Wait up to a time [s] until the box moves; return False if the robot only walks.

    Raises:
        MishapError: neither the box nor the robot moves.
    """
    try:
        g.observer.wait(
            "ground_truth",
            lambda m: np.hypot(m.objects[0].twist.linear.x, m.objects[0].twist.linear.y) > _PUSHED,
            patience=patience,
        )
    except SilentError:
        pass
    else:
        return True
    try:
        g.observer.wait("walker_state", lambda m: any(m.command), patience=PATIENCE)
    except SilentError:
        raise MishapError("the robot had a goal and did not walk") from None
    return False
