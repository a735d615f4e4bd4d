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
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the page (default: report.html beside the bag)"
    )
    parser.add_argument(
        "--no-video", action="store_true", help="leave out episode.mp4, which takes longest"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write report and video; say what of the bag could not be read."""
    from gpc_ros.recording.bag_reader import BagReader
    from gpc_ros.recording.episode import make_episode_report

    reader = BagReader(args.bag)
    page = args.out or _beside(args.bag) / "report.html"
    made = make_episode_report(reader, page, video=not args.no_video)
    for problem in made.problems:
        print(f"gpc report: {problem}", file=sys.stderr)
    for path in made.files:
        print(path)
    return 0


def _beside(bag: Path) -> Path:
    """Return where the files of a run belong: its folder, not the bag's inside it."""
    folder = bag.parent if bag.is_file() else bag
    return folder.resolve().parent if folder.resolve().name == "bag" else folder
