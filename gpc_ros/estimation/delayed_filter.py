"""The base filter at the time of the newest pose, with its state propagated to the newest sample.

Poses arrive late. IMU samples wait in a queue; on arrival of a pose the filter advances to the time
of the pose and is corrected there. Later samples propagate only the state, without its covariance,
which is cheap. Without poses the filter follows with a fixed delay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from gpc_ros.common.arrays import Array
from gpc_ros.estimation.base_filter import BaseFilter, FilterConfig
from gpc_ros.estimation.nominal_state import NominalState, Quaternion, Vector, advance

# Batch size of samples processed without poses; after each batch all waiting samples must be
# propagated again.
_BATCH = 6


class Sample(NamedTuple):
    """IMU at a stamp [s], and velocities of the base by leg odometry (n, 3) or None."""

    stamp: float
    gyro: Vector
    accel: Vector
    legs: Array | None


class DelayedFilter:
    """A filter that queues samples until poses arrive.

    Args:
        config: parameters of the filter.
        delay: maximum waiting time of a sample [s].

    Attributes:
        filter: filter at the time of the newest pose.
        head: state at the newest sample, or at the time of the filter if that is newer.
        slips: number of updates without a foot in stance since the start.
    """

    def __init__(self, config: FilterConfig, delay: float) -> None:
        """Prepare the filter; call :meth:`start` before use."""
        self._config, self._delay = config, delay
        self.filter = BaseFilter(config)
        self.slips = 0
        self._waiting: deque[Sample] = deque()  # newer than the filter
        self._taken: Sample | None = None  # the newest processed sample
        self._overdue = 0
        self.head = self.filter.nominal_state

    def start(self, stamp: float, position: Vector, orientation: Quaternion, last: Sample) -> None:
        """Initialise at rest at a measured pose, with the last sample."""
        self.filter.start(stamp, position, orientation)
        self._waiting.clear()
        self._taken = last
        self.head = self.filter.nominal_state

    @property
    def stamp(self) -> float:
        """Return the time of the head [s]."""
        return max(
            self._waiting[-1].stamp if self._waiting else self.filter.stamp, self.filter.stamp
        )

    def append(self, sample: Sample) -> None:
        """Propagate the head by a sample that is newer than the last one."""
        last = self._waiting[-1] if self._waiting else self._taken
        self.head = self._advance(self.head, self.stamp, last, sample)
        self._waiting.append(sample)
        self._overdue += self._waiting[0].stamp < sample.stamp - self._delay
        if self._overdue >= _BATCH:
            self._overdue = 0
            self._take_until(sample.stamp - self._delay)
            self._lead()

    def at(self, stamp: float, correct: Callable[[BaseFilter], None]) -> None:
        """Advance the filter to a stamp [s], not older than the filter, and correct it there."""
        self._take_until(stamp)
        if self._waiting:
            self.filter.predict(stamp, *_mean(self._taken, self._waiting[0]))
        elif self._taken is not None:
            self.filter.predict(stamp, self._taken.gyro, self._taken.accel)
        correct(self.filter)
        self._lead()

    def _take_until(self, stamp: float) -> None:
        """Process the waiting samples up to a stamp [s]."""
        while self._waiting and self._waiting[0].stamp <= stamp:
            sample = self._waiting.popleft()
            self.filter.predict(sample.stamp, *_mean(self._taken, sample))
            if sample.legs is not None:
                self.slips += not self.filter.correct_velocity(sample.legs)
            self._taken = sample

    def _lead(self) -> None:
        """Propagate the state of the filter through all waiting samples."""
        state, stamp, last = self.filter.nominal_state, self.filter.stamp, self._taken
        for sample in self._waiting:
            state = self._advance(state, stamp, last, sample)
            stamp, last = sample.stamp, sample
        self.head = state

    def _advance(
        self, state: NominalState, stamp: float, last: Sample | None, sample: Sample
    ) -> NominalState:
        """Return a state propagated from a stamp [s] to a sample, with the mean of two samples."""
        if sample.stamp <= stamp:
            return state
        rates, force = self.filter.free_of_bias(*_mean(last, sample))
        return advance(state, rates, force, sample.stamp - stamp)

    def covariance(self) -> Array:
        """Return the covariance of the error state of the head (15, 15); see base_filter.

        It is predicted in one step from the time of the filter, with the mean of the samples.
        """
        if not self._waiting:
            return self.filter.covariance.copy()
        first, last = self._waiting[0], self._waiting[-1]
        return self.filter.carried(last.stamp, *_mean(first, last))


def _mean(a: Sample | None, b: Sample) -> tuple[Vector, Vector]:
    """Return the mean gyro and accelerometer of two samples."""
    if a is None:
        return b.gyro, b.accel
    (ax, ay, az), (bx, by, bz) = a.gyro, b.gyro
    (cx, cy, cz), (dx, dy, dz) = a.accel, b.accel
    return (
        (0.5 * (ax + bx), 0.5 * (ay + by), 0.5 * (az + bz)),
        (0.5 * (cx + dx), 0.5 * (cy + dy), 0.5 * (cz + dz)),
    )
