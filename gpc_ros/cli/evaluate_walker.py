"""``gpc walker evaluate``: measure walkers side by side."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.config import param
from gpc_ros.common.errors import ConfigError

if TYPE_CHECKING:
    from gpc_ros.locomotion.walker import Walker


@dataclass(frozen=True)
class Options:
    """Options of ``gpc walker evaluate``."""

    adapter: tuple[str, ...] = param(
        (), "Adapter files of the .onnx networks, in order, separated by commas; see docs/walker.md"
    )
    seed: int = param(0, "Seed of changed robots and commands", low=0, high=2**31)
    out: str = param("", "JSON file to write")
    note: bool = param(False, "Also write the metrics into the cards of the walkers")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc walker evaluate``."""
    parser.description = (
        "Measures tracking, response, falls under pushes, in changed robots and while pushing\n"
        "boxes, and the time of a step, of one walker or several in the same run. Prints a table\n"
        "and writes every metric as JSON."
    )
    parser.usage = f"{parser.prog} WALKER ... [--NAME VALUE ...]"
    parser.add_argument(
        "walkers", nargs="+", metavar="WALKER",
        help="trot, a shipped walker, the card (.json) of a trained one, or a network (.onnx)",
    )  # fmt: skip
    parser.add_options(Options())


def run(args: argparse.Namespace) -> int:
    """Measure one walker after the other and print the table."""
    from gpc_ros.common.files import write_atomic
    from gpc_ros.evaluation.provenance import made_with
    from gpc_ros.evaluation.walker_metrics import Measured, table
    from gpc_ros.evaluation.walker_trials import measure
    from gpc_ros.locomotion.policy_file import note_figures

    options = args.options
    cards = _cards(args.walkers) if options.note else {}
    walkers = _walkers(args.walkers, [Path(name) for name in options.adapter])
    found: dict[str, Measured] = {}
    for title, walker in walkers.items():
        found[title] = measure(walker, options.seed, partial(_show, title))
        if title in cards:
            note_figures(cards[title], found[title].figures())
    print(table(found))
    if options.out:
        document = {
            "walkers": {title: vars(result) for title, result in found.items()},
            "seed": options.seed,
            "made_with": made_with(),
        }
        write_atomic(Path(options.out), json.dumps(document, indent=1) + "\n")
    return 0


def _show(title: str, test: str) -> None:
    print(f"{title}: {test}", flush=True)


def _cards(names: list[str]) -> dict[str, Path]:
    """Return the cards of the walkers that have one, by title."""
    from gpc_ros.locomotion.registry import shipped_walkers

    own = {Path(name).stem: Path(name) for name in names if name.endswith(".json")}
    return {**{name: card for name, card in shipped_walkers().items() if name in names}, **own}


def _walkers(names: list[str], adapters: list[Path]) -> dict[str, Walker]:
    """Return the walkers by title.

    Raises:
        ConfigError: the numbers of networks and adapters differ, or a walker is named twice.
    """
    from gpc_ros.locomotion.policy_file import load_onnx
    from gpc_ros.locomotion.registry import make_walker

    networks = [name for name in names if name.endswith(".onnx")]
    if len(networks) != len(adapters):
        raise ConfigError(
            f"{len(networks)} networks (.onnx) and {len(adapters)} adapters: give one each, as in "
            "--adapter a.yaml,b.yaml"
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
