"""``gpc replay``: plan again what a bag recorded, exactly or with other settings."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpc_ros.replay.replay_cycles import Replayed

_EPILOG = """\
examples:
  gpc replay runs/20260101-120000_box_push       the recorded plans, bit for bit
  gpc replay some_bag --set planner.samples=32,planner.horizon=1.2
  gpc replay some_bag --set planner.optimizer=mppi --set task.cost.yaw=1 --out what_if.json

exit code: 0 if every plan came out bit for bit, 1 if one did not, 2 for an error.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``replay`` to the command."""
    parser = subparsers.add_parser(
        "replay",
        help="plan again what a bag recorded, exactly or with other settings",
        description="Gives every recorded planning cycle to the planner of the recorded settings, "
        "which must come to the same plan bit for bit, and with --set or --proposal also to one "
        "with other settings, and says where and how much the two differ. No ROS is involved; to "
        "play a bag into the nodes, see gpc play.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", type=Path, help="folder of a run or of a bag, or an .mcap file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another setting, as planner.NAME or task.NAME (gpc config lists them); several "
        "separated by commas, or given again",
    )
    parser.add_argument(
        "--proposal", metavar="FILE", help="another learned proposal (planner.proposal.file)"
    )
    parser.add_argument(
        "--limit",
        default="none",
        choices=("none", "live"),
        help="what ends a cycle of the other settings: nothing, or the deadline on this machine",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file for every cycle")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay with a progress bar, print the summary and write the file."""
    from tqdm import tqdm

    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.common.assignments import parse_assignments
    from gpc_ros.common.errors import BagError
    from gpc_ros.common.files import write_atomic
    from gpc_ros.replay.cycle_replay import Replay
    from gpc_ros.replay.replay_summary import summary, to_json

    overrides = parse_assignments(",".join(args.set), "--set")
    if args.proposal is not None:
        overrides["planner.proposal.file"] = args.proposal
    reader = BagReader(args.bag)
    replay = Replay(reader)
    bar = tqdm(total=len(replay.records), unit="cycle", disable=not sys.stderr.isatty())

    def show(_: Replayed) -> None:
        bar.update()

    with bar:
        results = replay.run(overrides, args.limit, show)
    for problem in replay.problems:
        print(f"gpc replay: {problem}", file=sys.stderr)
    print(summary(replay, results, reader.info))
    if args.out is not None:
        text = json.dumps(to_json(replay, results, overrides, reader.info), indent=1) + "\n"
        try:
            write_atomic(args.out, text)
        except OSError as error:
            raise BagError(f"{args.out}: cannot be written: {error.strerror}") from None
        print(args.out)
    return 0 if results and all(result.exact for result in results) else 1
