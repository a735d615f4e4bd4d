"""Motion capture: poses of bodies at a fixed rate, noisy, late, and now and then hidden."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.geometry import quat_exp, quat_multiply

# Tolerance [s] of comparisons between times that are sums of many steps.
_EPSILON = 1e-9


@dataclass(frozen=True)
class MocapConfig:
    """Rate, noise, delay and dropouts of the motion capture system."""

    rate: float = param(120.0, "Frames per second", unit="Hz", low=1.0, high=500.0)
    position_noise: float = param(
        0.0005, "Standard deviation of each coordinate", unit="m", low=0.0, high=0.5
    )
    rotation_noise: float = param(
        0.005, "Standard deviation of the rotation about each axis", unit="rad", low=0.0, high=1.0
    )
    delay: float = param(0.008, "Time from capture to delivery", unit="s", low=0.0, high=1.0)
    dropout_probability: float = param(
        0.001, "Chance that a body's markers hide, per body and frame", low=0.0, high=1.0
    )
    dropout_duration: float = param(
        0.1, "Mean time that hidden markers stay hidden", unit="s", low=0.0, high=30.0
    )
    outlier_probability: float = param(
        0.0, "Chance that a pose is displaced, per body and frame", low=0.0, high=1.0
    )
    outlier_distance: float = param(0.5, "Displacement of an outlier", unit="m", low=0.0, high=10.0)


@dataclass(frozen=True)
class PoseSample:
    """One pose of one body.

    Attributes:
        body: name of the body.
        stamp: time of capture [s], not of delivery.
        position: (3,) [m], map frame.
        quaternion: (4,) wxyz, body to map.
    """

    body: str
    stamp: float
    position: Array
    quaternion: Array


class _Marker:
    """State of one body's capture: its random numbers, and the end of its occlusion."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.hidden_until = -np.inf

    def capture(
        self, config: MocapConfig, body: str, time: float, position: Array, quaternion: Array
    ) -> PoseSample | None:
        # As many draws in every frame, seen or not, so that settings do not shift later noise.
        chance, outlier = self.rng.random(2)
        duration = self.rng.exponential()
        noise = self.rng.standard_normal(6)
        direction = self.rng.standard_normal(3)
        if time >= self.hidden_until and chance < config.dropout_probability:
            self.hidden_until = time + duration * config.dropout_duration
        if time < self.hidden_until - _EPSILON:
            return None
        measured = position + config.position_noise * noise[:3]
        if outlier < config.outlier_probability:
            measured += config.outlier_distance * direction / np.linalg.norm(direction)
        turned = quat_multiply(quaternion, quat_exp(config.rotation_noise * noise[3:]))
        return PoseSample(body, time, measured, turned)


class MotionCapture:
    """Captures bodies when a frame is due and delivers each pose after the delay."""

    def __init__(
        self, config: MocapConfig, bodies: tuple[str, ...], rng: np.random.Generator
    ) -> None:
        """Start with the first frame due at once.

        Args:
            config: its parameters.
            bodies: names of the tracked bodies.
            rng: source of all its randomness; each body gets a stream of its own.
        """
        self.config = config
        self._markers = {
            body: _Marker(child) for body, child in zip(bodies, rng.spawn(len(bodies)), strict=True)
        }
        self._queue: deque[PoseSample] = deque()
        self._frame = 0

    def hide(self, body: str, until: float) -> None:
        """Hide a body's markers until a time [s], as an obstacle in the view would."""
        self._markers[body].hidden_until = until

    def update(self, time: float, pose: Callable[[str], tuple[Array, Array]]) -> None:
        """Capture all bodies if a frame is due.

        Args:
            time: now [s]; becomes the stamp of the poses.
            pose: gives the true position (3,) and quaternion (4,) of a body.
        """
        if time < self._frame / self.config.rate - _EPSILON:
            return
        self._frame = int(np.floor(time * self.config.rate + 1e-6)) + 1
        for body, marker in self._markers.items():
            sample = marker.capture(self.config, body, time, *pose(body))
            if sample is not None:
                self._queue.append(sample)

    def due(self, time: float) -> list[PoseSample]:
        """Return, once, the poses whose delay is over at a time [s], oldest first."""
        ready = []
        while self._queue and self._queue[0].stamp + self.config.delay <= time + _EPSILON:
            ready.append(self._queue.popleft())
        return ready
