"""A walker that is a small network: what the robot senses and a command in, joint targets out.

The network sees what the robot itself measures (gyro, direction of gravity, joints), the command,
its own last action and the clock of its gait; nothing of the base's position or velocity. Around
it, as around the analytic trot, an integral trim on the measured velocity removes what is left of
underspeed and drift. Clock, trim, slewed command and last action are the walker's explicit state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array, IntArray
from gpc_ros.errors import ModelFileError
from gpc_ros.locomotion.walker import JointTargets, heading_velocity
from gpc_ros.robot.joints import JOINT_NAMES, LOWER, SOFT_MARGIN, STAND, UPPER
from gpc_ros.robot.model import Gains

# Rows of the raw features: what they are, and where.
GYRO, GRAVITY, COMMAND = slice(0, 3), slice(3, 6), slice(6, 9)
POSITION, VELOCITY, ACTION, CLOCK = slice(9, 21), slice(21, 33), slice(33, 45), slice(45, 47)
RAW = 47
SOURCES: dict[str, slice] = {
    "angular velocity": GYRO,
    "gravity": GRAVITY,
    "command": COMMAND,
    "joint position": POSITION,
    "joint velocity": VELOCITY,
    "last action": ACTION,
    "clock": CLOCK,
}
_OF_JOINTS = ("joint position", "joint velocity", "last action")

# Columns of the explicit state.
_TICK = 0  # ticks of the gait's clock
_GATE = 1  # 1 while the clock runs, 0 standing
_TRIM = slice(2, 5)  # integral velocity correction, vx [m/s], vy [m/s], wz [rad/s]
_SLEWED = slice(5, 8)  # acceleration-limited command, same units
_LAST = slice(8, 20)  # last action of the network
_SIZE = 20
_LOWEST, _HIGHEST = (LOWER + SOFT_MARGIN)[:, None], (UPPER - SOFT_MARGIN)[:, None]

# Network: raw features (RAW, N) to actions (12, N), both in model order.
Network = Callable[[Array], Array]


@dataclass(frozen=True)
class Description:
    """How a network is connected to the robot: what it sees, in which order, and what it says.

    Attributes:
        name: of the walker.
        features: what the network sees, in its order: names of ``SOURCES`` with their scales.
        joints: names (12,) in the network's order.
        default: joint pose (12,) [rad] that positions and actions are relative to, that order.
        action_scale: (12,) [rad] an action of one, that order.
        kp: stiffness of every joint [N m/rad].
        kd: damping of every joint [N m s/rad].
        cycle: walker periods in one gait cycle; 0 where the network has no clock.
        command_low: smallest command (3,).
        command_high: largest command (3,).
        slew: change of the command (3,) [m/s^2, m/s^2, rad/s^2].
        trim_gain: of the velocity trim (3,) [1/s].
        trim_limit: largest trim (3,) [m/s, m/s, rad/s].
        dead_band: commands shorter than this (m/s, rad/s) mean standing.
        rate: steps a second [Hz].
    """

    name: str
    features: tuple[tuple[str, float], ...]
    joints: tuple[str, ...] = JOINT_NAMES
    default: tuple[float, ...] = tuple(float(angle) for angle in STAND)
    action_scale: tuple[float, ...] = (0.25,) * 12
    kp: float = 40.0
    kd: float = 1.0
    cycle: int = 0
    command_low: tuple[float, ...] = (-0.6, -0.5, -1.6)
    command_high: tuple[float, ...] = (0.9, 0.5, 1.6)
    slew: tuple[float, ...] = (2.0, 2.0, 4.0)
    trim_gain: tuple[float, ...] = (1.0, 1.0, 1.0)
    trim_limit: tuple[float, ...] = (0.3, 0.3, 0.6)
    dead_band: float = 0.03
    rate: float = 50.0

    def __post_init__(self) -> None:
        """Raise ModelFileError for what cannot be."""
        if sorted(self.joints) != sorted(JOINT_NAMES):
            raise ModelFileError(f"walker {self.name}: joints must be {JOINT_NAMES} in some order")
        for name in ("default", "action_scale"):
            if len(getattr(self, name)) != 12:
                raise ModelFileError(f"walker {self.name}: {name} must have 12 numbers")
        for name in ("command_low", "command_high", "slew", "trim_gain", "trim_limit"):
            if len(getattr(self, name)) != 3:
                raise ModelFileError(f"walker {self.name}: {name} must have 3 numbers")
        for source, _ in self.features:
            if source not in SOURCES:
                raise ModelFileError(
                    f"walker {self.name}: feature '{source}' is not one of {', '.join(SOURCES)}"
                )

    @property
    def order(self) -> IntArray:
        """Index (12,) in the network's order of each joint in model order."""
        return np.array([self.joints.index(name) for name in JOINT_NAMES])

    @property
    def width(self) -> int:
        """Number of features that the network sees."""
        return len(self.feature_map()[0])

    def feature_map(self) -> tuple[IntArray, Array]:
        """Return the raw row and the scale of each feature (F,)."""
        rows: list[int] = []
        scales: list[float] = []
        to_theirs = np.argsort(self.order)
        for source, scale in self.features:
            part = np.arange(RAW)[SOURCES[source]]
            rows += (part[to_theirs] if source in _OF_JOINTS else part).tolist()
            scales += [scale] * len(part)
        return np.array(rows), np.array(scales)


