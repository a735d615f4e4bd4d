"""Wait for a condition instead of a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
    """Wait until a condition holds; fail with its description after a time limit [s]."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(0.01)
