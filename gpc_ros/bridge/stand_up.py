"""The stand-up motion: a slow joint interpolation from wherever the legs are to standing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array
from gpc_ros.config import param
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.model import Gains
from gpc_ros.robot.types import JointCommand


@dataclass(frozen=True)
class StandUpConfig:
    """Speed of the motion."""

    speed: float = param(1.0, "Fastest joint", unit="rad/s", low=0.05, high=5.0)
    minimum: float = param(0.5, "Shortest time, for the gains to ramp up", unit="s", low=0, high=10)
    tolerance: float = param(
        0.4, "Farthest a joint may be from standing at the end", unit="rad", low=0.05, high=3.0
    )
    first_gain: float = param(0.3, "Share of the gains to begin with", low=0.0, high=1.0)


class StandUp:
    """One stand-up motion.

    Args:
        start: joints when it begins (12,) [rad].
        now: time when it begins [s].
        gains: at the end of the motion.
        config: speed.

    Attributes:
        end: time at which it should be complete [s].
    """

    def __init__(self, start: Array, now: float, gains: Gains, config: StandUpConfig) -> None:
        """Plan the motion."""
        self._start, self._begin, self._gains, self._config = start.copy(), now, gains, config
        farthest = float(np.abs(STAND - start).max())
        self._duration = max(config.minimum, farthest / config.speed)
        self.end = now + self._duration

    def done(self, now: float, position: Array) -> bool:
        """Return whether the motion is over and the joints (12,) [rad] have followed it."""
        return now >= self.end and bool(np.abs(STAND - position).max() <= self._config.tolerance)

    def command(self, now: float) -> JointCommand:
        """Return the command at a time [s]."""
        since = now - self._begin
        s = min(max(since / self._duration, 0.0), 1.0) if self._duration > 0.0 else 1.0
        smooth = s * s * (3.0 - 2.0 * s)
        first = self._config.first_gain
        # Full stiffness after half of the motion, when the legs begin to carry weight.
        gain = min(first + (1.0 - first) * 2.0 * s, 1.0)
        return JointCommand(
            self._start + smooth * (STAND - self._start),
            np.zeros(12),
            np.zeros(12),
            gain * self._gains.kp,
            self._gains.kd.copy(),
        )
