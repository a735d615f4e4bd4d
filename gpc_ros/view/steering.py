"""Sends changes on the viewer's page to the planner: parameters, cost weights and goal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient
from rclpy.task import Future

from gpc_msgs.srv import SetGoal
from gpc_ros.common.arrays import Array
from gpc_ros.common.assignments import format_assignments, parse_assignments
from gpc_ros.common.config import Parameter

# A dragged slider changes many times a second; requests have this interval at least [s].
_PACE = 0.2
# Timeout of an answer [s]: the planner has ended or restarts.
_PATIENCE = 5.0
_TASK_PARAMS = "task_params"

Refuse = Callable[[str, str], None]


class Request:
    """A pending service call, at most one at a time."""

    def __init__(self) -> None:
        """Start without a call."""
        self._future: Future | None = None
        self._since = 0.0

    @property
    def pending(self) -> bool:
        """Whether the call waits for its answer."""
        if self._future is not None and time.monotonic() - self._since > _PATIENCE:
            self._future.cancel()
            self._future = None
        return self._future is not None

    def send(self, future: Future) -> None:
        """Wait for the answer of a new call."""
        self._future, self._since = future, time.monotonic()

    def answer(self) -> Any | None:
        """Return the answer once, after it arrived."""
        if self._future is None or not self._future.done():
            return None
        future, self._future = self._future, None
        return future.result()


class ParameterSteering:
    """Reads and sets the planner's live parameters and the weights of its task's cost.

    The weights are part of the planner's parameter ``task_params``.

    Args:
        node: node of the service clients.
        planner: name of the planner's node.
        names: the live parameters.
        weights: the weights, named as in the task (``cost.distance``).
        show: shows the current value of a parameter.
        refuse: shows the user, title and text, that a change was rejected.
    """

    def __init__(
        self,
        node: Node,
        planner: str,
        names: Iterable[str],
        weights: Iterable[Parameter],
        show: Callable[[str, Any], None],
        refuse: Refuse,
    ) -> None:
        """Connect."""
        self._client = AsyncParameterClient(node, planner)
        self._names = [*names, _TASK_PARAMS]
        self._weights = {p.name: p for p in weights}
        self._show, self._refuse = show, refuse
        self._reading, self._writing = Request(), Request()
        self._changes: dict[str, Any] = {}
        self._task_params: str | None = None
        self._stale = True
        self._last = 0.0

    def step(self, changes: dict[str, Any]) -> None:
        """Send changes and handle answers.

        Args:
            changes: new values by name, of parameters and of weights.
        """
        self._changes.update(changes)
        if (read := self._reading.answer()) is not None:
            self._take_values(read.values)
        if (written := self._writing.answer()) is not None:
            reasons = [r.reason for r in written.results if not r.successful]
            for reason in reasons:
                self._refuse("refused", reason)
            self._stale = bool(reasons)
        if self._reading.pending or self._writing.pending or not self._client.services_are_ready():
            return
        if self._stale or self._task_params is None:
            self._reading.send(self._client.get_parameters(self._names))
        elif self._changes and time.monotonic() - self._last > _PACE:
            self._last = time.monotonic()
            self._writing.send(self._client.set_parameters(self._requests()))
            self._changes = {}

    def _take_values(self, values: list[Any]) -> None:
        """Show the current values; an answer of another length is from another version."""
        if len(values) != len(self._names):
            return
        found = dict(zip(self._names, map(parameter_value_to_python, values), strict=True))
        self._task_params = str(found.pop(_TASK_PARAMS) or "")
        given = parse_assignments(self._task_params, _TASK_PARAMS)
        for name, weight in self._weights.items():
            found[name] = float(given[name]) if name in given else weight.default
        for name, value in found.items():
            if name not in self._changes:
                self._show(name, value)
        self._stale = False

    def _requests(self) -> list[RosParameter]:
        """Return the waiting changes as ROS parameters."""
        weights = {n: v for n, v in self._changes.items() if n in self._weights}
        others = {n: v for n, v in self._changes.items() if n not in self._weights}
        if weights:
            assert self._task_params is not None  # it was read before
            given = parse_assignments(self._task_params, _TASK_PARAMS)
            given.update({name: repr(value) for name, value in weights.items()})
            self._task_params = others[_TASK_PARAMS] = format_assignments(given)
        return [
            RosParameter(name, value=list(value) if isinstance(value, tuple) else value)
            for name, value in others.items()
        ]


class GoalSteering:
    """Sets the planner's goal.

    Args:
        node: node of the service client.
        refuse: shows the user, title and text, that the goal was rejected.
    """

    def __init__(self, node: Node, refuse: Refuse) -> None:
        """Connect."""
        self._client = node.create_client(SetGoal, "set_goal")
        self._refuse = refuse
        self._request = Request()
        self._requested: Array | None = None

    def step(self, goal: Array | None) -> bool:
        """Send a requested goal x [m], y [m], yaw [rad] (3,); return whether one was rejected."""
        self._requested = self._requested if goal is None else goal
        refused = False
        if (answer := self._request.answer()) is not None and not answer.success:
            self._refuse("goal refused", answer.message)
            refused = True
        if self._requested is not None and not self._request.pending:
            x, y, yaw = (float(value) for value in self._requested)
            self._requested = None
            if self._client.service_is_ready():
                self._request.send(self._client.call_async(SetGoal.Request(x=x, y=y, yaw=yaw)))
            else:
                self._refuse("goal refused", "no planner is running")
                refused = True
        return refused
