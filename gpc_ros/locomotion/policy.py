"""A walker that is a small network: sensor readings and a command in, joint targets out.

The network receives the robot's own measurements (gyro, direction of gravity, joints), the command,
its last action and its gait clock, but neither position nor velocity of the base. As with the
analytic trot, an integral trim on the measured velocity removes the remaining underspeed and drift.
Clock, trim, slewed command and last action are the walker's explicit state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array, IntArray
from gpc_ros.common.errors import ModelFileError
from gpc_ros.locomotion.policy_ranges import check_ranges
from gpc_ros.locomotion.walker import JointTargets, attitude_forms, to_heading
from gpc_ros.robot.joints import JOINT_NAMES, LOWER, SOFT_MARGIN, STAND, UPPER
from gpc_ros.robot.model import Gains

# Rows of the raw features, by name.
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
_TICK = 0  # ticks of the gait clock
_GATE = 1  # 1 while the clock runs, 0 while standing
_TRIM = slice(2, 5)  # integral velocity correction, vx [m/s], vy [m/s], wz [rad/s]
_SLEWED = slice(5, 8)  # acceleration-limited command, same units
_BOTH = slice(2, 8)  # trim and slewed command
_LAST = slice(8, 20)  # last action of the network
_SIZE = 20
_LOWEST, _HIGHEST = LOWER + SOFT_MARGIN, UPPER - SOFT_MARGIN

# Rows of the clock table: the tick, whether the clock may stop there, sine and cosine.
_WRAPPED, _RESTING, _HAND = 0, 1, slice(2, 4)

# Network: raw features (RAW, N) to actions (12, N), both in model order.
Network = Callable[[Array], Array]


@dataclass(frozen=True)
class Description:
    """Connection of a network to the robot: its features and actions, their order and scales.

    Attributes:
        name: name of the walker.
        features: input features in the network's order: names of ``SOURCES`` with their scales.
        joints: names (12,) in the network's order.
        default: joint pose (12,) [rad] that positions and actions are relative to, that order.
        action_scale: (12,) [rad] joint offset for an action of one, in the same order.
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
        """Check every entry.

        Raises:
            ModelFileError: an entry has a wrong length, is not a finite number, or is beyond the
                absolute ceilings of the robot.
        """
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
        check_ranges(self)

    @property
    def order(self) -> IntArray:
        """Index (12,) in the network's order of each joint in model order."""
        return np.array([self.joints.index(name) for name in JOINT_NAMES])

    @property
    def width(self) -> int:
        """Number of input features."""
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


