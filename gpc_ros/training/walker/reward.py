"""Reward terms of walking: tracking, posture, effort, smoothness and gait clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import rotate
from gpc_ros.locomotion.walker import heading_velocity
from gpc_ros.robot.joints import STAND, TORQUE_LIMIT
from gpc_ros.robot.kinematics import FOOT_RADIUS, foot_positions
from gpc_ros.robot.model import STAND_HEIGHT
from gpc_ros.training.walker.walker_config import GaitConfig, RewardConfig

# FL and RR swing together, FR and RL half a cycle later, as in the analytic trot.
_OFFSETS = np.array([0.0, 0.5, 0.5, 0.0])


@dataclass(frozen=True)
class Moment:
    """State of n robots over one control period.

    Attributes:
        qpos: positions after the period (n, 19).
        qvel: velocities after the period (n, 18).
        old_qvel: velocities before the period (n, 18).
        old_feet: feet before the period (n, 4, 3) [m], map frame.
        command: active velocity command (3, n).
        actions: the present action and the two previous ones (3, 12, n).
        targets: joint targets (n, 12) [rad].
        phase: gait phase (n,) [0..1).
        gate: 1 walking, 0 standing (n,).
        strength: motor strength (n,).
    """

    qpos: Array
    qvel: Array
    old_qvel: Array
    old_feet: Array
    command: Array
    actions: Array
    targets: Array
    phase: Array
    gate: Array
    strength: Array


def feet_of(qpos: Array) -> Array:
    """Return the centres of the feet (n, 4, 3) [m] in the map frame."""
    feet = rotate(qpos[:, None, 3:7], foot_positions(qpos[:, 7:19]))
    feet += qpos[:, None, :3]
    return feet


def swing_heights(phase: Array, gate: Array, gait: GaitConfig) -> tuple[Array, Array]:
    """Return the desired height of each foot [m] and whether it is in stance, (n, 4) each."""
    own = (phase[:, None] + _OFFSETS) % 1.0
    swing = np.clip((own - gait.duty) / (1.0 - gait.duty), 0.0, 1.0)
    height = gait.lift * np.sin(np.pi * swing) ** 2 * gate[:, None]
    stands = np.where((own < gait.duty) | (gate[:, None] == 0.0), 1.0, 0.0)
    return height, stands


def rewards(m: Moment, weights: RewardConfig, gait: GaitConfig, period: float) -> dict[str, Array]:
    """Return each reward term of a period (n,); costs are negative."""
    w = weights
    velocity = heading_velocity(m.qpos, m.qvel)
    miss = m.command - velocity
    x, y, z = m.qpos[:, 4], m.qpos[:, 5], m.qpos[:, 6]
    real = m.qpos[:, 3]
    tilt = 4.0 * ((real * y - x * z) ** 2 + (real * x + y * z) ** 2)  # squared x and y of gravity
    joints, speeds = m.qpos[:, 7:19], m.qvel[:, 6:18]
    torque = gait.kp * (m.targets - joints) - gait.kd * speeds
    torque = np.clip(torque * m.strength[:, None], -TORQUE_LIMIT, TORQUE_LIMIT)
    feet = feet_of(m.qpos)
    moved = (feet - m.old_feet)[..., :2] / period
    height, stands = swing_heights(m.phase, m.gate, gait)
    lifted = (feet[..., 2] - FOOT_RADIUS - height) / gait.lift
    now, last, older = m.actions
    missed = miss[0] ** 2 + miss[1] ** 2
    near, far = np.exp(-missed / w.speed_scale**2), np.exp(-missed / w.far_scale**2)
    # After a hard push the robot may leave the gait clock and the trot.
    calm = np.exp(-missed / w.recovery**2)
    parts = {
        "speed": w.speed * ((1.0 - w.far) * near + w.far * far),
        "turning": w.turning * np.exp(-(miss[2] ** 2) / w.turning_scale**2),
        "alive": np.full(len(x), w.alive),
        "bounce": -w.bounce * m.qvel[:, 2] ** 2,
        "rocking": -w.rocking * (m.qvel[:, 3] ** 2 + m.qvel[:, 4] ** 2),
        "tilt": -w.tilt * tilt,
        "height": -w.height * (m.qpos[:, 2] - STAND_HEIGHT) ** 2,
        "torque": -w.torque * (torque**2).sum(axis=1),
        "power": -w.power * np.abs(torque * speeds).sum(axis=1),
        "acceleration": -w.acceleration
        * (((speeds - m.old_qvel[:, 6:18]) / period) ** 2).sum(axis=1),
        "change": -w.change * ((now - last) ** 2).sum(axis=0),
        "jerk": -w.jerk * ((now - 2.0 * last + older) ** 2).sum(axis=0),
        "lift": -w.lift * calm * np.minimum(lifted**2, 4.0).mean(axis=1),
        "slip": -w.slip * calm * (stands * np.minimum((moved**2).sum(axis=2), 4.0)).mean(axis=1),
        "hips": -w.hips * calm * (joints[:, 0::3] ** 2).sum(axis=1),
        "stance": -w.stance * (1.0 - m.gate) * ((joints - STAND) ** 2).sum(axis=1),
    }
    return {name: value * period for name, value in parts.items()}
