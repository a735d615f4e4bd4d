"""``gpc view BAG``: a page that plays a bag."""

from __future__ import annotations

import threading
import time

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.common.errors import GpcError
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.locomotion.walker import Walker
from gpc_ros.settings.viewer_settings import ViewConfig
from gpc_ros.view.bag_source import BagScenes
from gpc_ros.view.timeline import TimeLine, TimeLineControls
from gpc_ros.view.viewer_page import Page


class Player:
    """Plays a bag on a page with a time line.

    Attributes:
        line: the time line.
        page: the page.
        scenes: the moments of the bag.
    """

    def __init__(self, reader: BagReader, config: ViewConfig) -> None:
        """Read the bag, start the server and show the time at which the goal is set.

        Raises:
            BagError: the bag contains no state or an unknown task.
            GpcError: the address cannot be listened on.
        """
        self._period = 1.0 / config.rate
        self.scenes = BagScenes(reader)
        self.line = TimeLine(self.scenes.begin, self.scenes.end)
        self.line.seek(0.0)
        title = f"{self.scenes.task.name}: {reader.path.name}"
        self.page = Page(self.scenes.task, walker_of(self.scenes.walker), config, title)
        self._controls = TimeLineControls(self.page.server, self.line)
        self.page.add_layers()
        self.page.look_at(self.scenes.at(max(self.line.begin, 0.0)))
        self._shown = float("nan")
        self.show()

    def show(self) -> None:
        """Show the moment at the time line's position, if that changed."""
        self._controls.refresh()
        position = self.line.position
        if position != self._shown:
            self._shown = position
            self.page.show(self.scenes.at(position), f"{position:.2f} s after the goal was set")

    def run(self, stop: threading.Event) -> None:
        """Play until the event is set."""
        last = time.monotonic()
        while not stop.wait(self._period):
            now = time.monotonic()
            self.line.advance(now - last)
            last = now
            self.show()

    def close(self) -> None:
        """Stop the server."""
        self.page.close()


def walker_of(name: str) -> Walker:
    """Return the walker of a bag; without its card the default one, which changes paths only."""
    try:
        return make_walker(name)
    except GpcError:
        return make_walker(DEFAULT_WALKER)