class _Columns:
    """Offsets, factors and bounds of a step, a column for each robot of a batch.

    The columns are repeated, since broadcasting one takes twice as long at these sizes.
    """

    def __init__(
        self, trim_step: Array, longest: Array, highest: Array, lowest: Array, default: Array,
        scale: Array, n: int = 1,
    ) -> None:  # fmt: skip
        """Repeat everything n times."""
        self._one = (trim_step, longest, highest, lowest, default, scale)

        def many(column: Array) -> Array:
            return np.repeat(column[:, None], n, axis=1)

        self.trim_step = many(trim_step)
        # Trim and slewed command together: longest step, and bounds.
        self.longest, self.shortest = many(longest), many(-longest)
        self.highest, self.lowest = many(highest), many(lowest)
        self.default, self.scale = many(default), many(scale)
        self.lowest_joint, self.highest_joint = many(_LOWEST), many(_HIGHEST)

    def repeated(self, n: int) -> _Columns:
        """Return the same for n robots."""
        return _Columns(*self._one, n=n)


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
        slew, endless = np.array(d.slew) / d.rate, np.full(3, np.inf)
        limit = np.array(d.trim_limit)
        self._columns = _Columns(
            trim_step=np.array(d.trim_gain) / d.rate,
            longest=np.concatenate([endless, slew]),
            highest=np.concatenate([limit, self.command_high]),
            lowest=np.concatenate([-limit, self.command_low]),
            default=np.array(d.default)[order],
            scale=np.array(d.action_scale)[order],
        )
        self._repeated: dict[int, _Columns] = {}
        self._dead_band_squared = d.dead_band**2
        self._clock = _clock(d.cycle)

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
        forms = attitude_forms(qpos)
        clock = self._advance(to_heading(forms[:2], qvel), command.T, memory)
        raw = np.empty((RAW, len(qpos)))
        raw[GYRO] = qvel[:, 3:6].T
        raw[GRAVITY] = forms[2:]
        np.add(memory[_SLEWED], memory[_TRIM], out=raw[COMMAND])
        np.subtract(qpos[:, 7:19].T, self._for(len(qpos)).default, out=raw[POSITION])
        raw[VELOCITY] = qvel[:, 6:18].T
        raw[ACTION] = memory[_LAST]
        np.multiply(clock, memory[_GATE], out=raw[CLOCK])
        return raw

    def _advance(self, measured: Array, command: Array, memory: Array) -> Array:
        """Advance clock, trim and slewed command by one period, in place.

        Args:
            measured: vx, vy [m/s] in the heading frame and yaw rate [rad/s], (3, N).
            command: the same, wanted (3, N).
            memory: (S, N).

        Returns:
            Sine and cosine of the clock (2, N), were it to run.
        """
        both, slewed, gate, tick = memory[_BOTH], memory[_SLEWED], memory[_GATE], memory[_TICK]
        c = self._for(both.shape[1])
        change = np.empty_like(both)
        miss = change[:3]
        np.subtract(slewed, measured, out=miss)
        miss *= c.trim_step
        np.subtract(command, slewed, out=change[3:])
        np.minimum(change, c.longest, out=change)
        np.maximum(change, c.shortest, out=change)
        both += change
        np.minimum(both, c.highest, out=both)
        np.maximum(both, c.lowest, out=both)
        moving = np.add.reduce(slewed * slewed) > self._dead_band_squared
        tick += gate
        clock = self._clock.take(tick.astype(np.intp), axis=1, mode="clip")
        tick[:] = clock[_WRAPPED]
        # A running clock continues until it may rest: gate 1 and resting 0.
        np.logical_or(moving, gate > clock[_RESTING], out=gate, casting="unsafe")
        memory[_TRIM] *= gate
        return clock[_HAND]

    def _for(self, n: int) -> _Columns:
        """Return the columns for a batch."""
        found = self._repeated.get(n)
        if found is None:
            found = self._repeated[n] = self._columns.repeated(n)
        return found

    def act(self, action: Array, memory: Array) -> JointTargets:
        """Store an action (12, N), model order, and return its targets."""
        memory[_LAST] = action
        c = self._for(action.shape[1])
        position = c.scale * action
        position += c.default
        # The bridge clips targets to these limits, so rollouts and training clip them too.
        np.maximum(position, c.lowest_joint, out=position)
        np.minimum(position, c.highest_joint, out=position)
        return JointTargets(position.T, np.zeros((action.shape[1], 12)))


def _clock(cycle: int) -> Array:
    """Return the clock table (4, cycle + 1); the last column repeats the first.

    Without a clock (cycle 0) it always rests, with sine and cosine zero.
    """
    ticks = np.arange(max(cycle, 1) + 1) % max(cycle, 1)
    rows = np.empty((4, len(ticks)))
    rows[_WRAPPED] = ticks
    # The clock may stop where both pairs of legs are on the ground: twice per cycle.
    rows[_RESTING] = ticks % max(cycle // 2, 1) == 0
    angle = 2.0 * np.pi * ticks / max(cycle, 1)
    rows[_HAND] = (np.sin(angle), np.cos(angle)) if cycle else 0.0
    return rows


def gate_in_memory(memory: Array) -> Array:
    """Return which walkers' clocks run (N,): 1 walking, 0 standing."""
    gate: Array = memory[_GATE]
    return gate


def phase_in_memory(memory: Array, cycle: int) -> Array:
    """Return the gait phase of walkers (N,) [0..1)."""
    phase: Array = (memory[_TICK] % cycle) / cycle
    return phase


def slewed_in_memory(memory: Array) -> Array:
    """Return the slewed command (3, N)."""
    slewed: Array = memory[_SLEWED]
    return slewed
