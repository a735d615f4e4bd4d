"""``gpc config``: print every parameter with its unit, range and meaning."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from gpc_ros.cli.commands import COMMANDS
from gpc_ros.cli.names import merged
from gpc_ros.cli.parser import CommandParser
from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError, suggest


@dataclass(frozen=True)
class Section:
    """A set of parameters under one heading.

    Attributes:
        kind: Node, Task, Optimizer or Command.
        sentence: its summary.
        settings: a dataclass instance of parameters.
    """

    kind: str
    sentence: str
    settings: Any


def configure(parser: CommandParser) -> None:
    """Describe ``gpc config``."""
    parser.description = (
        "Lists every parameter with default, unit, range and meaning. Name a node, a task, an "
        "optimizer or a command (gpc config proposal train) to see only its parameters."
    )
    parser.add_argument("section", nargs="*", help="one section; all if left out")


def run(args: argparse.Namespace) -> int:
    """Print the parameters of one section or of all."""
    from gpc_ros.settings.parameter_files import describe, yaml_value

    known = sections()
    chosen = " ".join(args.section)
    former = {c.former: c.name for c in COMMANDS if c.former}
    chosen = former.get(chosen, chosen)
    if chosen and chosen not in known:
        raise ConfigError(
            f"no node, task, optimizer or command '{chosen}'; {suggest(chosen, known)}"
        )
    for title in [chosen] if chosen else list(known):
        section = known[title]
        print(f"{title}: {section.kind}. {section.sentence}")
        for p in config.parameters(section.settings):
            print(f"  {p.name}: {yaml_value(p.default)}  # {describe(p)}")
        print()
    return 0


def sections() -> dict[str, Section]:
    """Return every set of parameters by name of node, task, optimizer or command.

    Commands that start a graph are left out: their parameters are those of the nodes.
    """
    from gpc_ros.cli.main import make_parser
    from gpc_ros.settings.node_settings import SETTINGS
    from gpc_ros.tasks import TASKS

    result: dict[str, Section] = {}
    for name, settings in SETTINGS.items():
        result[name] = Section("Node", (settings.__doc__ or "").splitlines()[0], settings())
    for name, task in TASKS.items():
        result[name] = Section("Task", task.summary, task.defaults)
    for name, optimizer in optimizers().items():
        sentence = (type(optimizer).__doc__ or "").splitlines()[0]
        result[name] = Section("Optimizer", sentence, optimizer)
    for command in COMMANDS:
        parser, _ = make_parser(command)
        if parser.own is None or not parser.list_options:
            continue
        sentence = command.summary[0].upper() + command.summary[1:] + "."
        result[command.name] = Section("Command", sentence, merged(parser.own, parser.groups))
    return result


def optimizers() -> dict[str, Any]:
    """Return the parameters of every optimizer by name."""
    from gpc_ros.planning.optimizers.cem import CemConfig
    from gpc_ros.planning.optimizers.mppi import MppiConfig
    from gpc_ros.planning.optimizers.predictive_sampling import PredictiveSamplingConfig

    return {
        "cem": CemConfig(),
        "mppi": MppiConfig(),
        "predictive_sampling": PredictiveSamplingConfig(),
    }
