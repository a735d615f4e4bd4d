"""A progress bar on stderr with the remaining time."""

from __future__ import annotations

import sys
import time

_BAR = 24


class Bar:
    """Counts episodes: drawn in place on a terminal, else one line per episode."""

    def __init__(self, total: int) -> None:
        """Start at zero of ``total`` episodes."""
        self._total = total
        self._done = self._successes = 0
        self._begin = time.monotonic()
        self._in_place = sys.stderr.isatty()

    def add(self, success: bool, outcome: str) -> None:
        """Count an episode and show the progress, with its outcome where lines are written."""
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
        """End the line of the bar."""
        if self._in_place and self._done:
            print(file=sys.stderr)
