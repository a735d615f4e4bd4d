"""Setting the goal on the page: by dragging it on the floor, or by three numbers."""

from __future__ import annotations

import queue
from typing import Any

import numpy as np
import viser

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import quat_from_yaw, yaw_from_quat


class GoalControls:
    """A handle to drag and a form; a wish waits until it is taken."""

    def __init__(self, server: viser.ViserServer) -> None:
        """Add the controls."""
        self._wishes: queue.SimpleQueue[Array] = queue.SimpleQueue()
        self._dragged = False
        self._shown: Array | None = None
        self._handle = server.scene.add_transform_controls(
            "/set_goal", scale=0.5, active_axes=(True, True, False), visible=False,
            translation_limits=((-100.0, 100.0), (-100.0, 100.0), (0.0, 0.0)),
        )  # fmt: skip
        self._handle.on_update(self._on_drag)
        with server.gui.add_folder("set the goal", expand_by_default=False):
            self._numbers: list[Any] = [
                server.gui.add_number(label, 0.0, step=0.05)
                for label in ("x [m]", "y [m]", "yaw [rad]")
            ]
            server.gui.add_button("set goal").on_click(self._on_set)

    def take(self) -> Array | None:
        """Return the newest goal x [m], y [m], yaw [rad] (3,) that was asked for, if any."""
        wish = None
        while not self._wishes.empty():
            wish = self._wishes.get()
        return wish

    def show(self, goal: Array | None) -> None:
        """Put the controls where the goal is, unless somebody is dragging."""
        if goal is None or self._dragged:
            return
        if self._shown is None or not np.array_equal(goal, self._shown):
            self._shown = goal.copy()
            self._handle.position = np.array([goal[0], goal[1], 0.0])
            self._handle.wxyz = quat_from_yaw(goal[2])
            self._handle.visible = True
            for number, value in zip(self._numbers, goal, strict=True):
                number.value = round(float(value), 3)

    def reset(self) -> None:
        """Return to the goal in force, after a wish was refused."""
        shown, self._shown = self._shown, None
        self.show(shown)

    async def _on_drag(self, event: Any) -> None:
        self._dragged = event.phase != "end"
        if event.phase == "end":
            x, y, _ = self._handle.position
            yaw = float(yaw_from_quat(np.asarray(self._handle.wxyz)))
            self._wishes.put(np.array([x, y, yaw], dtype=np.float64))

    def _on_set(self, _event: Any) -> None:
        self._wishes.put(np.array([number.value for number in self._numbers], dtype=np.float64))
