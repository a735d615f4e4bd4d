"""Settings of every test run, made before rclpy and numpy are imported."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

# An array of the wrong length raises an error; without this rclpy reads past its end.
os.environ["ROS_PYTHON_CHECK_FIELDS"] = "1"
# Concurrent test runs use different domains; numbers up to 101 are valid on every system.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 101)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MUJOCO_GL", "egl")

import pytest
from hypothesis import settings

import gpc_ros  # noqa: F401  (sets the threads of linear algebra)

# No time limit, because a busy machine is slow; the same examples in every run.
settings.register_profile("gpc_ros", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("gpc_ros")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-third",
        type=int,
        metavar="N",
        help="of the cases of the fault tables run only every third, beginning with N modulo 3",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect two thirds of the fault cases if --fault-third is given; keep all other tests."""
    third = config.getoption("--fault-third")
    if third is None:
        return
    cases = [i for i in items if i.get_closest_marker("faults") and "[" in i.name]
    chosen = set(cases[third % 3 :: 3])
    dropped = [item for item in cases if item not in chosen]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in set(dropped)]


def _not_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skipped test into a failure where everything must be installed."""
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


# How to install a missing browser; also in docs/view.md and .ci/run.
_MEND = "make browser (or apt-get install chromium; pip install playwright)"
# Generous, because the CPU renders the page, possibly on a busy machine [ms].
BROWSER_TIMEOUT = 240_000.0
SMALL = (800, 600)


@pytest.fixture
def browser_page() -> Iterator[Any]:
    """Return a playwright page in the headless Chromium of the system."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for name in names if (path := shutil.which(name))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        pytest.skip(f"no Chromium, or no playwright to drive it: {_MEND}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            timeout=BROWSER_TIMEOUT,
            args=[
                "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
                "--enable-unsafe-swiftshader", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--no-first-run",
            ],
        )  # fmt: skip
        # Small, because every pixel costs time; larger for the pictures of the docs.
        size = (1280, 800) if os.environ.get("GPC_PICTURES") else SMALL
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.set_default_timeout(BROWSER_TIMEOUT)
        yield page
        browser.close()


@pytest.fixture
def open_page(browser_page: Any) -> Callable[[str, str], Any]:
    """Return a function that opens an address and waits until the page shows a text."""

    def opened(url: str, text: str) -> Any:
        browser_page.goto(url)
        browser_page.get_by_text(text, exact=False).first.wait_for()
        # Software rendering adds a note on top of the scene.
        note = browser_page.get_by_text("Software WebGL rendering detected")
        if note.count():
            note.locator("xpath=ancestor::*[@role='alert']").get_by_role("button").click()
        return browser_page

    return opened


@pytest.fixture
def save_picture() -> Callable[[Any, str], None]:
    """Return a function that saves a screenshot in the folder GPC_PICTURES, if it is set."""

    def save(page: Any, name: str) -> None:
        folder = os.environ.get("GPC_PICTURES")
        if folder:
            page.screenshot(path=Path(folder) / name, type="jpeg", quality=80)

    return save
