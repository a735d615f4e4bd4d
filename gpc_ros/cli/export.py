"""``gpc export``: a bag as tables for pandas and its like."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_EPILOG = """\
examples:
  gpc export runs/20260101-120000_box_push       tables/ in that folder
  gpc export some_bag --to parquet --out /tmp/tables

  import pandas
  status = pandas.read_parquet("tables/planner.status.parquet")
"""


def add_parser(subparsers: Any) -> None:
    """Add ``export`` to the command."""
    parser = subparsers.add_parser(
        "export",
        help="write a bag as Parquet tables, one a topic",
        description="Writes every topic of a bag as one Parquet table: a row a message, a column a "
        "field. Damaged bags are exported as far as they can be read.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", type=Path, help="folder of a run or of a bag, or an .mcap file")
    parser.add_argument("--to", choices=("parquet",), default="parquet", help="format")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where to (default: tables beside the bag)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export with a progress bar; say what could not be read."""
    from tqdm import tqdm

    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.bag.export import export_parquet
    from gpc_ros.cli.report import beside

    reader = BagReader(args.bag)
    folder = args.out or beside(args.bag) / "tables"
    bar = tqdm(total=reader.count, unit="message", disable=not sys.stderr.isatty())

    def show(topic: str) -> None:
        bar.update(reader.topics[topic].count)

    with bar:
        files = export_parquet(reader, folder, show)
    for problem in reader.problems:
        print(f"gpc export: {problem}", file=sys.stderr)
    print(f"{folder}: {len(files)} tables of {reader.count} messages")
    return 0
