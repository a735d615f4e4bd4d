"""``gpc bag report``: show a recorded run as a page and a video."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from gpc_ros.cli.options import BAG
from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.config import param

_EPILOG = """\
examples:
  gpc bag report runs/20260101-120000_box_push       report.html and episode.mp4 in that folder
  gpc bag report some_bag --out /tmp/report.html --no-video
  gpc bag report one_run another_run                 comparison.html in the first one's folder
  gpc bag report crashed/bag                         the readable part of a bag without its end
"""


@dataclass(frozen=True)
class Options:
    """Options of ``gpc bag report``."""

    out: str = param("", "The page; empty: report.html, or comparison.html, beside the bag")
    video: bool = param(True, "Make episode.mp4, which takes longest; --no-video leaves it out")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc bag report``."""
    parser.description = (
        "Reads a bag (a run's folder, a rosbag2 folder with MCAP, or an .mcap file) and writes\n"
        "report.html, one page that needs no network, and episode.mp4 beside it."
    )
    parser.usage = f"{parser.prog} BAG [BAG] [--out FILE] [--no-video]"
    parser.more_help = lambda: _EPILOG
    parser.add_argument("bag", type=Path, metavar="BAG", help=BAG)
    parser.add_argument("other", type=Path, nargs="?", help="a second one to compare it with")
    parser.add_options(Options())


def run(args: argparse.Namespace) -> int:
    """Write report and video, or compare; report unreadable parts of the bags."""
    out = Path(args.options.out) if args.options.out else None
    if args.other is not None:
        return _compare(args.bag, args.other, out)
    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.report.run_folder import make_episode_report

    reader = BagReader(args.bag)
    page = out or beside(args.bag) / "report.html"
    made = make_episode_report(reader, page, video=args.options.video)
    for problem in made.problems:
        print(f"gpc bag report: {problem}", file=sys.stderr)
    for path in made.files:
        print(path)
    filmed = any(path.suffix == ".mp4" for path in made.files)
    return 0 if filmed or not args.options.video else 1


def _compare(bag: Path, other: Path, out: Path | None) -> int:
    """Write the page about two runs."""
    from gpc_ros.report.comparison import side, write_comparison

    names = [beside(path).resolve().name for path in (bag, other)]
    if names[0] == names[1]:
        names = ["first", "second"]
    sides = (side(bag, names[0]), side(other, names[1]))
    for s in sides:
        for problem in s.run.problems:
            print(f"gpc bag report: {s.name}: {problem}", file=sys.stderr)
    page = out or beside(bag) / "comparison.html"
    write_comparison(sides, page)
    print(page)
    return 0


def beside(bag: Path) -> Path:
    """Return where the files of a run belong: its folder, not the bag's inside it."""
    folder = bag.parent if bag.is_file() else bag
    return folder.resolve().parent if folder.resolve().name == "bag" else folder
