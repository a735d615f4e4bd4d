"""What every test run has in common; set before rclpy and numpy are imported."""

from __future__ import annotations

import os
from collections.abc import Generator

# A wrong length in a message is an error, not memory read past its end.
os.environ["ROS_PYTHON_CHECK_FIELDS"] = "1"
# Runs at the same time do not hear each other; numbers up to 101 fit the ports of every system.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 101)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MUJOCO_GL", "egl")

import pytest
from hypothesis import settings

import gpc_ros  # noqa: F401  (sets the threads of linear algebra)

# No deadline, since time on a busy machine says nothing; the same examples in every run.
settings.register_profile("gpc_ros", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("gpc_ros")


def _not_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where everything has to be installed, what was skipped has failed."""
    if report.skipped and os.environ.get("GPC_REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and GPC_REQUIRE_ALL is set: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _not_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _not_skipped(report)
    return report
