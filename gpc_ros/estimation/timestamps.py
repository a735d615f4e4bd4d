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


@dataclass
class StampGate:
    """Judges the stamps of one source.

    Attributes:
        max_age: oldest stamp that is taken [s].
        max_lead: how far a stamp may lie ahead of the clock [s].
        last: newest stamp that was taken [s].
        lead: by how much the last dropped stamp was ahead of the clock, behind it if negative [s].
    """

    max_age: float
    max_lead: float = 0.05
    last: float = -math.inf
    lead: float = 0.0

    def judge(self, stamp: float, now: float) -> Verdict:
        """Return the verdict on a stamp [s] received now [s]; only GOOD moves ``last``."""
        verdict = self._judge(stamp, now)
        if verdict == Verdict.GOOD:
            self.last = stamp
        else:
            self.lead = stamp - now
        return verdict

    def _judge(self, stamp: float, now: float) -> Verdict:
        if not stamp <= now + self.max_lead:
            return Verdict.FUTURE
        if stamp <= self.last:
            return Verdict.REPEATED
        return Verdict.STALE if stamp < now - self.max_age else Verdict.GOOD
