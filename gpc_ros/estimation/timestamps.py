"""Validation of time stamps: newer than the last, not from the future, not stale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """Result of the check of a stamp."""

    GOOD = "good"
    REPEATED = "repeated or out of order"
    FUTURE = "from the future"
    STALE = "stale"


@dataclass
class StampGate:
    """Checks the stamps of one source.

    Attributes:
        max_age: maximum age of an accepted stamp [s].
        max_lead: maximum lead of a stamp over the clock [s].
        last: newest accepted stamp [s].
        lead: lead of the last rejected stamp over the clock, negative if behind [s].
    """

    max_age: float
    max_lead: float = 0.05
    last: float = -math.inf
    lead: float = 0.0

    def check(self, stamp: float, now: float) -> Verdict:
        """Return the verdict on a stamp [s] received now [s]; only GOOD moves ``last``."""
        verdict = self._verdict(stamp, now)
        if verdict == Verdict.GOOD:
            self.last = stamp
        else:
            self.lead = stamp - now
        return verdict

    def _verdict(self, stamp: float, now: float) -> Verdict:
        if not stamp <= now + self.max_lead:
            return Verdict.FUTURE
        if stamp <= self.last:
            return Verdict.REPEATED
        return Verdict.STALE if stamp < now - self.max_age else Verdict.GOOD
