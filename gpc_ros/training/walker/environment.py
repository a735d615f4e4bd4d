"""The training environment: robots with random commands, pushes and resets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.locomotion.policy import (
    GRAVITY,
    GYRO,
    POSITION,
    VELOCITY,
    Description,
    PolicyWalker,
    gate_in_memory,
    phase_in_memory,
    slewed_in_memory,
)
from gpc_ros.locomotion.walker import heading_velocity
from gpc_ros.robot.joints import JOINT_NAMES
from gpc_ros.training.walker.mirror import Flip
from gpc_ros.training.walker.reward import Moment, feet_of, rewards
from gpc_ros.training.walker.walker_config import WalkConfig
from gpc_ros.training.walker.world import World

PERIOD = 0.02  # [s]
# Half of the robots use the time step of the planner, half a finer one [s].
TIMESTEPS = (0.01, 0.005)
# Critic inputs: velocity (3), height, payload, friction, strength, resistance (2).
PRIVILEGED = 9
PRIVILEGED_MIRROR = Flip(
    np.arange(PRIVILEGED), np.array([1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0])
)
# An episode ends with a fall: base below this height [m] or tilted beyond this cosine.
_LOW, _TILTED = 0.14, 0.5
_COMMAND_TIME = (2.0, 6.0)  # time between two commands [s]
_STANDS = 0.15  # fraction of standing commands
# Scales of the network inputs.
_FEATURES = (
    ("angular velocity", 0.25),
    ("gravity", 1.0),
    ("command", 1.0),
    ("joint position", 1.0),
    ("joint velocity", 0.05),
    ("last action", 0.5),
    ("clock", 1.0),
)
# Gains of the velocity trim; without trim the walker misses 0.8 m/s sideways by a quarter.
_TRIM_GAIN, _TRIM_LIMIT = (4.0, 4.0, 8.0), (0.5, 0.5, 0.8)


def description(config: WalkConfig, name: str = "trained") -> Description:
    """Return the description of the network inputs and outputs for a configuration."""
    gait = config.gait
    return Description(
        name=name,
        features=_FEATURES,
        joints=JOINT_NAMES,
        action_scale=(gait.scale,) * 12,
        kp=gait.kp,
        kd=gait.kd,
        cycle=gait.cycle,
        trim_gain=_TRIM_GAIN,
        trim_limit=_TRIM_LIMIT,
    )


@dataclass
class Step:
    """Result of one step of all robots.

    Attributes:
        raw: next network inputs (RAW, n).
        privileged: additional inputs of the critic (PRIVILEGED, n).
        reward: reward (n,).
        fallen: whether the episode ended in a fall (n,).
        ended: whether the episode reached its maximum length (n,).
        parts: mean of each reward term.
    """

    raw: Array
    privileged: Array
    reward: Array
    fallen: BoolArray
    ended: BoolArray
    parts: dict[str, float]


class Environment:
    """Robots in two simulated worlds, stepped by actions.

    Args:
        config: training configuration.
        seed: seed of robots, commands and disturbances, from 0.

    Attributes:
        count: number of robots n.
        difficulty: scale of pushes and resistance, 0 to 1.
        walker: walker under training, without velocity trim.
    """

    def __init__(self, config: WalkConfig, seed: int) -> None:
        """Build the worlds and draw the first commands."""
        self.config, self.count = config, config.robots
        self.difficulty = 0.0
        self._rng = np.random.default_rng(seed)
        about = description(config)
        zero = (0.0, 0.0, 0.0)
        untrimmed = Description(**{**vars(about), "trim_gain": zero})
        self.walker = PolicyWalker(untrimmed, lambda raw: np.zeros((12, raw.shape[1])))
        sizes = (self.count - self.count // 2, self.count // 2)
        self._worlds = [
            World(n, dt, self.walker.gains, config.random, self._rng, config.threads)
            for n, dt in zip(sizes, TIMESTEPS, strict=True)
        ]
        first = sizes[0]
        self._parts = [slice(0, first), slice(first, self.count)]
        n = self.count
        self._memory = np.zeros((self.walker.state_size, n))
        self._actions = np.zeros((3, 12, n))
        self._command, self._left = np.zeros((n, 3)), np.zeros(n)
        self._resistance = np.zeros((n, 2))
        self._resists = np.zeros(n, dtype=bool)
        self._age = np.zeros(n, dtype=np.intp)
        self._renew(np.ones(n, dtype=bool))
        self._age[:] = self._rng.integers(
            0, self._longest, n
        )  # so that the episodes end at different times

    @property
    def _longest(self) -> int:
        return round(self.config.episode / PERIOD)

    def _gather(self, name: str) -> Array:
        return np.concatenate([getattr(world, name) for world in self._worlds])

    def observe(self) -> tuple[Array, Array]:
        """Return the initial inputs of networks and critic."""
        return self._sense(), self._privileged()

    def step(self, actions: Array) -> Step:
        """Advance all robots by one period with actions (12, n) in model order."""
        before_qvel = self._gather("qvel")
        before_feet = feet_of(self._gather("qpos"))
        targets = self.walker.act(actions, self._memory).position
        self._actions = np.stack([actions, self._actions[0], self._actions[1]])
        self._hold_against()
        for world, part in zip(self._worlds, self._parts, strict=True):
            world.step(targets[part])
        qpos, qvel = self._gather("qpos"), self._gather("qvel")
        broken = np.concatenate([world.broken() for world in self._worlds])
        moment = Moment(
            qpos, qvel, before_qvel, before_feet, slewed_in_memory(self._memory), self._actions,
            targets, phase_in_memory(self._memory, self.config.gait.cycle),
            gate_in_memory(self._memory), self._gather("strength"),
        )  # fmt: skip
        parts = rewards(moment, self.config.reward, self.config.gait, PERIOD)
        upright = 1.0 - 2.0 * (qpos[:, 4] ** 2 + qpos[:, 5] ** 2)
        fallen: BoolArray = broken | (qpos[:, 2] < _LOW) | (upright < _TILTED)
        parts["fall"] = -self.config.reward.fall * fallen.astype(np.float64)
        reward = np.where(broken, -self.config.reward.fall, np.sum(list(parts.values()), axis=0))
        self._age += 1
        ended = (self._age >= self._longest) & ~fallen
        self._left -= PERIOD
        over = fallen | ended
        self._renew(over)
        self._recommand((self._left <= 0.0) & ~over)
        self._push()
        means = {k: float(np.nanmean(np.where(broken, np.nan, v))) for k, v in parts.items()}
        return Step(self._sense(), self._privileged(), reward, fallen, ended, means)

    def tracking_error(self) -> tuple[float, float]:
        """Return the mean error of the speed [m/s] and of the yaw rate [rad/s] now."""
        miss = slewed_in_memory(self._memory) - heading_velocity(
            self._gather("qpos"), self._gather("qvel")
        )
        return float(np.hypot(miss[0], miss[1]).mean()), float(np.abs(miss[2]).mean())

    def _renew(self, over: BoolArray) -> None:
        """Reset some robots."""
        for world, part in zip(self._worlds, self._parts, strict=True):
            ids = np.flatnonzero(over[part])
            if len(ids):
                world.reset(ids)
        some = np.flatnonzero(over)
        self._memory[:, some] = 0.0
        self._actions[:, :, some] = 0.0
        self._age[some] = 0
        self._resists[some] = self._rng.random(len(some)) < self.config.random.resisting
        self._recommand(over)

    def _recommand(self, due: BoolArray) -> None:
        """Draw new commands and resistances for some robots."""
        some = np.flatnonzero(due)
        n, rng = len(some), self._rng
        low, high = self.walker.command_low, self.walker.command_high
        drawn = rng.uniform(low, high, (n, 3))
        # Pure directions are as frequent as mixtures, because tracking is measured on them.
        drawn *= np.where(rng.random((n, 1)) < 0.5, 1.0, rng.random((n, 3)) < 0.5)
        drawn[rng.random(n) < _STANDS] = 0.0
        self._command[some] = drawn
        self._left[some] = rng.uniform(*_COMMAND_TIME, n)
        strongest = self.config.random.resistance * self.difficulty
        self._resistance[some, 0] = rng.uniform(0.0, max(strongest, 1e-9), n)
        self._resistance[some, 1] = rng.uniform(-0.3, 0.3, n)  # offset from the centre of the chest

    def _push(self) -> None:
        """Push some robots."""
        rng, c = self._rng, self.config.random
        hit = rng.random(self.count) < PERIOD / c.push_interval
        angle = rng.uniform(-np.pi, np.pi, self.count)
        speed = rng.uniform(0.0, max(c.push * self.difficulty, 1e-9), self.count)
        push = np.stack([speed * np.cos(angle), speed * np.sin(angle), 0.0 * angle], axis=1)
        for world, part in zip(self._worlds, self._parts, strict=True):
            ids = np.flatnonzero(hit[part])
            if len(ids):
                world.push(ids, push[part][ids])

    def _hold_against(self) -> None:
        """Apply the resistance to the pushing robots."""
        qpos, qvel = self._gather("qpos"), self._gather("qvel")
        forward = heading_velocity(qpos, qvel)[0]
        # Dry friction of the pushed object, smooth around rest: only forwards, only during motion.
        size = self._resistance[:, 0] * np.clip(forward / 0.05, 0.0, 1.0) * self._resists
        yaw = 2.0 * np.arctan2(qpos[:, 6], qpos[:, 3]) + self._resistance[:, 1]
        force = np.stack([-size * np.cos(yaw), -size * np.sin(yaw), 0.0 * size], axis=1)
        for world, part in zip(self._worlds, self._parts, strict=True):
            world.resist(force[part])

    def _sense(self) -> Array:
        """Return the noisy network inputs and advance the gait clocks."""
        qpos, qvel = self._gather("sensed_qpos"), self._gather("sensed_qvel")
        raw = self.walker.observe(qpos, qvel, self._command, self._memory)
        c, rng = self.config.random, self._rng
        for rows, width in (
            (GYRO, c.gyro),
            (GRAVITY, c.gravity),
            (POSITION, c.position),
            (VELOCITY, c.velocity),
        ):
            raw[rows] += rng.uniform(-width, width, raw[rows].shape)
        return raw

    def _privileged(self) -> Array:
        qpos, qvel = self._gather("qpos"), self._gather("qvel")
        velocity = heading_velocity(qpos, qvel)
        of_worlds = np.concatenate([world.privileged for world in self._worlds], axis=1)
        resists = self._resistance.T * self._resists
        return np.concatenate(
            [velocity, 10.0 * (qpos[:, 2:3].T - 0.3), of_worlds * [[0.3], [1.0], [1.0]],
             resists * [[0.02], [1.0]]]
        )  # fmt: skip
