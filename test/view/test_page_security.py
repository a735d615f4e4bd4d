"""The viewer's page in a real browser: hostile texts stay text, other origins stay outside."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import viser

from gpc_ros.locomotion.registry import make_walker
from gpc_ros.settings.viewer_settings import ViewConfig
from gpc_ros.tasks import make_task
from gpc_ros.view.snapshot import Cycle, Snapshot
from gpc_ros.view.status import escape_markdown, status_markdown
from gpc_ros.view.viewer_page import Page

HOSTILE = (
    "<img src=x onerror=\"document.title='stolen'\">",
    "<iframe srcdoc=\"<script>parent.document.title='stolen'</script>\"></iframe>",
    "<script>document.title='stolen'</script>",
    "[click](javascript:document.title='stolen')",
    "![x](http://evil.example/x.png)",
    "see http://evil.example and www.evil.example or a@evil.example",
    "| a | b |\n|---|---|\n# title\n1. one\n`code` **bold** &lt;b&gt; $x$ \\<b>",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_message_text_has_no_markup_left(text: str) -> None:
    escaped = escape_markdown(text)
    assert not set(escaped) & set("<>[]()!`*_|\\$.:@/\"'\n")
    assert escaped in status_markdown(Snapshot(mode="READY", reasons=(text,)))


def test_long_message_text_is_cut() -> None:
    assert len(escape_markdown("a" * 100_000)) < 500


@pytest.fixture
def page(free_port: Callable[[], int]) -> Iterator[Page]:
    config = ViewConfig(port=free_port())
    made = Page(make_task("navigate"), make_walker("trot"), config, "<b>title</b>")
    yield made
    made.close()


@pytest.mark.integration
def test_hostile_texts_are_shown_literally(
    page: Page, open_page: Callable[[str, str], Any]
) -> None:
    cycle = Cycle(hold_reason=HOSTILE[0], terms={HOSTILE[1]: 1.0})
    page.show(Snapshot(mode=HOSTILE[2], reasons=HOSTILE, cycle=cycle))
    browser = open_page(page.url, "planner holds")
    page.notify(HOSTILE[0], HOSTILE[1])
    browser.get_by_role("alert").get_by_text(HOSTILE[1]).wait_for()
    text = browser.inner_text("body").replace("\u2060", "")
    for shown in HOSTILE[:5]:
        assert shown in text
    assert browser.title() != "stolen"
    assert browser.locator("iframe, a[href*=evil], img[src*=evil], img[src=x]").count() == 0


@pytest.mark.integration
def test_page_of_another_origin_reaches_nothing(page: Page, browser_page: Any) -> None:
    foreign = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=foreign.serve_forever)
    thread.start()
    try:
        browser_page.goto(f"http://localhost:{foreign.server_address[1]}/")
        # Even with the token, which another origin cannot read.
        answers = browser_page.evaluate(
            """async ([page, socket, protocol]) => {
                const opened = await new Promise((resolve) => {
                    const ws = new WebSocket(socket, [protocol]);
                    ws.onopen = () => resolve("open");
                    ws.onerror = () => resolve("refused");
                });
                const loaded = await fetch(page, {mode: "no-cors"})
                    .then(() => "loaded", () => "blocked");
                return [opened, loaded];
            }""",
            [page.url, page.url.replace("http:", "ws:").rstrip("/"), f"viser-v{viser.__version__}"],
        )
        assert answers == ["refused", "blocked"]
    finally:
        foreign.shutdown()
        foreign.server_close()
        thread.join()
