"""Timing metrics of repeated events: percentiles, rates and topic timeouts."""

from __future__ import annotations

import numpy as np

from gpc_ros.common.arrays import Array


class RollingPercentiles:
    """Percentiles of the last values, in a ring buffer without allocation."""

    def __init__(self, size: int) -> None:
        """Keep the last ``size`` values."""
        self._values: Array = np.zeros(size)
        self._count = 0

    def add(self, value: float) -> None:
        """Add a value."""
        self._values[self._count % len(self._values)] = value
        self._count += 1

    def percentiles(self) -> tuple[float, float, float]:
        """Return median, 99th percentile and maximum; zeros before the first value."""
        values = self._values[: self._count]
        if not len(values):
            return 0.0, 0.0, 0.0
        p50, p99 = np.percentile(values, (50.0, 99.0))
        return float(p50), float(p99), float(values.max())


class Rate:
    """Events per second, over the last few seconds."""

    def __init__(self, span: float = 2.0) -> None:
        """Count over ``span`` seconds."""
        self._span = span
        self._times: list[float] = []

    def add(self, now: float) -> None:
        """Count an event at a time [s]."""
        self._times.append(now)
        while self._times[0] < now - self._span:
            self._times.pop(0)

    def value(self, now: float) -> float:
        """Return the rate [Hz] at a time [s]; 0 when the last event is older than the span."""
        recent = [t for t in self._times if t >= now - self._span]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) / (recent[-1] - recent[0]) if recent[-1] > recent[0] else 0.0


class TopicTimeout:
    """Time since the last message, not counting stalls of this process.

    After a stall the process resumes before it reads its queue. The stall itself is not counted
    as topic silence.
    """

    def __init__(self, step: float) -> None:
        """Count at most ``step`` seconds between two looks."""
        self._step = step
        self._looked: float | None = None
        self._length = 0.0

    def look(self, now: float, heard: bool) -> float:
        """Return the silence [s] at a time [s]; ``heard``: a message came since the last look."""
        if heard or self._looked is None:
            self._length = 0.0
        else:
            self._length += min(now - self._looked, self._step)
        self._looked = now
        return self._length
