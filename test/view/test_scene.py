"""Visibility of the scene: known parts of shown layers are visible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.settings.viewer_settings import ViewConfig
from gpc_ros.tasks import make_task
from gpc_ros.view.bag_source import BagScenes
from gpc_ros.view.candidate_paths import Paths
from gpc_ros.view.snapshot import Snapshot
from gpc_ros.view.viewer_page import Page

if TYPE_CHECKING:
    from conftest import MadeBag


@pytest.fixture
def page(free_port: Callable[[], int]) -> Iterator[Page]:
    made = Page(make_task("box_push"), make_walker("trot"), ViewConfig(port=free_port()), "test")
    yield made
    made.close()


def visible(page: Page) -> set[str]:
    """Return the visible parts of the scene."""
    found = set()
    for layer, parts in page.scene._present.items():
        found |= {f"{layer}:{name}" for name, (handle, _) in parts.items() if handle.visible}
    return found


def test_nothing_is_visible_before_it_is_known(page: Page) -> None:
    page.show(Snapshot())
    assert visible(page) == set()


def test_bodies_are_drawn_at_their_recorded_poses(page: Page, pushing: MadeBag) -> None:
    moment = BagScenes(BagReader(pushing.path)).at(4.0)
    page.show(moment)
    seen = visible(page)
    assert {"robot:/robot/base", "object:/object/box", "goal:/goal"} <= seen
    assert {"motion capture:/mocap/base", "motion capture:/mocap/box"} <= seen
    assert {"plan:/paths/plan/base", "elites:/paths/elites/object"} <= seen
    assert not any(name.startswith("proposals") for name in seen)
    assert moment.state is not None
    box = page.server.scene.get_handle_by_name("/object/box")
    base = page.server.scene.get_handle_by_name("/robot/base")
    assert box is not None and base is not None
    np.testing.assert_allclose(box.position, moment.state.objects["box"].position, atol=1e-6)
    np.testing.assert_allclose(base.position, moment.state.position, atol=1e-6)


def test_hidden_layers_and_missing_parts_stay_hidden(page: Page, pushing: MadeBag) -> None:
    scenes = BagScenes(BagReader(pushing.path))
    page.scene.show_layer("robot", False)
    page.show(scenes.at(4.0))
    assert not any(name.startswith("robot") for name in visible(page))
    page.show(Snapshot(state=scenes.at(4.1).state))
    page.scene.show_layer("plan", True)
    page.scene.show_layer("robot", True)
    assert {name.split(":")[0] for name in visible(page)} == {"robot", "object"}


def test_proposals_have_their_own_colour(page: Page) -> None:
    line = np.linspace(0.0, 1.0, 30)[None, :, None] * np.array([1.0, 0.0, 0.3])
    paths = Paths(
        base=np.repeat(line, 4, axis=0),
        object=np.repeat(line, 4, axis=0),
        elite=np.array([False, True, True, False]),
        proposed=np.array([False, False, True, False]),
    )
    page.scene.show_paths(paths)
    assert {name.split(":")[0] for name in visible(page)} == {
        "plan", "proposals", "elites", "candidates",
    }  # fmt: skip
    page.scene.show_paths(None)
    assert visible(page) == set()
