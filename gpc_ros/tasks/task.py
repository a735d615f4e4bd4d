"""The interface of a task: scene, goal, cost, observation, random episodes and success test.

A task is one module with one class derived from :class:`Task`; no other module depends on a task's
specifics. Poses are in the map frame, goals are (x [m], y [m], yaw [rad]).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import mujoco
import numpy as np

from gpc_ros.common import config
from gpc_ros.common.arrays import Array, validate_array
from gpc_ros.common.config import param
from gpc_ros.common.errors import ConfigError, UnreachableGoalError
from gpc_ros.common.geometry import quat_from_yaw, rotate, wrap_angle, yaw_from_quat
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.model import STAND_HEIGHT, Variant


@dataclass(frozen=True)
class Scene:
    """Physical parameters of a scene, set separately for plant and planner."""

    floor_friction: float = param(0.8, "Sliding friction of feet on the floor", low=0.1, high=2.0)


@dataclass(frozen=True)
class Success:
    """Success criterion of an episode."""

    distance: float = param(0.15, "Position tolerance", unit="m", low=0.01, high=1.0)
    yaw: float = param(0.3, "Heading tolerance", unit="rad", low=0.01, high=3.15)
    dwell: float = param(0.5, "Dwell time inside the tolerance", unit="s", low=0.0, high=10.0)

    def inside(self, distance: Any, yaw_error: Any) -> Any:
        """Return whether distance [m] and yaw error [rad] (scalars or arrays) are in tolerance."""
        return (distance <= self.distance) & (yaw_error <= self.yaw)


@dataclass(frozen=True)
class Episode:
    """A start and a goal, drawn from a seed.

    Attributes:
        seed: seed of the draw.
        qpos: start of the whole scene (nq,).
        goal: x [m], y [m], yaw [rad], (3,).
    """

    seed: int
    qpos: Array
    goal: Array


@dataclass(frozen=True)
class Progress:
    """Distance to the goal [m], yaw error [rad], and whether both are in tolerance."""

    distance: float
    yaw_error: float
    inside: bool


class Observed(NamedTuple):
    """An entry of an observation: its name, and its sign (1 or -1) in a left-right mirror."""

    name: str
    mirror: int


def observed_pose(of: str) -> tuple[Observed, ...]:
    """Return the names of the entries of :func:`in_heading_frame`."""
    return tuple(
        Observed(f"{of} {what}", sign)
        for what, sign in (("x", 1), ("y", -1), ("cos yaw", 1), ("sin yaw", -1))
    )


def observed_velocity(of: str) -> tuple[Observed, ...]:
    """Return the names of the entries of :func:`body_velocity`."""
    return tuple(
        Observed(f"{of} {what}", sign) for what, sign in (("vx", 1), ("vy", -1), ("yaw rate", -1))
    )


class Task(ABC):
    """A task for the robot.

    Attributes:
        name: name on the command line.
        summary: one sentence for listings.
        bodies: names of the free objects, in qpos order after the robot.
        observed: entries of an observation.
        variations: changed worlds to evaluate in, each as parameters by dotted name.
        config: its parameters; has ``plant`` and ``planner`` (scenes), ``success`` and
            ``workspace`` [m].
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    bodies: ClassVar[tuple[str, ...]] = ()
    observed: ClassVar[tuple[Observed, ...]]
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    defaults: ClassVar[Any]

    def __init__(self, overrides: Mapping[str, Any] | None = None) -> None:
        """Set up a task with some parameters replaced (dotted names).

        Raises:
            ConfigError: unknown parameter, wrong type or out of range.
        """
        self.config = config.replace(self.defaults, overrides or {}, f"task {self.name}")

    def scene(self, variant: Variant) -> Scene:
        """Return the physical parameters of plant or planner."""
        scene: Scene = getattr(self.config, variant)
        return scene

    def add_scene(self, spec: mujoco.MjSpec, variant: Variant) -> None:
        """Add the task's objects and surroundings to a model under construction."""
        for foot in spec.geoms:
            if foot.name.endswith("_foot"):
                foot.friction[0] = self.scene(variant).floor_friction

    @abstractmethod
    def sample_episode(self, seed: int) -> Episode:
        """Draw a start and a goal; the same seed gives the same episode."""

    @abstractmethod
    def cost(self, qpos: Array, qvel: Array, commands: Array, goal: Array) -> dict[str, Array]:
        """Score rollouts, each term averaged over the horizon.

        Args:
            qpos: (N, T, nq) after each control interval.
            qvel: (N, T, nv).
            commands: (N, T, 3) given to the walker.
            goal: (3,).

        Returns:
            Terms (N,) by name; their sum is the cost.
        """

    @abstractmethod
    def target_pose(self, qpos: Array) -> Array:
        """Return x, y, yaw (..., 3) of the body that the goal applies to, from qpos (..., nq)."""

    @abstractmethod
    def observation(self, qpos: Array, qvel: Array, goal: Array) -> Array:
        """Return the observation of a proposal: scene and goal in the heading frame.

        Args:
            qpos: one scene (nq,) or several (..., nq).
            qvel: (..., nv).
            goal: (3,).

        Returns:
            (..., d), the entries that ``observed`` names.
        """

    @classmethod
    def randomise(cls, rng: np.random.Generator) -> dict[str, Any]:
        """Draw physical parameters of the plant, for training: values by dotted name.

        The names are those below ``plant``; the planner has the same ones.
        """
        return {"floor_friction": float(rng.uniform(0.5, 1.1))}

    def progress(self, qpos: Array, goal: Array) -> Progress:
        """Return the distance of a scene qpos (nq,) from the goal (3,)."""
        error = pose_error(self.target_pose(qpos), goal)
        distance, yaw = float(error[0]), float(error[1])
        return Progress(distance, yaw, self.config.success.inside(distance, yaw))

    def check_goal(self, goal: Array, base_position: Array | None = None) -> Array:
        """Return a goal as a valid array (3,).

        Raises:
            InputError: the goal is not three finite numbers.
            UnreachableGoalError: the goal lies outside the workspace.
        """
        goal = validate_array(goal, (3,), "goal (x [m], y [m], yaw [rad])")
        reach = float(np.linalg.norm(goal[:2]))
        if reach > self.config.workspace:
            raise UnreachableGoalError(
                f"goal ({goal[0]:.2f}, {goal[1]:.2f}) m is {reach:.2f} m from the map origin, "
                f"outside the workspace of {self.config.workspace:.2f} m of task {self.name}; "
                "choose a nearer goal or raise the parameter 'workspace'"
            )
        return np.array([goal[0], goal[1], float(wrap_angle(goal[2]))])


