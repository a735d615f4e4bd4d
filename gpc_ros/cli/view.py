"""``gpc view``: the running graph, or a bag, in a browser."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from gpc_ros.cli.graph_command import arguments_help, configure_graph, graph_arguments
from gpc_ros.cli.parser import CommandParser
from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError
from gpc_ros.graph.graphs import GRAPHS

_GRAPH = "view"
_EPILOG = """
examples:
  gpc view                                       the running graph, with sliders for the planner
  gpc bag view runs/20260101-120000_box_push     a recorded run, with a time line
  gpc bag view runs/20260101-120000_box_push port:=8090 rate:=30
"""


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc view`` and ``gpc bag view``."""
    configure_graph(parser, _GRAPH)
    parser.description = (
        "Serves a page with the 3-D scene: robot, objects, goal, motion capture poses, the plan "
        "and the candidates of the search. Live, the page has sliders for the planner's "
        "parameters and sets goals; for a bag it has a time line. Ctrl-C ends it."
    )
    parser.usage = f"{parser.prog} [BAG] [name:=value ...]"
    parser.more_help = lambda: arguments_help(_GRAPH) + _EPILOG
    parser.add_argument("bags", nargs="*", metavar="BAG", help="folder of a run or of a bag")


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from gpc_ros.view import require_viser

    require_viser()
    given = graph_arguments(args, _GRAPH)
    if len(args.bags) > 1:
        raise ConfigError(f"view: one bag at a time, not {len(args.bags)}: {', '.join(args.bags)}")
    if args.bags:
        return _play(Path(args.bags[0]), given)
    from gpc_ros.graph.launcher import Launcher
    from gpc_ros.graph.resolve import resolve

    return Launcher(resolve(GRAPHS[_GRAPH], given)).run()


def _play(bag: Path, given: dict[str, str]) -> int:
    """Show a bag until SIGINT or SIGTERM."""
    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.settings.viewer_settings import ViewConfig, announcement
    from gpc_ros.view.bag_player import Player

    known = config.flatten(ViewConfig())
    for name in given:
        if name not in known:
            raise ConfigError(f"view: {name}:= is for a running graph; the bag contains it")
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
