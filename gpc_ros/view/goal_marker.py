"""Set the goal on the page, by dragging it on the floor or by three numbers."""

from __future__ import annotations

import math
import queue
from collections.abc import Callable
from typing import Any

import numpy as np
import viser

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import quat_from_yaw, yaw_from_quat

_REACH = 100.0  # largest coordinate of a goal [m]
_FIELDS = (("x [m]", _REACH), ("y [m]", _REACH), ("yaw [rad]", 2.0 * math.pi))


class GoalControls:
    """A drag handle and a form; a requested goal is queued until :meth:`take`.

    Args:
        server: the page.
        refuse: shows the user, title and text, that a goal was rejected.
    """

    def __init__(self, server: viser.ViserServer, refuse: Callable[[str, str], None]) -> None:
        """Add the controls."""
        self._refuse = refuse
        self._requests: queue.SimpleQueue[Array] = queue.SimpleQueue()
        self._dragged = False
        self._current: Array | None = None
        self._handle = server.scene.add_transform_controls(
            "/set_goal", scale=0.5, active_axes=(True, True, False), visible=False,
            translation_limits=((-_REACH, _REACH), (-_REACH, _REACH), (0.0, 0.0)),
        )  # fmt: skip
        self._handle.on_update(self._on_drag)
        with server.gui.add_folder("set the goal", expand_by_default=False):
            self._numbers: list[Any] = [
                server.gui.add_number(label, 0.0, min=-limit, max=limit, step=0.05)
                for label, limit in _FIELDS
            ]
            server.gui.add_button("set goal").on_click(self._on_set)

    def take(self) -> Array | None:
        """Return the newest requested goal x [m], y [m], yaw [rad] (3,), if there is one."""
        goal = None
        while not self._requests.empty():
            goal = self._requests.get()
        return goal

    def show(self, goal: Array | None) -> None:
        """Move the controls to the goal, unless the handle is being dragged."""
        if goal is None or self._dragged:
            return
        if self._current is None or not np.array_equal(goal, self._current):
            self._current = goal.copy()
            self._handle.position = np.array([goal[0], goal[1], 0.0])
            self._handle.wxyz = quat_from_yaw(goal[2])
            self._handle.visible = True
            for number, value in zip(self._numbers, goal, strict=True):
                number.value = round(float(value), 3)

    def reset(self) -> None:
        """Return to the current goal after a request was rejected."""
        current, self._current = self._current, None
        self.show(current)

    async def _on_drag(self, event: Any) -> None:
        self._dragged = event.phase != "end"
        if event.phase == "end":
            x, y, _ = self._handle.position
            self._request([x, y, yaw_from_quat(np.asarray(self._handle.wxyz))])

    def _on_set(self, _event: Any) -> None:
        self._request([number.value for number in self._numbers])

    def _request(self, values: list[Any]) -> None:
        """Queue a goal, or show the rejection of a goal outside the limits."""
        problem = goal_problem(values)
        if problem:
            self._refuse("goal refused", problem)
            self.reset()
        else:
            self._requests.put(np.array(values, dtype=np.float64))


def goal_problem(values: list[Any]) -> str:
    """Return why a goal x [m], y [m], yaw [rad] is rejected; empty for a valid goal."""
    for (label, limit), value in zip(_FIELDS, values, strict=True):
        if not math.isfinite(value):
            return f"{label} is not a finite number"
        if abs(value) > limit + 1e-9:
            return f"{label} is {value:.4g}, outside [{-limit:.4g}, {limit:.4g}]"
    return ""
