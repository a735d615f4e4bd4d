"""The base filter at the time of the newest pose, and its state carried on to the newest sample.

Poses arrive late. Instead of winding the filter back, its samples wait: it advances to the time of
a pose when that comes and is corrected there; the samples since then only carry its state forward,
without its covariance, which is cheap. While no pose comes it follows at a fixed delay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from gpc_ros.common.arrays import Array
from gpc_ros.estimation.base_filter import BaseFilter, FilterConfig
from gpc_ros.estimation.nominal_state import Nominal, Quaternion, Vector, advance

# Samples that the filter takes in at once while no pose comes: after each of these batches all
# samples that still wait have to be gone through again.
_BATCH = 6


class Sample(NamedTuple):
    """IMU at a stamp [s], and velocities of the base by leg odometry (n, 3) or None."""

    stamp: float
    gyro: Vector
    accel: Vector
    legs: Array | None


class DelayedFilter:
    """A filter whose samples wait for poses.

    Args:
        config: of the filter.
        delay: how long they wait at most [s].

    Attributes:
        filter: at the time of the newest pose.
        head: state at the newest sample, or at the filter's time if that is newer.
        slips: times that no foot was believed to stand since the start.
    """

    def __init__(self, config: FilterConfig, delay: float) -> None:
        """Prepare; :meth:`start` begins."""
        self._config, self._delay = config, delay
        self.filter = BaseFilter(config)
        self.slips = 0
        self._waiting: deque[Sample] = deque()  # newer than the filter
        self._taken: Sample | None = None  # the newest one that is not
        self._overdue = 0
        self.head = self.filter.nominal

    def start(self, stamp: float, position: Vector, orientation: Quaternion, last: Sample) -> None:
        """Begin at rest at a measured pose, with the last sample that there was."""
        self.filter.start(stamp, position, orientation)
        self._waiting.clear()
        self._taken = last
        self.head = self.filter.nominal

    @property
    def stamp(self) -> float:
        """Time of the head [s]."""
        return max(
            self._waiting[-1].stamp if self._waiting else self.filter.stamp, self.filter.stamp
        )

    def append(self, sample: Sample) -> None:
        """Carry the head on by a sample that is newer than the last one."""
        last = self._waiting[-1] if self._waiting else self._taken
        self.head = self._advance(self.head, self.stamp, last, sample)
        self._waiting.append(sample)
        self._overdue += self._waiting[0].stamp < sample.stamp - self._delay
        if self._overdue >= _BATCH:
            self._overdue = 0
            self._take_until(sample.stamp - self._delay)
            self._lead()

    def at(self, stamp: float, correct: Callable[[BaseFilter], None]) -> None:
        """Advance the filter to a stamp [s] that is not older than it, and correct it there."""
        self._take_until(stamp)
        if self._waiting:
            self.filter.predict(stamp, *_mean(self._taken, self._waiting[0]))
        elif self._taken is not None:
            self.filter.predict(stamp, self._taken.gyro, self._taken.accel)
        correct(self.filter)
        self._lead()

    def _take_until(self, stamp: float) -> None:
        """Let the filter take in the waiting samples up to a stamp [s]."""
        while self._waiting and self._waiting[0].stamp <= stamp:
            sample = self._waiting.popleft()
            self.filter.predict(sample.stamp, *_mean(self._taken, sample))
            if sample.legs is not None:
                self.slips += not self.filter.correct_velocity(sample.legs)
            self._taken = sample

    def _lead(self) -> None:
        """Carry the filter's state through all samples that wait."""
        state, stamp, last = self.filter.nominal, self.filter.stamp, self._taken
        for sample in self._waiting:
            state = self._advance(state, stamp, last, sample)
            stamp, last = sample.stamp, sample
        self.head = state

    def _advance(
        self, state: Nominal, stamp: float, last: Sample | None, sample: Sample
    ) -> Nominal:
        """Return a state of a stamp [s] carried to a sample, with the mean of two samples."""
        if sample.stamp <= stamp:
            return state
        rates, force = self.filter.free_of_bias(*_mean(last, sample))
        return advance(state, rates, force, sample.stamp - stamp)

    def covariance(self) -> Array:
        """Return the covariance of the head's error state (15, 15); see base_filter.

        From the filter's time on it is carried in one step, with what was felt on average.
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
