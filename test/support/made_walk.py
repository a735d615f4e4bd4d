"""Synthetic readings of a gliding robot, exactly consistent with the motion of its base.

Joint positions are constant; joint velocities match feet that stand still while the base moves. A
cheap replacement of a simulation for code that processes one reading at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import quat_from_yaw, rotate
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.kinematics import FOOT_RADIUS, foot_jacobians, foot_positions
from gpc_ros.robot.types import RobotReading

PERIOD = 0.004
HEIGHT = float(FOOT_RADIUS - foot_positions(STAND)[:, 2].mean())


@dataclass
class MadeWalk:
    """Readings, and the pose of the base at each: position (3,) [m], attitude (4,) wxyz.

    Args:
        still: initial time at rest [s].
        seconds: time of motion after that [s].
        speed: amplitude of the forward and leftward velocity [m/s].
        turn: amplitude of the yaw rate [rad/s].
    """

    still: float = 1.5
    seconds: float = 20.0
    speed: tuple[float, float] = (0.4, 0.25)
    turn: float = 0.9
    readings: list[RobotReading] = field(default_factory=list)
    poses: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Move."""
        jacobians, feet = foot_jacobians(STAND), foot_positions(STAND)
        effort = np.einsum("fji,fj->fi", jacobians, np.tile([0.0, 0.0, -38.0], (4, 1))).ravel()
        position, yaw, before = np.array([0.5, -0.2, HEIGHT]), 0.7, np.zeros(3)
        for k in range(round((self.still + self.seconds) / PERIOD)):
            t = max(k * PERIOD - self.still, 0.0)
            begun = min(t, 1.0)
            velocity = begun * np.array(
                [
                    self.speed[0] * (0.6 + 0.4 * math.sin(0.7 * t)),
                    self.speed[1] * math.sin(1.1 * t),
                    0.0,
                ]
            )
            rates = np.array([0.0, 0.0, begun * self.turn * math.sin(0.45 * t)])
            position = position + PERIOD * rotate(quat_from_yaw(yaw), velocity)
            yaw += PERIOD * float(rates[2])
            gained = (velocity - before) / PERIOD + np.cross(rates, velocity)
            before = velocity
            moving = (-velocity - np.cross(rates, feet))[..., None]
            joints: Array = np.asarray(np.linalg.solve(jacobians, moving).ravel(), np.float64)
            attitude = quat_from_yaw(yaw)
            self.readings.append(
                RobotReading(
                    k * PERIOD,
                    STAND.copy(),
                    joints,
                    effort,
                    attitude,
                    rates,
                    gained + np.array([0.0, 0.0, 9.81]),
                )
            )
            self.poses.append((position, attitude))
