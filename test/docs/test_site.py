"""The site of `make docs`: its links and pages, and search in a browser that opens it from disk."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from site_hooks import OUTSIDE, api_index, moved_links, rooms

ROOT = Path(__file__).resolve().parents[2]


def test_links_lead_to_the_same_page_on_the_site() -> None:
    readme = (
        "[a](docs/view.md#live) ![b](docs/images/a.webp) [c](CHANGELOG.md) [d](https://x.y/docs/)"
    )
    assert moved_links(readme, "README.md") == (
        "[a](view.md#live) ![b](images/a.webp) [c](changelog.md) [d](https://x.y/docs/)"
    )
    page = "[a](../README.md#run) [b](safety.md) [c](#here)"
    assert moved_links(page, "docs/view.md") == "[a](index.md#run) [b](safety.md) [c](#here)"


def test_every_room_and_module_is_in_the_api() -> None:
    found = rooms(ROOT / "gpc_ros")
    modules = {name for names in found.values() for name in names}
    for path in (ROOT / "gpc_ros").glob("*/**/*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        assert name in modules or "._" in name, name
    for room in found:
        assert f"[{room}]({room}.md) | " in api_index(ROOT / "gpc_ros")


def test_pages_from_outside_docs_exist_and_are_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for source, page in OUTSIDE.items():
        assert (ROOT / source).is_file()
        assert f"- {page}" in text or f": {page}" in text
    for path in (ROOT / "docs").glob("*.md"):
        assert f"- {path.name}\n" in text or f": {path.name}\n" in text, path.name


@pytest.mark.integration
def test_search_works_in_a_site_opened_from_disk(tmp_path: Path, browser_page: Any) -> None:
    if find_spec("mkdocs") is None or find_spec("mkdocstrings_handlers") is None:
        pytest.skip("mkdocs is missing: make docs")
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "--strict", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=600, env={"NO_MKDOCS_2_WARNING": "1"})
    requested: list[str] = []
    browser_page.on("request", lambda request: requested.append(request.url))
    browser_page.goto((tmp_path / "api" / "planning.html").as_uri())
    browser_page.get_by_text("gpc_ros.planning.planner").first.wait_for()
    browser_page.keyboard.press("/")
    browser_page.keyboard.type("emergency stop")
    found = browser_page.locator(".md-search-result__link[href*='safety.html']").first
    found.wait_for(state="attached")
    assert [url for url in requested if not url.startswith(("file:", "data:"))] == []
