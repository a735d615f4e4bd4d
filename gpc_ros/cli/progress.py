"""A progress bar on stderr with the time that is left."""

from __future__ import annotations

import sys
import time

_BAR = 24


class Bar:
    """Counts episodes: drawn in place on a terminal, else one line an episode."""

    def __init__(self, total: int) -> None:
        """Start with nothing done."""
        self._total = total
        self._done = self._successes = 0
        self._begin = time.monotonic()
        self._in_place = sys.stderr.isatty()

    def add(self, success: bool, outcome: str) -> None:
        """Show one more episode and, where lines are written, what came of it."""
        self._done += 1
        self._successes += success
        left = (time.monotonic() - self._begin) / self._done * (self._total - self._done)
        text = (
            f"{self._done}/{self._total} episodes, {self._successes} succeeded, {left:.0f} s left"
        )
        if self._in_place:
            filled = _BAR * self._done // self._total
            print(f"\r[{'#' * filled}{'.' * (_BAR - filled)}] {text} ", end="", file=sys.stderr)
        else:
            print(f"{outcome} ({text})", file=sys.stderr)
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._in_place and self._done:
            print(file=sys.stderr)
