"""Every test of nodes talks in a ROS domain of its own, on this machine only."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest
import rclpy
from rclpy.context import Context

_COUNTER = itertools.count(os.getpid())


@pytest.fixture(autouse=True)
def domain(monkeypatch: pytest.MonkeyPatch) -> int:
    """Set a domain that no other test uses at the same time, and strict message fields."""
    number = 1 + next(_COUNTER) % 100
    monkeypatch.setenv("ROS_DOMAIN_ID", str(number))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_PYTHON_CHECK_FIELDS", "1")
    return number


@pytest.fixture
def context(domain: int) -> Iterator[Context]:
    """Return a ROS context in the test's domain."""
    made = Context()
    rclpy.init(context=made)
    yield made
    rclpy.try_shutdown(context=made)
