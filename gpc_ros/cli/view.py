"""``gpc view``: the running graph, or a bag, in a browser."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from gpc_ros.cli.sim import arguments_help
from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError
from gpc_ros.graph.graphs import GRAPHS
from gpc_ros.graph.resolve import parse_arguments, resolve

_NAME = "view"
_EPILOG = """
examples:
  gpc view                                   what runs now, with sliders for the planner
  gpc view runs/20260101-120000_box_push     a recorded run, with a time line
  gpc view runs/20260101-120000_box_push port:=8090 rate:=30
"""


def add_parser(subparsers: Any) -> None:
    """Add ``view`` to the command."""
    parser = subparsers.add_parser(
        _NAME,
        help="look at the running graph, or at a bag, in a browser",
        description="Serves a page with the scene in 3-D: robot, objects, goal, what motion "
        "capture saw, the plan and the candidates of the search. Live it has sliders for the "
        "planner's parameters and sets goals; with a bag it has a time line. Ctrl-C ends it.",
        usage="gpc view [BAG] [name:=value ...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.more_help = lambda: arguments_help(_NAME) + "\n" + _EPILOG
    parser.add_argument(
        "words", nargs="*", metavar="BAG | name:=value", help="a bag, and arguments as below"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from gpc_ros.view import require_viser

    require_viser()
    bags = [word for word in args.words if ":=" not in word]
    given = parse_arguments([w for w in args.words if ":=" in w], GRAPHS[_NAME])
    if len(bags) > 1:
        raise ConfigError(f"view: one bag at a time, not {len(bags)}: {', '.join(bags)}")
    if bags:
        return _play(Path(bags[0]), given)
    from gpc_ros.graph.launcher import Launcher

    return Launcher(resolve(GRAPHS[_NAME], given)).run()


def _play(bag: Path, given: dict[str, str]) -> int:
    """Show a bag until SIGINT or SIGTERM."""
    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.settings.viewer_settings import ViewConfig, announcement
    from gpc_ros.view.bag_player import Player

    known = config.flatten(ViewConfig())
    for name in given:
        if name not in known:
            raise ConfigError(f"view: {name}:= is for a running graph; a bag knows it itself")
    settings = config.replace(ViewConfig(), given, "arguments of gpc view")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    reader = BagReader(bag)
    player = Player(reader, settings)
    for problem in reader.problems:
        print(f"gpc view: {problem}", file=sys.stderr)
    print(announcement(settings, player.page.url), flush=True)
    try:
        player.run(stop)
    finally:
        player.close()
    return 0
