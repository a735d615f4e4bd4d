"""The 3-D scene: robot, objects, goal, motion capture, and the paths of the search."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import viser

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import quat_from_yaw
from gpc_ros.robot.model import BASE_BODY
from gpc_ros.robot.types import SceneState
from gpc_ros.tasks.task import Task, standing_robot
from gpc_ros.view import shapes
from gpc_ros.view.candidate_paths import Paths
from gpc_ros.view.snapshot import Pose

# Layers that can be hidden, with the colours of their paths and ghosts.
COLOURS = {
    "robot": (90, 95, 105),
    "object": (204, 148, 92),
    "goal": (0, 158, 115),
    "motion capture": (230, 159, 0),
    "plan": (0, 114, 178),
    "elites": (86, 180, 233),
    "candidates": (150, 150, 155),
    "proposals": (204, 60, 160),
}
_GHOST = 0.35  # opacity
_FLOOR = 0.02  # height of paths over the floor [m]
_ABOVE = 0.02  # height of an object's paths over its top [m]


class SceneView:
    """Draws one task's scene on a viser server; shapes are sent once, poses at every change.

    Attributes:
        goal: frame of the goal, which the live viewer lets the user drag.
    """

    def __init__(self, server: viser.ViserServer, model: mujoco.MjModel, task: Task) -> None:
        """Send all shapes.

        Args:
            server: the page.
            model: the plant's model of the scene.
            task: the task.
        """
        self._server, self._model = server, model
        self._shown = dict.fromkeys(COLOURS, True)
        # Parts of each layer and whether they exist at this moment, by name.
        self._present: dict[str, dict[str, tuple[Any, bool]]] = {name: {} for name in COLOURS}
        self._data = mujoco.MjData(model)
        self._body = task.bodies[0] if task.bodies else ""
        scene = server.scene
        scene.configure_default_lights(True, cast_shadow=True)
        scene.add_grid(
            "/floor", width=12.0, height=12.0, cell_size=0.5, section_size=1.0,
            plane="xy", plane_color=(228, 230, 233), plane_opacity=1.0,
            cell_color=(205, 207, 210), section_color=(180, 183, 188),
        )  # fmt: skip
        self._robot = self._add_bodies("robot", shapes.robot_bodies(model))
        self._objects = self._add_bodies("object", [model.body(b).id for b in task.bodies])
        self._add_goal(task)
        self._ghosts = {
            name: self._add_ghost(name, body)
            for name, body in (("base", BASE_BODY), *((b, b) for b in task.bodies))
        }
        self._lines: dict[str, Any] = {}
        self._top = 0.0
        if self._body:
            mesh = shapes.body_mesh(model, model.body(self._body).id)
            self._top = float(mesh.bounds[1][2])

    def show_state(self, state: SceneState | None) -> None:
        """Move robot and objects to their poses; unknown objects are hidden."""
        if state is None:
            return
        self._data.qpos[:19] = state.qpos()
        mujoco.mj_kinematics(self._model, self._data)
        for body, handle in self._robot.items():
            handle.position, handle.wxyz = self._data.xpos[body], self._data.xquat[body]
            self._set("robot", handle, True)
        for body, handle in self._objects.items():
            thing = state.objects.get(self._model.body(body).name)
            self._set("object", handle, thing is not None)
            if thing is not None:
                handle.position, handle.wxyz = thing.position, thing.orientation

    def show_goal(self, goal: Array | None) -> None:
        """Move the ghost of the goal to x [m], y [m], yaw [rad] (3,); None hides it."""
        self._set("goal", self.goal, goal is not None)
        if goal is not None:
            self.goal.position = np.array([goal[0], goal[1], 0.0])
            self.goal.wxyz = quat_from_yaw(goal[2])

    def show_mocap(self, poses: dict[str, Pose]) -> None:
        """Move the boxes of motion capture to the newest poses, by body."""
        for name, handle in self._ghosts.items():
            pose = poses.get(name)
            self._set("motion capture", handle, pose is not None)
            if pose is not None:
                handle.position, handle.wxyz = pose.position, pose.orientation

    def show_paths(self, paths: Paths | None) -> None:
        """Draw the predicted paths of robot and object; None hides them."""
        if paths is None:
            for name, line in self._lines.items():
                self._set(name.split("/")[0], line, False)
            return
        plan = np.zeros(len(paths.base), dtype=np.bool_)
        plan[0] = True
        groups = {
            "plan": plan,
            "proposals": paths.proposed,
            "elites": paths.elite & ~paths.proposed,
            "candidates": ~(plan | paths.elite | paths.proposed),
        }
        for layer, rows in groups.items():
            on_floor = paths.base.copy()
            on_floor[..., 2] = _FLOOR
            self._draw(layer, "base", on_floor[rows])
            above = paths.object + np.array([0.0, 0.0, self._top + _ABOVE])
            self._draw(layer, "object", above[rows])

    def show_layer(self, layer: str, visible: bool) -> None:
        """Show or hide a layer from now on, one of ``COLOURS``."""
        self._shown[layer] = visible
        for handle, present in list(self._present[layer].values()):
            handle.visible = visible and present

    def _set(self, layer: str, handle: Any, present: bool) -> None:
        """Show or hide a part of a layer; a hidden layer stays hidden."""
        self._present[layer][handle.name] = (handle, present)
        visible = present and self._shown[layer]
        if handle.visible != visible:
            handle.visible = visible

    def _add_bodies(self, group: str, bodies: list[int]) -> dict[int, Any]:
        handles = {}
        for body in bodies:
            glb = shapes.body_glb(self._model, body)
            if glb:
                name = f"/{group}/{self._model.body(body).name}"
                handles[body] = self._server.scene.add_glb(name, glb, visible=False)
        return handles

    def _add_goal(self, task: Task) -> None:
        """Add a ghost of the goal's body, in the goal's frame."""
        model, qpos = self._model, self._model.qpos0.copy()
        qpos[:19] = standing_robot(0.0, 0.0, 0.0)
        root = model.body(self._body or BASE_BODY)
        if self._body:
            address = model.jnt_qposadr[root.jntadr[0]]
            qpos[address : address + 2] = 0.0
            qpos[address + 3 : address + 7] = [1.0, 0.0, 0.0, 0.0]
        mesh = shapes.scene_mesh(model, qpos, root.id)
        self.goal = self._server.scene.add_frame(
            "/goal", axes_length=0.3, axes_radius=0.008, visible=False
        )
        self._server.scene.add_mesh_simple(
            "/goal/ghost", mesh.vertices, mesh.faces, color=COLOURS["goal"], opacity=_GHOST,
            flat_shading=True, cast_shadow=False,
        )  # fmt: skip

    def _add_ghost(self, name: str, body: str) -> Any:
        """Add the edges of a body's bounding box, in its own frame."""
        low, high = shapes.body_mesh(self._model, self._model.body(body).id).bounds
        return self._server.scene.add_line_segments(
            f"/mocap/{name}", _box_edges(low, high), COLOURS["motion capture"],
            thickness=0.008, visible=False,
        )  # fmt: skip

    def _draw(self, layer: str, what: str, paths: Array) -> None:
        """Draw paths (n, T, 3) of a layer as one set of line segments."""
        name = f"{layer}/{what}"
        line = self._lines.get(name)
        if paths.shape[0] == 0 or paths.shape[1] < 2:
            if line is not None:
                self._set(layer, line, False)
            return
        segments = _segments(paths)
        if line is None:
            self._lines[name] = line = self._server.scene.add_line_segments(
                f"/paths/{name}", segments, COLOURS[layer],
                thickness=0.02 if layer == "plan" else 0.008, visible=False,
            )  # fmt: skip
        else:
            line.points = segments
        self._set(layer, line, True)


def _box_edges(low: Array, high: Array) -> Array:
    """Return the twelve edges (12, 2, 3) of a box between two corners (3,)."""
    edges = []
    for axis in range(3):
        others = [i for i in range(3) if i != axis]
        for corner in np.ndindex(2, 2):
            edge = np.stack([low, high]).astype(np.float64)
            edge[:, others] = [(low, high)[c][i] for c, i in zip(corner, others, strict=True)]
            edges.append(edge)
    return np.array(edges)


def _segments(paths: Array) -> Array:
    """Return line segments (m, 2, 3) that follow paths (n, T, 3), every third point of them."""
    keep = np.unique(np.append(np.arange(0, paths.shape[1], 3), paths.shape[1] - 1))
    points = paths[:, keep]
    segments: Array = np.stack([points[:, :-1], points[:, 1:]], axis=2).reshape(-1, 2, 3)
    return segments
