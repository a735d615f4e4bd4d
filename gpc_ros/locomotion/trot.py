"""An analytic trot: stance feet move against the command; inverse kinematics gives targets.

Diagonal leg pairs swing in turn. An integral trim on the measured velocity removes the remaining
underspeed and drift.

It needs no training and is the documented fallback of every learned walker. Measured facts
behind the gains: stiff joints (kp >= 80) and a velocity feed-forward of (kd + damping) / kp,
without which it walks backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.locomotion.walker import JointTargets, heading_velocity
from gpc_ros.robot import ceilings
from gpc_ros.robot.joints import HIP_OFFSETS, LEG_SIDES, STAND
from gpc_ros.robot.kinematics import HIP_LENGTH, LINK_LENGTH, foot_positions
from gpc_ros.robot.model import PLANT_DAMPING, Gains

# Columns of the explicit state.
_TICK = 0  # ticks since the trot started; the gait table wraps around
_ACTIVITY = 1  # 0 standing, 1 trotting
_TRIM = slice(2, 5)  # integral velocity correction, vx [m/s], vy [m/s], wz [rad/s]
_COMMAND = slice(5, 8)  # acceleration-limited command, same units
_DYNAMIC = slice(1, 8)  # rate-limited and bounded quantities
_LAST = slice(8, 20)  # joint targets of the last tick [rad]
_SIZE = 20

# FL and RR swing together, FR and RL half a cycle later.
_OFFSETS = np.array([0.0, 0.5, 0.5, 0.0])

_RAMP = 0.1  # change of activity in one period: standing turns into trotting in 0.2 s
_ONES = np.ones(3)


@dataclass(frozen=True)
class TrotConfig:
    """Shape of the gait and its feedback."""

    cycle_ticks: int = param(16, "Walker periods in one gait cycle", low=8, high=40)
    duty: float = param(0.6, "Fraction of a cycle that a foot is on the ground", low=0.5, high=0.9)
    lift: float = param(0.05, "Height of a swing foot over the ground", unit="m", low=0, high=0.2)
    kp: float = param(
        80.0, "Joint stiffness", unit="N m/rad", low=80, high=float(ceilings.KP.min())
    )
    kd: float = param(
        2.0, "Joint damping of the motor's control law",
        unit="N m s/rad", low=0, high=float(ceilings.KD.min()),
    )  # fmt: skip
    trim_gain: float = param(1.0, "Integral gain of the velocity trim", unit="1/s", low=0, high=5)
    trim_linear: float = param(0.3, "Largest trim of vx and vy", unit="m/s", low=0, high=1)
    trim_yaw: float = param(0.8, "Largest trim of the yaw rate", unit="rad/s", low=0, high=2)
    acceleration: float = param(
        2.0, "Slew of vx and vy",
        unit="m/s^2", low=0.1, high=float(ceilings.COMMAND_SLEW[0]),
    )  # fmt: skip
    yaw_acceleration: float = param(
        4.0, "Slew of the yaw rate",
        unit="rad/s^2", low=0.1, high=float(ceilings.COMMAND_SLEW[2]),
    )  # fmt: skip
    dead_band: float = param(
        0.03, "Commands shorter than this (m/s, rad/s) mean standing", low=0, high=0.2
    )


class Trot:
    """The analytic trot behind the walker interface (see :class:`Walker`)."""

    name = "trot"
    rate = 50.0
    state_size = _SIZE

    def __init__(self, config: TrotConfig | None = None) -> None:
        """Precompute everything that does not depend on the state."""
        c = config or TrotConfig()
        self.config = c
        self.gains = Gains(np.full(12, c.kp), np.full(12, c.kd))
        self.command_low = np.array([-0.6, -0.5, -1.6])
        self.command_high = np.array([0.8, 0.5, 1.6])
        self._dt = 1.0 / self.rate
        slew = [c.acceleration, c.acceleration, c.yaw_acceleration]
        trim = [c.trim_linear, c.trim_linear, c.trim_yaw]
        # Of activity, trim and command: largest change in one tick, and bounds (7, 1).
        self._rate_limit = _column(_RAMP, [np.inf] * 3, np.array(slew) * self._dt)
        self._low = _column(0.0, -np.array(trim), self.command_low)
        self._high = _column(1.0, trim, self.command_high)
        self._per_largest = 1.0 / self.command_high[:, None]
        self._trim_step = c.trim_gain * self._dt
        self._dead_band_squared = c.dead_band**2
        # Joint friction acts like additional kd, so the feed-forward must compensate it too; the
        # joint law multiplies the velocity target by kd alone.
        self._feed_forward = (c.kd + PLANT_DAMPING) / c.kd / self._dt
        feet = foot_positions(STAND)
        local = feet - HIP_OFFSETS
        self._neutral = np.concatenate([local[:, 0], local[:, 1]])[:, None]
        self._height = local[:, 2:3]
        self._side = (LEG_SIDES * HIP_LENGTH)[:, None]
        # Velocity (vx, vy, yaw rate) of the base to x and y velocities of the four feet (8, 3).
        one, zero = np.ones(4), np.zeros(4)
        self._foot_velocity = np.vstack(
            [np.column_stack([one, zero, -feet[:, 1]]), np.column_stack([zero, one, feet[:, 0]])]
        )
        self._gait = self._gait_table()

    def _gait_table(self) -> Array:
        """Return stride [s] of each foot twice (for x and y) and height [m] by tick, (12, ticks).

        Stride times a foot's velocity is its offset from its neutral place: +T/2 at touch-down,
        -T/2 at lift-off for a stance of T seconds, and a half cosine back while swinging.
        """
        c = self.config
        phase = (np.arange(c.cycle_ticks) / c.cycle_ticks + _OFFSETS[:, None]) % 1.0
        stance = phase < c.duty
        swing = np.clip((phase - c.duty) / (1.0 - c.duty), 0.0, 1.0)
        stroke = np.where(stance, 0.5 - phase / c.duty, -0.5 * np.cos(np.pi * swing))
        stride = stroke * c.duty * c.cycle_ticks * self._dt
        return np.vstack([stride, stride, np.sin(np.pi * swing) ** 2 * c.lift])

    def initial_state(self, n: int) -> Array:
        """Return the state (n, 20) of standing still."""
        state = np.zeros((n, _SIZE))
        state[:, _LAST] = STAND
        return state

    def step(self, qpos: Array, qvel: Array, command: Array, state: Array) -> JointTargets:
        """Advance by 20 ms; see :meth:`Walker.step`."""
        # Rows are quantities and columns candidates, so that every operation runs over contiguous
        # memory. Together with minimum and maximum instead of np.clip this halves the time of a
        # step, which runs a hundred times in every rollout.
        memory = state.T.copy()
        gate, trim, smooth = memory[_ACTIVITY], memory[_TRIM], memory[_COMMAND]
        change = np.empty((7, len(gate)))
        moving = _ONES @ (smooth * smooth) > self._dead_band_squared
        np.subtract(moving, 0.5, out=change[0])
        np.subtract(smooth, heading_velocity(qpos, qvel), out=change[1:4])
        change[1:4] *= gate * self._trim_step
        np.subtract(self.within_reach(command.T), smooth, out=change[4:7])
        np.minimum(change, self._rate_limit, out=change)
        np.maximum(change, -self._rate_limit, out=change)
        dynamic = memory[_DYNAMIC]
        dynamic += change
        np.minimum(dynamic, self._high, out=dynamic)
        np.maximum(dynamic, self._low, out=dynamic)
        memory[_TICK] += gate > 0.0
        position = self.joints(memory[_TICK], gate, (smooth + trim) * gate)
        velocity = (position - memory[_LAST]) * self._feed_forward
        memory[_LAST] = position
        state[:] = memory.T
        return JointTargets(position.T.copy(), velocity.T.copy())

    def within_reach(self, command: Array) -> Array:
        """Shorten commands (3, N) into the ellipsoid of the largest ones.

        Each direction alone may have full speed. In combination the feet could not reach far
        enough, and the robot would stumble.
        """
        share = command * self._per_largest
        length = np.sqrt(_ONES @ (share * share))
        return command / np.maximum(length, 1.0)

    def joints(self, tick: Array, gate: Array, velocity: Array) -> Array:
        """Return joint targets (12, N) [rad] for feet at this tick (N,) of the gait.

        Closed-form inverse kinematics of a leg with equal thigh and calf as in robot.kinematics,
        but on rows, sharing intermediates; a test holds the two equal.
        """
        gait = self._gait.take(tick.astype(np.intp), axis=1, mode="wrap")
        feet = self._foot_velocity @ velocity
        feet *= gait[:8]
        feet += self._neutral
        x, y = feet[:4], feet[4:]
        z = gait[8:] * gate
        z += self._height
        square = y * y
        square += z * z
        square -= HIP_LENGTH**2
        depth = np.sqrt(np.maximum(square, 1e-6))
        out = np.empty((12, len(gate)))
        side = self._side
        out[0::3] = np.arctan2(z * side + y * depth, y * side - z * depth)
        square += x * x
        reach = np.sqrt(square)
        reach *= 0.5 / LINK_LENGTH
        # Equal links make the knee angle twice the angle between thigh and the hip-foot line.
        half = np.arccos(np.minimum(reach, 0.9995, out=reach))
        out[1::3] = half - np.arctan2(x, depth)
        half *= -2.0
        out[2::3] = half
        return out


def _column(*parts: Any) -> Array:
    """Stack numbers and sequences into a column (n, 1)."""
    return np.hstack(parts)[:, None]
