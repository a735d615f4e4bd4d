"""``gpc config``: print every parameter with its unit, range and meaning."""

from __future__ import annotations

import argparse
from typing import Any

from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError, suggest


def add_parser(subparsers: Any) -> None:
    """Add ``config`` to the command."""
    parser = subparsers.add_parser(
        "config",
        help="list the parameters of nodes and tasks",
        description="Lists every parameter with type, default, unit, range and meaning.",
    )
    parser.add_argument("section", nargs="?", help="only this node or task")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the parameters of one section or of all."""
    from gpc_ros.settings.parameter_files import describe, yaml_value

    known = sections()
    if args.section is not None and args.section not in known:
        raise ConfigError(f"no node or task '{args.section}'; {suggest(args.section, known)}")
    for title in [args.section] if args.section else list(known):
        sentence, settings = known[title]
        print(f"{title}: {sentence}")
        for p in config.parameters(settings):
            print(f"  {p.name}: {yaml_value(p.default)}  # {describe(p)}")
        print()
    return 0


def sections() -> dict[str, tuple[str, Any]]:
    """Return every set of parameters, by node or task name, with a sentence on it."""
    from gpc_ros.settings.node_settings import SETTINGS
    from gpc_ros.tasks import TASKS

    result: dict[str, tuple[str, Any]] = {}
    for name, settings in SETTINGS.items():
        result[name] = ((settings.__doc__ or "").splitlines()[0], settings())
    for name, task in TASKS.items():
        result[name] = (f"Task. {task.summary}", task.defaults)
    return result
