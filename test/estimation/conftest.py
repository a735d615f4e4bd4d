"""Fixtures of a recorded walk."""

from walks import walk

__all__ = ["walk"]
