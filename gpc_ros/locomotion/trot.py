"""An analytic trot: diagonal leg pairs swing in turn, stance feet move against the commanded
velocity, inverse kinematics turns feet into joint targets, and an integral trim on measured
velocity removes what is left of underspeed and drift.

It needs no training and is the documented fallback of every learned walker. Measured facts
behind the gains: stiff joints (kp >= 80) and a velocity feed-forward of (kd + damping) / kp,
without which it walks backwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array
from gpc_ros.config import param
from gpc_ros.locomotion.walker import JointTargets
from gpc_ros.robot.joints import HIP_OFFSETS, LEG_SIDES, STAND
from gpc_ros.robot.kinematics import HIP_LENGTH, LINK_LENGTH, foot_positions
from gpc_ros.robot.model import PLANT_DAMPING, Gains

# Columns of the explicit state.
_TICK = 0  # ticks into the gait cycle
_ACTIVITY = 1  # 0 standing, 1 trotting
_TRIM = slice(2, 5)  # integral velocity correction, vx [m/s], vy [m/s], wz [rad/s]
_COMMAND = slice(5, 8)  # acceleration-limited command, same units
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
    duty: float = param(0.6, "Share of a cycle that a foot is on the ground", low=0.5, high=0.9)
    lift: float = param(0.08, "Height of a swing foot over the ground", unit="m", low=0, high=0.2)
    kp: float = param(80.0, "Joint stiffness", unit="N m/rad", low=80, high=200)
    kd: float = param(2.0, "Joint damping of the motor's control law", unit="N m s/rad", low=0, high=10)
    trim_gain: float = param(1.0, "Integral gain of the velocity trim", unit="1/s", low=0, high=5)
    trim_linear: float = param(0.3, "Largest trim of vx and vy", unit="m/s", low=0, high=1)
    trim_yaw: float = param(0.8, "Largest trim of the yaw rate", unit="rad/s", low=0, high=2)
    acceleration: float = param(2.0, "Slew of vx and vy", unit="m/s^2", low=0.1, high=50)
    yaw_acceleration: float = param(4.0, "Slew of the yaw rate", unit="rad/s^2", low=0.1, high=50)
    dead_band: float = param(0.03, "Commands shorter than this (m/s, rad/s) mean standing", low=0, high=0.2)


class Trot:
    """The analytic trot behind the walker interface (see :class:`Walker`)."""

    name = "trot"
    rate = 50.0
    state_size = _SIZE

    def __init__(self, config: TrotConfig | None = None) -> None:
        c = config or TrotConfig()
        self.config = c
        self.gains = Gains(np.full(12, c.kp), np.full(12, c.kd))
        self.command_low = np.array([-0.6, -0.4, -1.2])
        self.command_high = np.array([0.8, 0.4, 1.2])
        self._dt = 1.0 / self.rate
        self._slew = np.array([c.acceleration] * 2 + [c.yaw_acceleration]) * self._dt
        self._trim_step = c.trim_gain * self._dt
        self._dead_band_squared = c.dead_band**2
        self._trim_limit = np.array([c.trim_linear, c.trim_linear, c.trim_yaw])
        # Joint friction acts like more kd, so the feed-forward has to cover it too; the joint
        # law multiplies the velocity target by kd alone.
        self._feed_forward = (c.kd + PLANT_DAMPING) / c.kd / self._dt
        feet = foot_positions(STAND)
        self._y = feet[:, 1] - HIP_OFFSETS[:, 1]
        self._z = feet[:, 2]
        self._foot_x, self._foot_y = feet[:, 0], feet[:, 1]
        self._x = feet[:, 0] - HIP_OFFSETS[:, 0]
        self._side = LEG_SIDES * HIP_LENGTH
        self._stride, self._rise = self._gait_tables()

    def _gait_tables(self) -> tuple[Array, Array]:
        """Return stride [s] and foot height [m] over (tick, leg), both (cycle_ticks, 4).

        Stride times a foot's velocity is its offset from its neutral place: +T/2 at touch-down,
        -T/2 at lift-off for a stance of T seconds, and a half cosine back while swinging.
        """
        c = self.config
        phase = (np.arange(c.cycle_ticks)[:, None] / c.cycle_ticks + _OFFSETS) % 1.0
        stance = phase < c.duty
        swing = np.clip((phase - c.duty) / (1.0 - c.duty), 0.0, 1.0)
        stroke = np.where(stance, 0.5 - phase / c.duty, -0.5 * np.cos(np.pi * swing))
        duration = c.duty * c.cycle_ticks * self._dt
        return stroke * duration, np.sin(np.pi * swing) ** 2 * c.lift

    def initial_state(self, n: int) -> Array:
        """Return the state (n, 20) of standing still."""
        state = np.zeros((n, _SIZE))
        state[:, _LAST] = STAND
        return state

    def step(self, qpos: Array, qvel: Array, command: Array, state: Array) -> JointTargets:
        """Advance by 20 ms; see :meth:`Walker.step`."""
        # Written with bare minimum and maximum: np.clip costs several times as much on arrays of
        # this size, and this runs a hundred times in every rollout.
        smooth = state[:, _COMMAND]
        change = command - smooth
        np.minimum(change, self._slew, out=change)
        np.maximum(change, -self._slew, out=change)
        smooth += change
        activity = state[:, _ACTIVITY]
        moving = (smooth * smooth) @ _ONES > self._dead_band_squared
        activity += np.where(moving, _RAMP, -_RAMP)
        np.minimum(activity, 1.0, out=activity)
        np.maximum(activity, 0.0, out=activity)
        gate = activity[:, None]
        trim = state[:, _TRIM]
        trim += (smooth - _heading_velocity(qpos, qvel)) * (gate * self._trim_step)
        np.minimum(trim, self._trim_limit, out=trim)
        np.maximum(trim, -self._trim_limit, out=trim)
        tick = (state[:, _TICK] + (activity > 0.0)) % self.config.cycle_ticks
        state[:, _TICK] = tick
        position = self._joints(tick.astype(np.intp), gate, (smooth + trim) * gate)
        velocity = (position - state[:, _LAST]) * self._feed_forward
        state[:, _LAST] = position
        return JointTargets(position, velocity)

    def _joints(self, tick: Array, gate: Array, velocity: Array) -> Array:
        """Return joint targets (N, 12) [rad] for feet at this tick of the gait.

        Closed-form inverse kinematics of a leg with equal thigh and calf, here rather than in
        robot.kinematics because it runs inside every rollout and shares its intermediates.
        """
        stride = self._stride[tick]
        yaw = velocity[:, 2:3]
        x = self._x + (velocity[:, 0:1] - yaw * self._foot_y) * stride
        y = self._y + (velocity[:, 1:2] + yaw * self._foot_x) * stride
        z = self._z + self._rise[tick] * gate
        side = self._side
        square = y * y + z * z - HIP_LENGTH**2
        depth = np.sqrt(np.maximum(square, 1e-6))
        out = np.empty((len(x), 4, 3))
        out[:, :, 0] = np.arctan2(z * side + y * depth, y * side - z * depth)
        # Equal links make the knee angle twice the angle between thigh and the hip-foot line.
        reach = np.sqrt(np.minimum(x * x + square, (1.999 * LINK_LENGTH) ** 2))
        half = np.arccos(reach * (0.5 / LINK_LENGTH))
        out[:, :, 1] = half - np.arctan2(x, depth)
        out[:, :, 2] = -2.0 * half
        return out.reshape(-1, 12)


def _heading_velocity(qpos: Array, qvel: Array) -> Array:
    """Return vx, vy [m/s] in the heading frame and the yaw rate [rad/s], (N, 3)."""
    w, x, y, z = qpos[:, 3], qpos[:, 4], qpos[:, 5], qpos[:, 6]
    c = 0.5 - y * y - z * z
    s = w * z + x * y
    norm = np.sqrt(c * c + s * s)
    vx, vy = qvel[:, 0], qvel[:, 1]
    out = np.empty((len(c), 3))
    out[:, 0] = (c * vx + s * vy) / norm
    out[:, 1] = (c * vy - s * vx) / norm
    out[:, 2] = qvel[:, 5]
    return out
