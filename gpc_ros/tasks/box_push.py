"""Task ``box_push``: push a free box with the body to a pose, position and yaw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.geometry import quat_from_yaw
from gpc_ros.robot.model import Variant
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

# First index of the box in qpos and qvel: after the robot.
_QPOS, _QVEL = 19, 18


@dataclass(frozen=True)
class Box:
    """The pushed object."""

    mass: float = param(3.0, "Mass", unit="kg", low=0.1, high=30.0)
    friction: float = param(
        0.5, "Sliding friction on the floor and on the robot", low=0.05, high=2.0
    )
    size: tuple[float, float, float] = param(
        (0.4, 0.4, 0.35), "Edge lengths x, y, z", unit="m", low=0.05, high=2.0
    )


@dataclass(frozen=True)
class BoxScene(Scene):
    """Floor and box."""

    object: Box = Box()


@dataclass(frozen=True)
class BoxStart:
    """Where episodes start and end; the robot starts at the map origin with any heading."""

    box_distance: tuple[float, float] = param(
        (1.0, 1.6), "Range of the box's distance from the robot", unit="m", low=0.6, high=10.0
    )
    goal_distance: tuple[float, float] = param(
        (0.8, 1.2), "Range of the goal's distance from the box", unit="m", low=0.0, high=10.0
    )
    goal_yaw: float = param(
        1.5708, "Largest turn between the box's start and its goal", unit="rad", low=0, high=3.1416
    )


@dataclass(frozen=True)
class BoxCost:
    """Weights of the cost terms."""

    distance: float = param(1.0, "Weight of box to goal", unit="1/m", low=0, high=100)
    yaw: float = param(0.3, "Weight of the box's yaw error", unit="1/rad", low=0, high=100)
    reach: float = param(0.3, "Weight of robot to box", unit="1/m", low=0, high=100)
    fall: float = param(100.0, "Cost of the robot lying on the floor", low=0, high=1e6)


@dataclass(frozen=True)
class BoxPushConfig:
    """Parameters of the task ``box_push``."""

    plant: BoxScene = BoxScene()
    planner: BoxScene = BoxScene()
    start: BoxStart = BoxStart()
    cost: BoxCost = BoxCost()
    success: Success = Success()
    workspace: float = param(
        5.0, "Goals lie within this radius of the origin", unit="m", low=0.1, high=100
    )


def _told_and_not(name: str, **box: Any) -> dict[str, dict[str, Any]]:
    """Return a changed box in plant and planner, and the same box in the plant only."""
    plant = {f"plant.object.{key}": value for key, value in box.items()}
    known = {f"planner.object.{key}": value for key, value in box.items()}
    return {name: {**plant, **known}, f"{name}, planner believes the default": plant}


class BoxPush(Task):
    """Push a box to a pose."""

    name = "box_push"
    summary = "Push a free box with the body to a pose (x, y, yaw)."
    bodies = ("box",)
    observed = (
        *observed_pose("box"),
        *observed_pose("goal"),
        *observed_velocity("robot"),
        *observed_velocity("box"),
    )
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **_told_and_not("mass 1 kg", mass=1.0),
        **_told_and_not("mass 6 kg", mass=6.0),
        **_told_and_not("friction 0.3", friction=0.3),
        **_told_and_not("friction 1.0", friction=1.0),
        **_told_and_not("30 % smaller", size=(0.28, 0.28, 0.245)),
        **_told_and_not("30 % larger", size=(0.52, 0.52, 0.455)),
        "goal 1.6 to 2.0 m away": {"start.goal_distance": (1.6, 2.0)},
    }
    defaults: ClassVar[BoxPushConfig] = BoxPushConfig()

    def add_scene(self, spec: mujoco.MjSpec, variant: Variant) -> None:
        """Add the box; its friction overrides the friction of the bodies in contact."""
        super().add_scene(spec, variant)
        box: Box = getattr(self.config, variant).object
        body = spec.worldbody.add_body(name="box", pos=[1.5, 0.0, box.size[2] / 2])
        body.add_freejoint(name="box_joint")
        geom = body.add_geom(
            name="box",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[edge / 2 for edge in box.size],
            mass=box.mass,
            rgba=[0.80, 0.58, 0.36, 1.0],
        )
        geom.friction[0] = box.friction
        geom.priority = 2
        geom.condim = 3

    def sample_episode(self, seed: int) -> Episode:
        """Draw heading, box bearing, distance and yaw, and the goal; see :class:`Task`."""
        rng = np.random.default_rng(seed)
        start = self.config.start
        heading, bearing, direction, box_yaw = rng.uniform(-np.pi, np.pi, 4)
        reach = rng.uniform(*start.box_distance)
        push = rng.uniform(*start.goal_distance)
        turn = rng.uniform(-start.goal_yaw, start.goal_yaw)
        box = reach * np.array([np.cos(bearing), np.sin(bearing)])
        goal = box + push * np.array([np.cos(direction), np.sin(direction)])
        height = self.config.plant.object.size[2] / 2
        qpos = np.concatenate(
            [standing_robot(0.0, 0.0, heading), box, [height], quat_from_yaw(box_yaw)]
        )
        return Episode(seed, qpos, self.check_goal(np.array([goal[0], goal[1], box_yaw + turn])))

    @classmethod
    def randomise(cls, rng: np.random.Generator) -> dict[str, Any]:
        """Draw mass, friction and size of the box, and the floor's friction; see :class:`Task`."""
        size = np.array(Box().size) * rng.uniform(0.8, 1.2, 3)
        return {
            **super().randomise(rng),
            "object.mass": float(rng.uniform(1.5, 5.0)),
            "object.friction": float(rng.uniform(0.35, 0.8)),
            "object.size": tuple(float(edge) for edge in size),
        }

    def cost(self, qpos: Array, qvel: Array, commands: Array, goal: Array) -> dict[str, Array]:
        """Score rollouts; see :class:`Task`."""
        distance, yaw = pose_error(planar_pose(qpos, _QPOS), goal)
        reach = np.hypot(qpos[..., 0] - qpos[..., _QPOS], qpos[..., 1] - qpos[..., _QPOS + 1])
        weights = self.config.cost
        return {
            "distance": weights.distance * distance.mean(axis=1),
            "yaw": weights.yaw * yaw.mean(axis=1),
            "reach": weights.reach * reach.mean(axis=1),
            "fall": weights.fall * fallen(qpos),
        }

    def target_pose(self, qpos: Array) -> Array:
        """Return the planar pose of the box."""
        return planar_pose(qpos, _QPOS)

    def observation(self, qpos: Array, qvel: Array, goal: Array) -> Array:
        """Return box and goal pose and both velocities in the heading frame (..., 14)."""
        base = planar_pose(qpos, 0)
        return np.concatenate(
            [
                in_heading_frame(base, planar_pose(qpos, _QPOS)),
                in_heading_frame(base, goal),
                body_velocity(base, qpos, qvel, 0, 0),
                body_velocity(base, qpos, qvel, _QPOS, _QVEL),
            ],
            axis=-1,
        )
