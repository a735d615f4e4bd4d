"""Plan the video's camera: it follows moving bodies smoothly and keeps the goal in view."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import wrap_angle

_ELEVATION = -27.0  # [deg]
_RATE = 10.0  # of the camera's own path [Hz]
_CALM = 0.9  # standard deviation of the smoothing [s]
_NEAREST, _FARTHEST = 1.9, 7.0  # [m]


@dataclass(frozen=True)
class View:
    """A camera pose: target point (3,) [m], distance [m], azimuth and elevation [deg]."""

    lookat: Array
    distance: float
    azimuth: float
    elevation: float


@dataclass(frozen=True)
class CameraPath:
    """Camera poses over a run: times (T,), target points (T, 3), distances (T,), azimuth."""

    time: Array
    lookat: Array
    distance: Array
    azimuth: float

    def at(self, time: float) -> View:
        """Return the view at a time [s]."""
        point = np.array([np.interp(time, self.time, self.lookat[:, i]) for i in range(3)])
        distance = float(np.interp(time, self.time, self.distance))
        return View(point, distance, self.azimuth, _ELEVATION)


def follow(time: Array, qpos: Array, goal: Array | None, model: mujoco.MjModel) -> CameraPath:
    """Return a camera path that keeps robot, objects and goal in view.

    The camera looks across the line from the robot's start to the goal, with a fixed azimuth.

    Args:
        time: (T,) [s].
        qpos: scenes (T, nq).
        goal: x [m], y [m], yaw [rad] (3,), or None.
        model: the scene.
    """
    grid = np.arange(time[0], time[-1] + 1.0 / _RATE, 1.0 / _RATE)
    free = model.jnt_qposadr[model.jnt_type == mujoco.mjtJoint.mjJNT_FREE]
    moving = [
        np.column_stack([np.interp(grid, time, qpos[:, a + i]) for i in range(2)]) for a in free
    ]
    shown = moving + ([np.tile(goal[:2], (len(grid), 1))] if goal is not None else [])
    stacked = np.stack(shown)
    # Moving bodies have twice the weight of the goal.
    weights = np.array([2.0] * len(moving) + [1.0] * (len(shown) - len(moving)))
    centre = np.average(stacked, axis=0, weights=weights)
    reach = np.linalg.norm(stacked - centre, axis=2).max(axis=0)
    lookat = np.column_stack([_calm(centre[:, 0]), _calm(centre[:, 1]), np.full(len(grid), 0.15)])
    distance = np.clip(1.15 + 1.75 * _calm(reach), _NEAREST, _FARTHEST)
    way = (goal[:2] if goal is not None else moving[0][-1]) - moving[0][0]
    azimuth = np.arctan2(way[1], way[0]) + np.pi / 2 if np.hypot(*way) > 0.05 else np.pi / 4
    return CameraPath(grid, lookat, distance, float(np.degrees(wrap_angle(azimuth))))


def _calm(values: Array) -> Array:
    """Return a series (T,) at the camera's rate, smoothed without delay."""
    reach = int(3 * _CALM * _RATE)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (_CALM * _RATE)) ** 2)
    padded = np.pad(values, reach, mode="edge")
    smooth: Array = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return smooth
