"""Whether a pose is what the filter expects, and what it takes to believe one that is not.

A single strange pose is an outlier. Poses that go on being strange are believed only if all along
they agree with each other, with gravity and with a robot that stands: then the robot or the map was
moved. A pose at another height than the last believed one is another body. (Not: than the filter
expects. A filter that drifted away while nothing was seen must find back.) Once the base is lost,
the last believed height says nothing any more; the legs' does (plausibility.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.estimation.nominal_state import Vector


@dataclass(frozen=True)
class JumpConfig:
    """Gates of base poses."""

    position: float = param(
        0.05, "A base pose this far from the expected one is gated", unit="m", low=0.001, high=10.0
    )
    rotation: float = param(
        0.15, "A base attitude this far from it is gated", unit="rad", low=0.01, high=3.2
    )
    sigmas: float = param(
        5.0, "Added to both, in standard deviations of what is expected", low=0.0, high=100.0
    )
    widest: float = param(
        0.3, "What is added at most, however uncertain the filter is", unit="m, rad", low=0, high=10
    )
    agreement: float = param(
        0.5, "Gated poses that agree for this long are believed", unit="s", low=0.0, high=10.0
    )
    height: float = param(
        0.1, "Change of height that makes it another body", unit="m", low=0.0, high=10.0
    )
    speed: float = param(
        0.15, "The robot stands if its legs say that it is slower", unit="m/s", low=0.0, high=5.0
    )
    turn: float = param(
        0.4, "The robot stands if its gyro says that it is slower", unit="rad/s", low=0.0, high=20.0
    )


class JumpGate:
    """Judges base poses one after the other.

    Attributes:
        complaint: why strange poses are not believed, in plain words; empty if there are none.
    """

    def __init__(self, config: JumpConfig) -> None:
        """Start without suspicion."""
        self._config = config
        self._since: tuple[float, Vector] | None = None
        self._height: float | None = None  # of the last believed pose [m]
        self.complaint = ""

    def believe(self, position: Vector) -> None:
        """Remember the position [m] of a pose that is believed."""
        self._since, self._height, self.complaint = None, position[2], ""

    def expected(self, residual: Array, covariance: Array) -> bool:
        """Return whether an innovation (6,) [m, rad] is within the gate, given its covariance."""
        c = self._config
        r, s = residual.tolist(), covariance.diagonal().tolist()
        wider = min(c.sigmas * math.sqrt(max(s[:3])), c.widest)
        wider_turn = min(c.sigmas * math.sqrt(max(s[3:])), c.widest)
        far = math.hypot(r[0], r[1], r[2]) > c.position + wider
        turned = math.hypot(r[3], r[4], r[5]) > c.rotation + wider_turn
        return not (far or turned)

    def agreed(
        self, stamp: float, position: Vector, legs: Array | None, gyro: Vector, *, lost: bool
    ) -> bool:
        """Return whether a strange pose is to be believed.

        Args:
            stamp: of the pose [s].
            position: measured [m].
            legs: newest velocities by leg odometry (n, 3) [m/s], None without any yet.
            gyro: newest angular velocity [rad/s].
            lost: whether there is no estimate any more.
        """
        c = self._config
        height = 0.0 if self._height is None else abs(position[2] - self._height)
        if height > c.height and not lost:
            self._since = None
            self.complaint = (
                f"motion capture shows the base {height:.2f} m higher or lower than before "
                f"(limit {c.height} m): is it another body?"
            )
            return False
        still = math.hypot(*gyro) <= c.turn and (
            legs is None or bool((np.square(legs).sum(axis=1) <= c.speed**2).all())
        )
        if self._since is None or not still or math.dist(position, self._since[1]) > c.position:
            self._since = (stamp, position)
        self.complaint = (
            "motion capture shows the base elsewhere than expected; believed once the robot stands "
            f"and all agrees for {c.agreement} s"
        )
        return stamp - self._since[0] >= c.agreement
