"""``gpc repair``: a whole bag from what is left of a damaged one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_EPILOG = """\
examples:
  gpc repair runs/20260101-120000_box_push       the mended bag is bag_mended beside the bag
  gpc repair crashed.mcap --out mended
"""


def add_parser(subparsers: Any) -> None:
    """Add ``repair`` to the command."""
    parser = subparsers.add_parser(
        "repair",
        help="make a whole bag from what is left of a damaged one",
        description="Copies everything readable of a bag that was cut (power, kill, full disk) or "
        "damaged into a new one that rosbag2, Foxglove and PlotJuggler open, and says what was "
        "lost. The damaged bag stays as it is.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", type=Path, help="folder of a run or of a bag, or an .mcap file")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="the new bag (default: NAME_mended beside it)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Copy what can be read and say what could not."""
    from gpc_ros.bag.bag_reader import salvage

    out = args.out or _beside(args.bag)
    account = salvage(args.bag, out)
    for problem in account.problems:
        print(f"lost: {problem}")
    if account.complete and not account.problems:
        print(f"{args.bag} was whole; its copy is the same")
    print(f"{out}: {account.count} messages of {len(account.topics)} topics")
    return 0


def _beside(bag: Path) -> Path:
    """Return where the mended bag goes: beside the bag itself, also when a run is named."""
    inside = bag / "bag"
    found = inside if bag.is_dir() and not any(bag.glob("*.mcap*")) and inside.is_dir() else bag
    return found.with_name(f"{found.stem}_mended")
