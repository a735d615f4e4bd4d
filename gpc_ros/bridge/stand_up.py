"""Standing up and sitting down: slow joint interpolations from wherever the legs are.

Legs that are far from standing and from lying are folded first: from a sprawl the straight way to
standing drags the feet along under load and may tip the robot over.
"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.robot.joints import LIE, STAND
from gpc_ros.robot.model import Gains
from gpc_ros.robot.types import JointCommand


@dataclass(frozen=True)
class StandUpConfig:
    """Speed of the motions."""

    speed: float = param(1.0, "Fastest joint", unit="rad/s", low=0.05, high=5.0)
    minimum: float = param(0.5, "Shortest time, for the gains to ramp up", unit="s", low=0, high=10)
    tolerance: float = param(
        0.4, "Farthest a joint may be from its pose at the end", unit="rad", low=0.05, high=3.0
    )
    near: float = param(
        0.5, "Legs this near to standing or lying are not folded first", unit="rad", low=0, high=7
    )
    first_gain: float = param(0.3, "Share of the gains to begin with", low=0.0, high=1.0)


class Motion:
    """A slow motion of the joints through poses.

    Args:
        poses: the first is where the joints are, the last where they are to be; (12,) each [rad].
        now: time when it begins [s].
        gains: at its end.
        ramp: whether the gains grow to that at first.
        config: speed.

    Attributes:
        end: time at which it should be complete [s].
    """

    def __init__(
        self, poses: list[Array], now: float, gains: Gains, ramp: bool, config: StandUpConfig
    ) -> None:
        """Plan the motion."""
        self._poses, self._gains, self._config = poses, gains, config
        self._first = config.first_gain if ramp else 1.0
        moves = [
            max(config.minimum, float(np.abs(b - a).max()) / config.speed)
            for a, b in itertools.pairwise(poses)
        ]
        self._times = [now, *(now + t for t in itertools.accumulate(moves))]
        self.end = self._times[-1]

    def done(self, now: float, position: Array) -> bool:
        """Return whether the motion is over and the joints (12,) [rad] have followed it."""
        left = float(np.abs(self._poses[-1] - position).max())
        return now >= self.end and left <= self._config.tolerance

    def command(self, now: float) -> JointCommand:
        """Return the command at a time [s]."""
        k = min(max(bisect.bisect_right(self._times, now) - 1, 0), len(self._poses) - 2)
        begin, end = self._times[k], self._times[k + 1]
        s = min(max((now - begin) / (end - begin), 0.0), 1.0) if end > begin else 1.0
        smooth = s * s * (3.0 - 2.0 * s)
        # Full stiffness after half of the first move, before the legs carry weight.
        gain = 1.0 if k else min(self._first + (1.0 - self._first) * 2.0 * s, 1.0)
        return JointCommand(
            self._poses[k] + smooth * (self._poses[k + 1] - self._poses[k]),
            np.zeros(12),
            np.zeros(12),
            gain * self._gains.kp,
            self._gains.kd.copy(),
        )


def stand_up(start: Array, now: float, gains: Gains, config: StandUpConfig) -> Motion:
    """Return the motion from joints (12,) [rad] at a time [s] to standing."""
    far = min(np.abs(STAND - start).max(), np.abs(LIE - start).max()) > config.near
    return Motion([start.copy(), *([LIE] if far else []), STAND], now, gains, True, config)


def sit_down(start: Array, now: float, gains: Gains, config: StandUpConfig) -> Motion:
    """Return the motion from joints (12,) [rad] at a time [s] to lying, at full gains."""
    return Motion([start.copy(), LIE], now, gains, False, config)
