"""The report runs no script but its own and reaches no network, whatever a bag contains."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.report.comparison import render_comparison, side
from gpc_ros.report.html_page import page
from gpc_ros.report.run_folder import make_episode_report

Make = Callable[..., Any]
HOSTILE = "</script></style></td><img src=x onerror=\"document.title='stolen'\"><!-- <script>"


def hostile_bag(made_run: Make, folder: Path) -> Path:
    made = made_run(end=1.0)
    made.info["seed"] = made.info["git"] = HOSTILE
    made.modes.append((0.5, 6, HOSTILE, [HOSTILE]))
    path: Path = made.write(folder)
    return path


def policy_of(text: str) -> dict[str, str]:
    content = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert len(content) == 1
    parts = html.unescape(content[0]).split("; ")
    return dict(part.split(" ", 1) for part in parts)


def test_policy_allows_the_pages_own_script_only() -> None:
    text = page("title", "<p>body</p>", {"series": []})
    policy = policy_of(text)
    script = text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy["script-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert {policy["img-src"], policy["media-src"]} == {"data:"}
    assert "connect-src" not in policy
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_data_cannot_close_its_block() -> None:
    text = page("title", "", {"text": HOSTILE})
    assert "<img" not in text and "<!--" not in text


def test_texts_of_a_bag_are_escaped(tmp_path: Path, made_run: Make) -> None:
    bag = hostile_bag(made_run, tmp_path / "bag")
    one = side(bag, HOSTILE)
    assert "<img" not in render_comparison((one, one))
    report = tmp_path / "report.html"
    make_episode_report(BagReader(bag), report, video=False)
    text = report.read_text(encoding="utf-8")
    assert "<img" not in text and html.escape(HOSTILE) in text


@pytest.mark.integration
def test_browser_enforces_the_policy(tmp_path: Path, made_run: Make, browser_page: Any) -> None:
    report = tmp_path / "report.html"
    make_episode_report(BagReader(hostile_bag(made_run, tmp_path / "bag")), report)
    errors: list[str] = []
    browser_page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    browser_page.goto(report.as_uri())
    browser_page.wait_for_function("document.querySelector('video').duration > 0.5")
    assert browser_page.locator(".cursor").count() > 5  # the page's own script ran
    assert errors == []
    found = browser_page.evaluate(
        """async () => {
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = 1'>");
            const script = document.createElement("script");
            script.textContent = "window.ran = 2";
            document.body.append(script);
            const foreign = document.createElement("script");
            const loaded = new Promise((resolve) => {
                foreign.onload = () => resolve("loaded");
                foreign.onerror = () => resolve("blocked");
            });
            foreign.src = "data:text/javascript,window.ran=3";
            document.body.append(foreign);
            const fetched = await fetch("http://127.0.0.1:9/").then(() => "sent", (e) => e.message);
            return [window.ran ?? null, await loaded, fetched, document.title];
        }"""
    )
    assert found[:2] == [None, "blocked"] and found[3] != "stolen"
    assert any("connect" in e and "Content Security Policy" in e for e in errors)
