"""Compare the clock of the stamps with a monotonic clock, cycle by cycle.

Ages of whatever endangers the robot are differences of the monotonic time. The clock of the stamps
(ROS time) may jump, stand still or run at a wrong rate; each of these is detected here.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gpc_ros.safety.supervisor_inputs import SupervisorConfig

# A clock that goes back by more than the first time, or ahead of the monotonic clock by more than
# the second within one cycle, has jumped [s].
_BACK, _AHEAD = 0.01, 0.05
# Time over which jumps are counted [s].
_JUMP_WINDOW = 1.0


@dataclass(frozen=True, slots=True)
class ClockReport:
    """Result of one cycle.

    Attributes:
        jumped: whether the clock has jumped since the previous cycle.
        pause: monotonic time since the previous cycle [s].
        error: why the clock cannot be used; empty if it can.
    """

    jumped: bool = False
    pause: float = 0.0
    error: str = ""


class ClockWatch:
    """Watches the clock of the stamps.

    Args:
        config: limits on the clock.
        clock: monotonic time [s]; None makes the clock of the stamps its own reference, for a
            simulation that advances in lockstep.

    Attributes:
        elapsed: monotonic time of the last cycle [s].
    """

    def __init__(self, config: SupervisorConfig, clock: Callable[[], float] | None = None) -> None:
        """Start before the first cycle."""
        self._config, self._clock = config, clock
        self._raw = -math.inf  # last value of the monotonic clock
        self._offset = 0.0  # added to it, so that it never goes back
        self._now = -math.inf
        self._moved = -math.inf  # monotonic time at which the clock last advanced
        self._begin = (-math.inf, -math.inf)  # of the rate window: time of the clock, monotonic
        self._rate_error = ""
        self._jumps: deque[float] = deque()
        self.elapsed = -math.inf

    def read(self, now: float) -> float:
        """Return the monotonic time [s] while the clock shows ``now``; it never goes back."""
        raw = now if self._clock is None else self._clock()
        if raw < self._raw:
            self._offset += self._raw - raw
        self._raw = raw
        return max(raw + self._offset, self.elapsed)

    def update(self, now: float) -> ClockReport:
        """Advance by one cycle, in which the clock shows ``now`` [s]."""
        before, last = self.elapsed, self._now
        self.elapsed, self._now = self.read(now), now
        if last == -math.inf:
            self._restart(now)
            return ClockReport()
        pause, step = self.elapsed - before, now - last
        if step != 0.0:
            self._moved = self.elapsed
        jumped = step < -_BACK or step - pause > _AHEAD
        if jumped:
            self._jumps.append(self.elapsed)
            self._restart(now)
        return ClockReport(jumped, pause, self._error(now))

    def _restart(self, now: float) -> None:
        """Begin a new rate window."""
        self._moved = self.elapsed
        self._begin, self._rate_error = (now, self.elapsed), ""

    def _error(self, now: float) -> str:
        """Return why the clock cannot be used, in plain words."""
        c, elapsed = self._config, self.elapsed
        while self._jumps and elapsed - self._jumps[0] > _JUMP_WINDOW:
            self._jumps.popleft()
        if len(self._jumps) > c.clock_jumps:
            return f"the clock has jumped {len(self._jumps)} times within {_JUMP_WINDOW:g} s"
        still = elapsed - self._moved
        if still > c.clock_still:
            return f"the clock has stood still for {still:.2f} s (limit {c.clock_still} s)"
        window = elapsed - self._begin[1]
        if window >= c.clock_window:
            rate = (now - self._begin[0]) / window
            wrong = not abs(rate - 1.0) <= c.clock_rate
            self._begin = (now, elapsed)
            self._rate_error = (
                f"the clock runs at {rate:.2f} of its rate (limit 1 +- {c.clock_rate:g})"
                if wrong
                else ""
            )
        return self._rate_error
