"""``gpc bag repair``: copy the readable part of a damaged bag into a new one."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from gpc_ros.cli.options import BAG
from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.config import param

_EPILOG = """\
examples:
  gpc bag repair runs/20260101-120000_box_push       the mended bag is bag_mended beside the bag
  gpc bag repair crashed.mcap --out mended
"""


@dataclass(frozen=True)
class Options:
    """Options of ``gpc bag repair``."""

    out: str = param("", "Folder of the new bag; empty: NAME_mended beside the old one")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc bag repair``."""
    parser.description = (
        "Copies the readable part of a cut (power, kill, full disk) or damaged bag into a new one\n"
        "that rosbag2, Foxglove and PlotJuggler open, and reports the losses. The damaged bag is\n"
        "not changed."
    )
    parser.usage = f"{parser.prog} BAG [--out FOLDER]"
    parser.more_help = lambda: _EPILOG
    parser.add_argument("bag", type=Path, metavar="BAG", help=BAG)
    parser.add_options(Options())


def run(args: argparse.Namespace) -> int:
    """Copy the readable part and report the losses."""
    from gpc_ros.bag.bag_files import find_bag_files
    from gpc_ros.bag.repair import repair

    find_bag_files(args.bag)  # rejects an impossible path
    out = Path(args.options.out) if args.options.out else _beside(args.bag)
    done = repair(args.bag, out)
    for problem in done.lost:
        print(f"lost: {problem}")
    for problem in done.undecoded:
        print(f"copied as it is, but not readable here: {problem}")
    if done.whole:
        print(f"{args.bag} was whole; its copy is the same")
    print(f"{out}: {done.written} messages of {done.topics} topics")
    return 0


def _beside(bag: Path) -> Path:
    """Return the path of the repaired bag: beside the bag itself, also for a run's folder."""
    inside = bag / "bag"
    own = bag.is_dir() and (any(bag.glob("*.mcap*")) or any(bag.glob("*.db3*")))
    found = inside if not own and inside.is_dir() else bag
    return found.with_name(f"{found.stem}_mended")
