"""``gpc config``: print every parameter; write config/*.yaml and the tables of docs/."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gpc_ros import config
from gpc_ros.errors import ConfigError, nearest


def add_parser(subparsers: Any) -> None:
    """Add ``config`` to the command."""
    parser = subparsers.add_parser(
        "config",
        help="list the parameters of nodes and tasks, or write their files",
        description="Lists every parameter with type, default, unit, range and meaning.",
    )
    parser.add_argument("section", nargs="?", help="only this node or task")
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--write",
        action="store_true",
        help="write config/*.yaml, docs/parameters.md and the tables of docs/safety.md and "
        "docs/walker.md",
    )
    group.add_argument(
        "--check", action="store_true", help="exit 1 if those files differ from the code"
    )
    parser.add_argument(
        "--root", type=Path, help="folder to write into (default: the clone that runs)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print, write or check."""
    if args.write or args.check:
        return _write(_root(args.root), only_check=args.check)
    from gpc_ros.nodes.files import describe, yaml_value

    known = sections()
    if args.section is not None and args.section not in known:
        raise ConfigError(f"no node or task '{args.section}'; {nearest(args.section, known)}")
    for title in [args.section] if args.section else list(known):
        sentence, settings = known[title]
        print(f"{title}: {sentence}")
        for p in config.parameters(settings):
            print(f"  {p.name}: {yaml_value(p.default)}  # {describe(p)}")
        print()
    return 0


def sections() -> dict[str, tuple[str, Any]]:
    """Return every set of parameters, by node or task name, with a sentence on it."""
    from gpc_ros.nodes.settings import SETTINGS
    from gpc_ros.tasks import TASKS

    result: dict[str, tuple[str, Any]] = {}
    for name, settings in SETTINGS.items():
        result[name] = ((settings.__doc__ or "").splitlines()[0], settings())
    for name, task in TASKS.items():
        result[name] = (f"Task. {task.summary}", task.defaults)
    return result


def generated() -> dict[str, str]:
    """Return what the generated files must hold, by path below the root."""
    from gpc_ros.nodes.files import parameters_markdown, parameters_yaml
    from gpc_ros.nodes.settings import SETTINGS

    files = {f"config/{n}.yaml": parameters_yaml(n, settings()) for n, settings in SETTINGS.items()}
    titled = {f"Node {n}" if n in SETTINGS else f"Task {n}": s for n, s in sections().items()}
    files["docs/parameters.md"] = parameters_markdown(titled)
    return files


def filled_pages(root: Path) -> dict[str, str]:
    """Return what pages of a clone's docs must hold, by path; without those that are not there."""
    from gpc_ros.evaluation.walker_figures import walker_blocks
    from gpc_ros.faults.table import fault_blocks
    from gpc_ros.pages import filled
    from gpc_ros.safety.tables import state_blocks

    blocks = {
        "docs/safety.md": {**state_blocks(), **fault_blocks(root)},
        "docs/walker.md": walker_blocks(root),
    }
    return {
        name: filled((root / name).read_text(encoding="utf-8"), blocks[name])
        for name in blocks
        if (root / name).is_file()
    }


def _write(root: Path, only_check: bool) -> int:
    code = 0
    for name, text in {**generated(), **filled_pages(root)}.items():
        path = root / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if only_check:
            print(f"{name} differs from the code; run: gpc config --write")
            code = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return code


def _root(given: Path | None) -> Path:
    root = given or Path(__file__).resolve().parents[2]
    if given is None and not (root / "package.xml").is_file():
        raise ConfigError("gpc config: this is no clone of gpc_ros; name a folder with --root")
    return root
