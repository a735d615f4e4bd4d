"""Which stamps are taken: newer than the last, not from the future, not stale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What is said of a stamp."""

    GOOD = "good"
    REPEATED = "repeated or out of order"
    FUTURE = "from the future"
    STALE = "stale"
    JUMPED = "clock jumped back"


# Stamps this far behind the last one mean that the clock was set back, not that a message is late.
_JUMP = 0.5


@dataclass
class StampGate:
    """Judges the stamps of one source.

    Attributes:
        max_age: oldest stamp that is taken [s].
        max_lead: how far a stamp may lie ahead of the clock [s].
    """

    max_age: float
    max_lead: float = 0.05
    last: float = -math.inf

    def judge(self, stamp: float, now: float) -> Verdict:
        """Return the verdict on a stamp [s] received now [s]; GOOD and JUMPED move ``last``."""
        if not math.isfinite(stamp) or stamp > now + self.max_lead:
            return Verdict.FUTURE
        if stamp < self.last - _JUMP:
            self.last = stamp
            return Verdict.JUMPED
        if stamp <= self.last:
            return Verdict.REPEATED
        if stamp < now - self.max_age:
            return Verdict.STALE
        self.last = stamp
        return Verdict.GOOD
