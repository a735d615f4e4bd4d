"""``gpc report``: what happened in a recorded run, as a page and a video."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_EPILOG = """\
examples:
  gpc report runs/20260101-120000_box_push       report.html and episode.mp4 in that folder
  gpc report some_bag --out /tmp/report.html --no-video
  gpc report one_run another_run                 comparison.html in the first one's folder
  gpc report crashed/bag                         a bag without its end is read as far as it goes
"""


def add_parser(subparsers: Any) -> None:
    """Add ``report`` to the command."""
    parser = subparsers.add_parser(
        "report",
        help="make a page and a video of a recorded run",
        description="Reads a bag (a run's folder, a rosbag2 folder with MCAP, or an .mcap file) "
        "and writes report.html, one page that needs no network, and episode.mp4 beside it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", type=Path, help="folder of a run or of a bag, or an .mcap file")
    parser.add_argument("other", type=Path, nargs="?", help="a second one to compare it with")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the page (default: report.html, or comparison.html, beside the bag)",
    )
    parser.add_argument(
        "--no-video", action="store_true", help="leave out episode.mp4, which takes longest"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write report and video, or compare; say what of the bags could not be read."""
    if args.other is not None:
        return _compare(args.bag, args.other, args.out)
    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.report.run_folder import make_episode_report

    reader = BagReader(args.bag)
    page = args.out or beside(args.bag) / "report.html"
    made = make_episode_report(reader, page, video=not args.no_video)
    for problem in made.problems:
        print(f"gpc report: {problem}", file=sys.stderr)
    for path in made.files:
        print(path)
    return 0


def _compare(bag: Path, other: Path, out: Path | None) -> int:
    """Write the page about two runs."""
    from gpc_ros.report.comparison import side, write_comparison

    names = [beside(path).resolve().name for path in (bag, other)]
    if names[0] == names[1]:
        names = ["first", "second"]
    sides = (side(bag, names[0]), side(other, names[1]))
    for s in sides:
        for problem in s.run.problems:
            print(f"gpc report: {s.name}: {problem}", file=sys.stderr)
    page = out or beside(bag) / "comparison.html"
    write_comparison(sides, page)
    print(page)
    return 0


def beside(bag: Path) -> Path:
    """Return where the files of a run belong: its folder, not the bag's inside it."""
    folder = bag.parent if bag.is_file() else bag
    return folder.resolve().parent if folder.resolve().name == "bag" else folder
