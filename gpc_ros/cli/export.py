"""``gpc bag export``: write a bag as tables for pandas and similar libraries."""

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
  gpc bag export runs/20260101-120000_box_push       tables/ in that folder
  gpc bag export some_bag --to parquet --out /tmp/tables

  import pandas
  status = pandas.read_parquet("tables/planner.status.parquet")
"""


@dataclass(frozen=True)
class Options:
    """Options of ``gpc bag export``."""

    to: str = param("parquet", "Format", choices=("parquet",))
    out: str = param("", "Folder for the tables; empty: tables beside the bag")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc bag export``."""
    parser.description = (
        "Writes every topic of a bag as one Parquet table: a row per message, a column per field.\n"
        "The readable part of a damaged bag is exported."
    )
    parser.usage = f"{parser.prog} BAG [--out FOLDER]"
    parser.more_help = lambda: _EPILOG
    parser.add_argument("bag", type=Path, metavar="BAG", help=BAG)
    parser.add_options(Options())


def run(args: argparse.Namespace) -> int:
    """Export with a progress bar and report what could not be read."""
    from tqdm import tqdm

    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.bag.export import export_parquet
    from gpc_ros.cli.report import beside

    reader = BagReader(args.bag)
    folder = Path(args.options.out) if args.options.out else beside(args.bag) / "tables"
    bar = tqdm(total=reader.count, unit="message", disable=not sys.stderr.isatty())

    def show(topic: str) -> None:
        bar.update(reader.topics[topic].count)

    with bar:
        done = export_parquet(reader, folder, show)
    for problem in reader.problems:
        print(f"gpc bag export: {problem}", file=sys.stderr)
    print(f"{folder}: {len(done.files)} tables with {done.rows} rows")
    if done.missing:
        print(f"gpc bag export: {done.missing} messages are in no table", file=sys.stderr)
    return 0 if reader.complete and not done.missing and done.files else 1
