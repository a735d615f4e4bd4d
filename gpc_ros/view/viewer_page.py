"""The page in the browser: one viser server with the scene, its layers and the status text."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import viser

from gpc_ros.common.arrays import Array
from gpc_ros.common.mujoco_warnings import silence_mujoco
from gpc_ros.locomotion.walker import Walker
from gpc_ros.settings.viewer_settings import ViewConfig
from gpc_ros.tasks import build_model
from gpc_ros.tasks.task import Task
from gpc_ros.view.candidate_paths import PathRoller, Paths
from gpc_ros.view.framing import FOV, View, frame
from gpc_ros.view.scene import COLOURS, SceneView
from gpc_ros.view.server import start_server
from gpc_ros.view.snapshot import Snapshot
from gpc_ros.view.status import status_markdown

# The first view of new pages follows the scene in steps of this size [m].
_STEP = 0.3
# Spheres around robot, object and goal that the first view contains [m].
_ROBOT_RADIUS, _OBJECT_RADIUS = 0.45, 0.35
_LEGEND = (
    "Paths: plan blue, elites light blue, other candidates grey, proposals magenta; of the robot "
    "on the floor, of the object above it. Goal green, motion capture orange."
)


class Page:
    """Shows snapshots of one task on all open pages.

    Attributes:
        server: the viser server, for more controls.
        scene: the 3-D part.
        url: address of the page on this machine.
    """

    def __init__(self, task: Task, walker: Walker, config: ViewConfig, title: str) -> None:
        """Start the server.

        Raises:
            GpcError: the address is not available.
        """
        silence_mujoco()
        self.server, self.url = start_server(config.host, config.port, title)
        # A share link would lead through an external server.
        self.server.gui.configure_theme(show_share_button=False, show_logo=False)
        self._middle: Array | None = None
        self._spheres: tuple[Array, Array] | None = None  # centres and radii of the framed bodies
        self._status = self.server.gui.add_markdown("waiting for a state")
        self._text = ""
        self.scene = SceneView(self.server, build_model(task, "plant", walker.gains), task)
        self._roller = PathRoller(task, walker, config.paths)
        self._rolled: tuple[int, int] | None = None
        self.server.on_client_connect(self._aim_client)

    @property
    def watched(self) -> bool:
        """Whether a page is open."""
        return bool(self.server.get_clients())

    def notify(self, title: str, text: str) -> None:
        """Show a rejection on all open pages."""
        for client in self.server.get_clients().values():
            client.add_notification(title, text, auto_close_seconds=8.0, color="red")

    def look_at(self, snapshot: Snapshot) -> None:
        """Point the camera of new pages at a moment's robot, objects and goal.

        Pages that were opened before the first state get this view too. The view stays while the
        middle of the scene moves less than ``_STEP``.
        """
        if snapshot.state is None:
            return
        shown = [(snapshot.state.position, _ROBOT_RADIUS)]
        shown += [(o.position, _OBJECT_RADIUS) for o in snapshot.state.objects.values()]
        if snapshot.goal is not None:
            shown.append((np.array([snapshot.goal[0], snapshot.goal[1], 0.2]), _OBJECT_RADIUS))
        centres = np.array([centre for centre, _ in shown])
        middle = centres.mean(axis=0)
        if self._middle is not None and np.linalg.norm(middle - self._middle) < _STEP:
            return
        waiting = self.server.get_clients().values() if self._middle is None else ()
        self._middle = middle
        self._spheres = centres, np.array([radius for _, radius in shown])
        _aim(self.server.initial_camera, frame(*self._spheres))
        for client in waiting:
            self._aim_client(client)

    def _aim_client(self, client: viser.ClientHandle) -> None:
        """Set the camera of one page, for its size."""
        if self._spheres is not None:
            size = client.camera.image_width, client.camera.image_height
            _aim(client.camera, frame(*self._spheres, size))

    def reset_view(self) -> None:
        """Clear the first view, after the last page was closed."""
        self._middle = self._spheres = None

    def add_layers(self) -> None:
        """Add a check box for each layer; call last, so that the boxes are at the bottom."""
        with self.server.gui.add_folder("layers", expand_by_default=False):
            self.server.gui.add_markdown(_LEGEND)
            for layer in COLOURS:
                self._add_layer(layer)

    def _add_layer(self, layer: str) -> None:
        box = self.server.gui.add_checkbox(layer, initial_value=True)
        box.on_update(lambda _: self.scene.show_layer(layer, box.value))

    def show(self, snapshot: Snapshot, time: str = "") -> None:
        """Show a moment; a plan is rolled out only when it changed."""
        paths, changed = self._paths(snapshot)
        text = status_markdown(snapshot, time)
        with self.server.atomic():
            self.scene.show_state(snapshot.state)
            self.scene.show_goal(snapshot.goal)
            self.scene.show_mocap(snapshot.mocap)
            if changed:
                self.scene.show_paths(paths)
            if text != self._text:
                self._status.content = self._text = text

    def _paths(self, snapshot: Snapshot) -> tuple[Paths | None, bool]:
        """Return the paths to draw and whether they differ from the drawn ones."""
        found = snapshot.candidates
        key = None
        if snapshot.plan is not None:
            key = (snapshot.plan.id, 0 if found is None else len(found.costs))
        if key == self._rolled:
            return None, False
        self._rolled = key
        return self._roller.roll(snapshot), True

    def close(self) -> None:
        """Stop the server."""
        with contextlib.redirect_stdout(io.StringIO()):
            self.server.stop()


def _aim(camera: Any, view: View) -> None:
    """Point a camera; set its position first, since that moves its target."""
    camera.fov = FOV
    camera.position = tuple(view.position)
    camera.look_at = tuple(view.look_at)