def same_scene(old: Task, new: Task) -> Task:
    """Return a task that differs from another only in parameters that may change live.

    Raises:
        ConfigError: the tasks differ in more than the cost weights.
    """
    before, after = config.flatten(old.config), config.flatten(new.config)
    other = [n for n in after if after[n] != before.get(n) and not n.startswith("cost.")]
    if old.name != new.name:
        other = ["its name"]
    if other:
        raise ConfigError(
            f"task {old.name}: {other[0]} cannot change while the planner runs, only the weights "
            "below 'cost.' can; start it again with the new value"
        )
    return new


def pose_error(pose: Array, goal: Array) -> tuple[Array, Array]:
    """Return distance [m] and absolute yaw error [rad] of poses (..., 3) from a goal (3,)."""
    distance = np.hypot(pose[..., 0] - goal[0], pose[..., 1] - goal[1])
    return distance, np.abs(wrap_angle(pose[..., 2] - goal[2]))


def planar_pose(qpos: Array, start: int) -> Array:
    """Return x, y, yaw (..., 3) of the free body whose qpos begins at an index."""
    return np.concatenate(
        [qpos[..., start : start + 2], yaw_from_quat(qpos[..., start + 3 : start + 7])[..., None]],
        axis=-1,
    )


def standing_robot(x: float, y: float, yaw: float) -> Array:
    """Return the qpos (19,) of the robot standing at a planar pose."""
    return np.concatenate([[x, y, STAND_HEIGHT], quat_from_yaw(yaw), STAND])


def fallen(qpos: Array) -> Array:
    """Return for (N, T, nq) the fraction of the horizon (N,) with the base tilted over 60 deg."""
    # Third diagonal entry of the rotation matrix: cosine of the tilt.
    upright = 1.0 - 2.0 * (qpos[..., 4] ** 2 + qpos[..., 5] ** 2)
    return (upright < 0.5).mean(axis=1)


def in_heading_frame(base: Array, pose: Array) -> Array:
    """Return x, y, cos, sin (..., 4) of planar poses (..., 3) seen from base poses (..., 3)."""
    c, s = np.cos(base[..., 2]), np.sin(base[..., 2])
    dx, dy = pose[..., 0] - base[..., 0], pose[..., 1] - base[..., 1]
    yaw = pose[..., 2] - base[..., 2]
    return np.stack([c * dx + s * dy, c * dy - s * dx, np.cos(yaw), np.sin(yaw)], axis=-1)


def body_velocity(base: Array, qpos: Array, qvel: Array, q: int, v: int) -> Array:
    """Return vx, vy [m/s] and yaw rate [rad/s], (..., 3), of a free body seen from base poses.

    Args:
        base: planar base poses (..., 3).
        qpos: scenes (..., nq).
        qvel: (..., nv); linear parts in the map frame, angular ones in the body's own.
        q: first index of the body in qpos.
        v: first index of the body in qvel.
    """
    c, s = np.cos(base[..., 2]), np.sin(base[..., 2])
    vx, vy = qvel[..., v], qvel[..., v + 1]
    rate = rotate(qpos[..., q + 3 : q + 7], qvel[..., v + 3 : v + 6])[..., 2]
    return np.stack([c * vx + s * vy, c * vy - s * vx, rate], axis=-1)
