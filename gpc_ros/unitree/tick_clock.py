"""Turn the robot's millisecond counter and the arrival of a LowState into a time of measurement.

A message can only be late. The smallest difference between arrival and tick over the last half
second is therefore the offset between the two clocks, and stamps follow the rhythm of the tick, not
of the network. A single late message keeps its correct stamp; many late messages in a row mean that
the robot's clock has stood still.
"""

from __future__ import annotations

from collections import deque

_WRAP = 2**32
# A tick that is older than the last one by more than this means that the robot has restarted [ms].
_RESTART = 1000
_WINDOW = 250  # messages that the offset is taken from
# A delay that differs by this from the smallest one is odd; so many odd ones in a row mean that the
# robot's clock stood still; one that differs by this means that a clock was set [s].
_ODD, _MANY, _SET = 0.02, 25, 0.5
# Stamps are apart by this at least [s].
_APART = 1e-6


class TickClock:
    """Turns ticks of the robot into stamps on our clock.

    Attributes:
        restarts: how often the tick went back, or one of the clocks jumped.
    """

    def __init__(self) -> None:
        """Start without a tick."""
        self._tick: int | None = None
        self._elapsed = 0  # since the first tick [ms]
        self._delays: deque[float] = deque(maxlen=_WINDOW)
        self._stamp = -float("inf")
        self._odd = 0  # odd delays in a row
        self.restarts = 0

    def stamp(self, tick: int, arrival: float) -> float | None:
        """Return the time of measurement [s], or None for a message that was there before.

        Args:
            tick: the robot's counter [ms], which wraps around at 2^32.
            arrival: when the message came, on the clock that stamps are on [s].
        """
        if self._tick is not None:
            passed = (tick - self._tick + _WRAP // 2) % _WRAP - _WRAP // 2
            if -_RESTART <= passed <= 0:
                return None
            if passed < 0:
                self._restart()
            else:
                self._elapsed += passed
        self._tick = tick
        time = 1e-3 * self._elapsed
        delay = arrival - time
        if self._delays and self._jumped(delay - min(self._delays)):
            self._restart()
        self._delays.append(delay)
        self._stamp = max(time + min(self._delays), self._stamp + _APART)
        return self._stamp

    def _jumped(self, excess: float) -> bool:
        """Return whether a delay above the smallest one by an excess [s] means a jump."""
        self._odd = self._odd + 1 if excess > _ODD else 0
        return self._odd >= _MANY or excess < -_ODD or excess > _SET

    def _restart(self) -> None:
        self._odd = 0
        self._delays.clear()
        self._stamp = -float("inf")
        self.restarts += 1
