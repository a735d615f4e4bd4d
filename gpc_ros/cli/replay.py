"""``gpc bag replay``: repeat recorded planning cycles, exactly or with other settings."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.cli.graph_command import task_parameters
from gpc_ros.cli.options import BAG
from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.config import param

if TYPE_CHECKING:
    from gpc_ros.replay.replay_cycles import Replayed

_EPILOG = """\
examples:
  gpc bag replay runs/20260101-120000_box_push       the recorded plans, bit for bit
  gpc bag replay some_bag --set planner.num_rollouts=32,planner.horizon=1.2
  gpc bag replay some_bag --set planner.optimizer=mppi --set task.cost.yaw=1 --out what_if.json

exit code: 0 if every plan is equal bit for bit, 1 if one differs, 2 after an error.
"""


@dataclass(frozen=True)
class Options:
    """Options of ``gpc bag replay``."""

    limit: str = param(
        "none",
        "End of a cycle with other settings: never early, or at the deadline on this machine",
        choices=("none", "live"),
    )
    out: str = param("", "JSON file for every cycle")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc bag replay``."""
    parser.description = (
        "Gives every recorded planning cycle to the planner with the recorded settings, which\n"
        "must find the same plan bit for bit, and with --set or --proposal also to a planner with\n"
        "other settings, and reports where and how much the two differ. It needs no ROS; gpc bag\n"
        "play plays a bag into the nodes."
    )
    parser.usage = f"{parser.prog} BAG [--set planner.NAME=VALUE] [--set task.NAME=VALUE] ..."
    parser.more_help = lambda: _EPILOG
    parser.add_argument("bag", type=Path, metavar="BAG", help=BAG)
    parser.add_options(Options())
    parser.aliases = {"proposal": "planner.proposal.file"}
    parser.add_group("planner", "other settings of the planner", planner_settings)
    parser.add_group(
        "task", "other settings of the task: --set task.NAME=VALUE; gpc config TASK lists them",
        task_parameters, listed=False,
    )  # fmt: skip


def planner_settings() -> Sequence[Any]:
    """Return the parameters of the node planner."""
    from gpc_ros.settings.node_settings import PlannerSettings

    return [PlannerSettings()]


def run(args: argparse.Namespace) -> int:
    """Replay with a progress bar, print the summary and write the file."""
    from tqdm import tqdm

    from gpc_ros.bag.bag_reader import BagReader
    from gpc_ros.common.errors import BagError
    from gpc_ros.common.files import write_atomic
    from gpc_ros.replay.cycle_replay import Replay
    from gpc_ros.replay.replay_summary import summary, to_json

    overrides = {
        f"{group}.{name}": value
        for group in ("planner", "task")
        for name, value in args.given[group].items()
    }
    reader = BagReader(args.bag)
    replay = Replay(reader)
    bar = tqdm(total=len(replay.records), unit="cycle", disable=not sys.stderr.isatty())

    def show(_: Replayed) -> None:
        bar.update()

    with bar:
        results = replay.run(overrides, args.options.limit, show)
    for problem in replay.problems:
        print(f"gpc bag replay: {problem}", file=sys.stderr)
    print(summary(replay, results, reader.info))
    if args.options.out:
        out = Path(args.options.out)
        text = json.dumps(to_json(replay, results, overrides, reader.info), indent=1) + "\n"
        try:
            write_atomic(out, text)
        except OSError as error:
            raise BagError(f"{out}: cannot be written: {error.strerror}") from None
        print(out)
    return 0 if results and all(result.exact for result in results) else 1
