"""Outlier gate of base poses: reject outliers, accept a persistent jump of the robot or the map.

A single pose outside the gate is an outlier. Persistent poses outside the gate are accepted only if
they agree with each other, with gravity and with a standing robot for the confirm time: then the
robot or the map was moved. A change of height relative to the last accepted pose indicates another
body. (The filter prediction is not used for this, so that a filter that drifted during a gap can
recover.) After the base is lost, the height above the feet replaces this check (plausibility.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.estimation.nominal_state import Vector


@dataclass(frozen=True)
class OutlierGateConfig:
    """Gates of base poses."""

    FORMER_NAMES: ClassVar = {
        "widest": "gate_max",
        "agreement": "confirm_time",
        "turn": "max_turn_rate",
    }

    position: float = param(
        0.05, "Position gate around the predicted base pose", unit="m", low=0.001, high=10.0
    )
    rotation: float = param(
        0.15, "Rotation gate around the predicted base pose", unit="rad", low=0.01, high=3.2
    )
    sigmas: float = param(
        5.0, "Widening of both gates, in standard deviations of the innovation", low=0.0, high=100.0
    )
    gate_max: float = param(0.3, "Maximum widening of the gates", unit="m, rad", low=0, high=10)
    confirm_time: float = param(
        0.5, "Gated poses are accepted after agreeing for this time", unit="s", low=0.0, high=10.0
    )
    height: float = param(
        0.1, "Change of height that indicates another body", unit="m", low=0.0, high=10.0
    )
    speed: float = param(
        0.15, "Maximum speed of a standing robot, from leg odometry", unit="m/s", low=0.0, high=5.0
    )
    max_turn_rate: float = param(
        0.4,
        "Maximum angular velocity of a standing robot, from the gyro",
        unit="rad/s",
        low=0.0,
        high=20.0,
    )


class OutlierGate:
    """Gates base poses one after another.

    Attributes:
        complaint: reason why poses are gated; empty if none is.
    """

    def __init__(self, config: OutlierGateConfig) -> None:
        """Start without gated poses."""
        self._config = config
        self._since: tuple[float, Vector] | None = None
        self._height: float | None = None  # height of the last accepted pose [m]
        self.complaint = ""

    def accept(self, position: Vector) -> None:
        """Store the position [m] of an accepted pose."""
        self._since, self._height, self.complaint = None, position[2], ""

    def expected(self, residual: Array, covariance: Array) -> bool:
        """Return whether an innovation (6,) [m, rad] is within the gate, given its covariance."""
        c = self._config
        r, s = residual.tolist(), covariance.diagonal().tolist()
        wider = min(c.sigmas * math.sqrt(max(s[:3])), c.gate_max)
        wider_turn = min(c.sigmas * math.sqrt(max(s[3:])), c.gate_max)
        far = math.hypot(r[0], r[1], r[2]) > c.position + wider
        turned = math.hypot(r[3], r[4], r[5]) > c.rotation + wider_turn
        return not (far or turned)

    def agreed(
        self, stamp: float, position: Vector, legs: Array | None, gyro: Vector, *, lost: bool
    ) -> bool:
        """Return whether a pose outside the gate is accepted.

        Args:
            stamp: time of the pose [s].
            position: measured position [m].
            legs: newest velocities from leg odometry (n, 3) [m/s], or None.
            gyro: newest angular velocity [rad/s].
            lost: whether the estimate is lost.
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
        still = math.hypot(*gyro) <= c.max_turn_rate and (
            legs is None or bool((np.square(legs).sum(axis=1) <= c.speed**2).all())
        )
        if self._since is None or not still or math.dist(position, self._since[1]) > c.position:
            self._since = (stamp, position)
        self.complaint = (
            "motion capture shows the base at an unexpected pose; it is accepted after the robot "
            f"stands and all poses agree for {c.confirm_time} s"
        )
        return stamp - self._since[0] >= c.confirm_time
