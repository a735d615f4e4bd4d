"""``gpc view BAG`` in a real browser: the page loads, draws, plays and seeks.

With the environment variable GPC_PICTURES set to a folder, the pictures of docs/view.md go there.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.settings.viewer_settings import ViewConfig
from gpc_ros.view.bag_player import Player

if TYPE_CHECKING:
    from conftest import MadeBag

pytestmark = pytest.mark.integration

# Width of the panel on the right, outside of the scene [px].
_PANEL = 350


@pytest.fixture
def player(pushing: MadeBag, free_port: Callable[[], int]) -> Iterator[Player]:
    """Return a running player of the bag."""
    made = Player(BagReader(pushing.path), ViewConfig(port=free_port(), rate=5.0))
    stop = threading.Event()
    loop = threading.Thread(target=made.run, args=(stop,))
    loop.start()
    yield made
    stop.set()
    loop.join()
    made.close()


@pytest.fixture
def page(player: Player, open_page: Callable[[str, str], Any]) -> Any:
    """Return the player's page, loaded, with its first moment shown."""
    return open_page(player.page.url, "after the goal was set")


def picture(page: Any) -> np.ndarray:
    """Return the picture of the scene, without the panel (height, width, 3)."""
    size = page.viewport_size
    clip = {"x": 0, "y": 0, "width": size["width"] - _PANEL, "height": size["height"]}
    data = page.screenshot(clip=clip)
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def changed(one: np.ndarray, two: np.ndarray) -> int:
    """Return how many pixels differ clearly."""
    return int((np.abs(one - two).max(axis=2) > 40).sum())


def another(page: Any, before: np.ndarray) -> np.ndarray:
    """Return the picture after it changed clearly and came to rest."""
    for _ in range(400):
        if changed(picture(page), before) > 60:
            return settled(page)
        page.wait_for_timeout(100)
    raise AssertionError("the picture stays as it is")


def settled(page: Any) -> np.ndarray:
    """Return the picture once two in a row are equal."""
    last = picture(page)
    for _ in range(400):
        page.wait_for_timeout(300)
        seen = picture(page)
        if changed(seen, last) == 0 and changed(seen, np.broadcast_to(seen[:1, :1], seen.shape)):
            return seen
        last = seen
    raise AssertionError("the picture does not come to rest")


def test_robot_box_goal_and_paths_are_drawn(
    page: Any, player: Player, save_picture: Callable[[Any, str], None]
) -> None:
    player.line.seek(4.0)
    page.get_by_text("4.00 s after the goal was set").wait_for()
    page.get_by_text("layers", exact=True).click()
    shown = settled(page)
    save_picture(page, "view_bag.jpg")
    for layer in ("robot", "plan"):
        box = page.get_by_label(layer, exact=True)
        box.uncheck()
        hidden = another(page, shown)
        assert changed(hidden, shown) < shown.shape[0] * shown.shape[1] / 4
        box.check()
        # The first picture is not compared: a busy machine may draw the paths later.
        shown = another(page, hidden)


def test_it_plays_until_the_end_of_the_bag(page: Any, player: Player) -> None:
    player.line.seek(player.line.end - 1.0)
    page.get_by_role("button", name="play").click()
    page.get_by_text(f"{player.line.end:.2f} s after the goal was set").wait_for()
    page.get_by_role("button", name="play").wait_for()
    assert not player.line.playing


def test_the_slider_seeks(page: Any, player: Player) -> None:
    from playwright.sync_api import TimeoutError

    slider = page.get_by_role("slider")
    end = page.get_by_text(f"{player.line.end:.2f} s after the goal was set")
    for _ in range(20):
        slider.focus()
        slider.press("End")
        try:
            end.wait_for(timeout=10_000.0)
            break
        except TimeoutError:  # the page was still being built and replaced the slider
            continue
    assert player.line.position == player.line.end
