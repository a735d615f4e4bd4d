"""``gpc evaluate-walker``: how well walkers walk, side by side; a front of evaluation.walker."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.common.errors import ConfigError

if TYPE_CHECKING:
    from gpc_ros.locomotion.walker import Walker


def add_parser(subparsers: Any) -> None:
    """Add ``evaluate-walker`` to the command."""
    parser = subparsers.add_parser(
        "evaluate-walker",
        help="measure walkers in the plant, side by side",
        description="Measures tracking, response, falls under pushes, in changed robots and while "
        "pushing boxes, and the time of a step, of one walker or several in the same run. Prints "
        "a table and writes every figure as JSON.",
    )
    parser.add_argument(
        "walkers", nargs="+", metavar="WALKER",
        help="trot, one that ships, the card (.json) of a trained walker, or anybody's network "
        "(.onnx)",
    )  # fmt: skip
    parser.add_argument(
        "--adapter", type=Path, action="append", default=[], metavar="FILE",
        help="how an .onnx network is connected, see docs/walker.md; one for each, in order",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of changed robots and commands")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument(
        "--note", action="store_true", help="also write the table's figures into the walkers' cards"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure one walker after the other and print the table."""
    from gpc_ros.common.files import write_atomic
    from gpc_ros.evaluation.provenance import made_with
    from gpc_ros.evaluation.walker_metrics import Measured, table
    from gpc_ros.evaluation.walker_trials import measure
    from gpc_ros.locomotion.policy_file import note_figures

    cards = _cards(args.walkers) if args.note else {}
    walkers = _walkers(args.walkers, args.adapter)
    found: dict[str, Measured] = {}
    for title, walker in walkers.items():
        found[title] = measure(walker, args.seed, partial(_tell, title))
        if title in cards:
            note_figures(cards[title], found[title].figures())
    print(table(found))
    if args.out is not None:
        document = {
            "walkers": {title: vars(result) for title, result in found.items()},
            "seed": args.seed,
            "made_with": made_with(),
        }
        write_atomic(args.out, json.dumps(document, indent=1) + "\n")
    return 0


def _tell(title: str, test: str) -> None:
    print(f"{title}: {test}", flush=True)


def _cards(names: list[str]) -> dict[str, Path]:
    """Return the cards of the walkers that have one, by title."""
    from gpc_ros.locomotion.registry import shipped_walkers

    own = {Path(name).stem: Path(name) for name in names if name.endswith(".json")}
    return {**{name: card for name, card in shipped_walkers().items() if name in names}, **own}


def _walkers(names: list[str], adapters: list[Path]) -> dict[str, Walker]:
    """Return the walkers by title.

    Raises:
        ConfigError: networks and adapters are not as many, or a walker is named twice.
    """
    from gpc_ros.locomotion.policy_file import load_onnx
    from gpc_ros.locomotion.registry import make_walker

    networks = [name for name in names if name.endswith(".onnx")]
    if len(networks) != len(adapters):
        raise ConfigError(
            f"{len(networks)} networks (.onnx) and {len(adapters)} times --adapter: give one each"
        )
    given = dict(zip(networks, adapters, strict=True))
    found: dict[str, Walker] = {}
    for name in names:
        walker = load_onnx(Path(name), given[name]) if name in given else make_walker(name)
        title = walker.name if name in given else Path(name).stem
        if title in found:
            raise ConfigError(f"two walkers are called '{title}'")
        found[title] = walker
    return found
