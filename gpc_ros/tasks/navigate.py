"""Task ``navigate``: walk to a pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.tasks.task import (
    Episode,
    Scene,
    Success,
    Task,
    body_velocity,
    fallen,
    in_heading_frame,
    observed_pose,
    observed_velocity,
    planar_pose,
    pose_error,
    standing_robot,
)


@dataclass(frozen=True)
class NavigateStart:
    """Where episodes start and end; the robot starts at the map origin with any heading."""

    goal_distance: tuple[float, float] = param(
        (1.0, 2.5), "Range of the goal's distance from the robot", unit="m", low=0.0, high=10.0
    )


@dataclass(frozen=True)
class NavigateCost:
    """Weights of the cost terms."""

    distance: float = param(1.0, "Weight of the distance to the goal", unit="1/m", low=0, high=100)
    yaw: float = param(0.3, "Weight of the yaw error", unit="1/rad", low=0, high=100)
    fall: float = param(100.0, "Cost of lying on the floor", low=0, high=1e6)


@dataclass(frozen=True)
class NavigateConfig:
    """Parameters of the task ``navigate``."""

    plant: Scene = Scene()
    planner: Scene = Scene()
    start: NavigateStart = NavigateStart()
    cost: NavigateCost = NavigateCost()
    success: Success = Success()
    workspace: float = param(
        5.0, "Goals lie within this radius of the origin", unit="m", low=0.1, high=100
    )


class Navigate(Task):
    """Walk to a pose on the floor."""

    name = "navigate"
    summary = "Walk to a pose (x, y, yaw) on the floor."
    observed = (*observed_pose("goal"), *observed_velocity("robot"))
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "floor friction 0.3": {"plant.floor_friction": 0.3, "planner.floor_friction": 0.3},
        "floor friction 0.3, planner believes 0.8": {"plant.floor_friction": 0.3},
        "goal 4 m away": {"start.goal_distance": (3.5, 4.0)},
    }
    defaults: ClassVar[NavigateConfig] = NavigateConfig()

    def sample_episode(self, seed: int) -> Episode:
        """Draw heading, goal bearing, goal distance and goal yaw; see :class:`Task`."""
        rng = np.random.default_rng(seed)
        heading, bearing, yaw = rng.uniform(-np.pi, np.pi, 3)
        distance = rng.uniform(*self.config.start.goal_distance)
        goal = np.array([distance * np.cos(bearing), distance * np.sin(bearing), yaw])
        return Episode(seed, standing_robot(0.0, 0.0, heading), goal)

    def cost(self, qpos: Array, qvel: Array, commands: Array, goal: Array) -> dict[str, Array]:
        """Score rollouts; see :class:`Task`."""
        distance, yaw = pose_error(planar_pose(qpos, 0), goal)
        weights = self.config.cost
        return {
            "distance": weights.distance * distance.mean(axis=1),
            "yaw": weights.yaw * yaw.mean(axis=1),
            "fall": weights.fall * fallen(qpos),
        }

    def target_pose(self, qpos: Array) -> Array:
        """Return the planar pose of the robot."""
        return planar_pose(qpos, 0)

    def observation(self, qpos: Array, qvel: Array, goal: Array) -> Array:
        """Return goal pose and own velocity in the heading frame (..., 7)."""
        base = planar_pose(qpos, 0)
        velocity = body_velocity(base, qpos, qvel, 0, 0)
        return np.concatenate([in_heading_frame(base, goal), velocity], axis=-1)