class PolicyWalker:
    """A network behind the walker interface (see :class:`Walker`).

    Args:
        description: how the network is connected.
        network: raw features (RAW, N) to actions (12, N), both in model order.
    """

    state_size = _SIZE

    def __init__(self, description: Description, network: Network) -> None:
        """Precompute everything that does not depend on the state."""
        d = self.description = description
        self.network = network
        self.name, self.rate = d.name, d.rate
        self.gains = Gains.uniform(d.kp, d.kd)
        self.command_low, self.command_high = np.array(d.command_low), np.array(d.command_high)
        order = d.order
        self._default = np.array(d.default)[order][:, None]
        self._scale = np.array(d.action_scale)[order][:, None]
        self._speed_up = np.array(d.slew)[:, None] / d.rate
        self._slow_down = -self._speed_up
        self._trim_step = np.array(d.trim_gain)[:, None] / d.rate
        self._trim_high = np.array(d.trim_limit)[:, None]
        self._trim_low = -self._trim_high
        self._low, self._high = self.command_low[:, None], self.command_high[:, None]
        self._dead_band_squared = d.dead_band**2
        ticks = np.arange(max(d.cycle, 1)) / max(d.cycle, 1)
        self._clock = np.stack([np.sin(2.0 * np.pi * ticks), np.cos(2.0 * np.pi * ticks)])
        # The clock stops where both pairs of legs are on the ground: twice in a cycle.
        self._half = max(d.cycle // 2, 1)

    def initial_state(self, n: int) -> Array:
        """Return the state (n, 20) of standing still."""
        return np.zeros((n, _SIZE))

    def step(self, qpos: Array, qvel: Array, command: Array, state: Array) -> JointTargets:
        """Advance by one period; see :meth:`Walker.step`."""
        memory = state.T.copy()
        raw = self.observe(qpos, qvel, command, memory)
        action = self.network(raw)
        targets = self.act(action, memory)
        state[:] = memory.T
        return targets

    def observe(self, qpos: Array, qvel: Array, command: Array, memory: Array) -> Array:
        """Advance clock, trim and command in ``memory`` (S, N) and return raw features (RAW, N)."""
        self.advance(heading_velocity(qpos, qvel), command.T, memory)
        raw = np.empty((RAW, len(qpos)))
        raw[GYRO] = qvel[:, 3:6].T
        w, x, y, z = qpos[:, 3:7].T.copy()
        raw[3] = 2.0 * (w * y - x * z)
        raw[4] = -2.0 * (w * x + y * z)
        raw[5] = 2.0 * (x * x + y * y) - 1.0
        np.add(memory[_SLEWED], memory[_TRIM], out=raw[COMMAND])
        np.subtract(qpos[:, 7:19].T, self._default, out=raw[POSITION])
        raw[VELOCITY] = qvel[:, 6:18].T
        raw[ACTION] = memory[_LAST]
        if self.description.cycle:
            # Not take's own wrap: it counts down, and the longer a robot walks, the longer that is.
            tick = (memory[_TICK] % self.description.cycle).astype(np.intp)
            np.multiply(self._clock.take(tick, axis=1), memory[_GATE], out=raw[CLOCK])
        return raw

    def advance(self, measured: Array, command: Array, memory: Array) -> None:
        """Advance clock, trim and slewed command by one period, in place.

        Args:
            measured: vx, vy [m/s] in the heading frame and yaw rate [rad/s], (3, N).
            command: the same, wanted (3, N).
            memory: (S, N).
        """
        slewed, trim, gate = memory[_SLEWED], memory[_TRIM], memory[_GATE]
        miss = slewed - measured
        miss *= self._trim_step
        miss *= gate
        trim += miss
        np.minimum(trim, self._trim_high, out=trim)
        np.maximum(trim, self._trim_low, out=trim)
        change = np.maximum(command, self._low)
        np.minimum(change, self._high, out=change)
        change -= slewed
        np.minimum(change, self._speed_up, out=change)
        np.maximum(change, self._slow_down, out=change)
        slewed += change
        moving = np.add.reduce(slewed * slewed) > self._dead_band_squared
        tick = memory[_TICK]
        tick += gate
        resting = tick % self._half == 0.0
        # A clock that runs goes on until it rests: gate 1 and resting False.
        np.logical_or(moving, gate > resting, out=gate, casting="unsafe")
        trim *= gate

    def act(self, action: Array, memory: Array) -> JointTargets:
        """Remember an action (12, N), model order, and return its targets."""
        memory[_LAST] = action
        position = self._default + self._scale * action
        # The bridge sends nothing beyond; rollouts and training are to know that.
        np.maximum(position, _LOWEST, out=position)
        np.minimum(position, _HIGHEST, out=position)
        return JointTargets(position.T.copy(), np.zeros((action.shape[1], 12)))


def gate_of(memory: Array) -> Array:
    """Return which walkers' clocks run (N,): 1 walking, 0 standing."""
    gate: Array = memory[_GATE]
    return gate


def phase_of(memory: Array, cycle: int) -> Array:
    """Return where in the gait cycle walkers are (N,) [0..1)."""
    phase: Array = (memory[_TICK] % cycle) / cycle
    return phase


def slewed_of(memory: Array) -> Array:
    """Return the command in force (3, N)."""
    slewed: Array = memory[_SLEWED]
    return slewed


def action_of(memory: Array) -> Array:
    """Return the last action (12, N)."""
    action: Array = memory[_LAST]
    return action
