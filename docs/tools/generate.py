"""Write the files that are made from code and results: config/*.yaml and tables of docs/.

Run it in a clone: ``.venv/bin/python docs/tools/generate.py`` writes, ``--check`` only compares
and exits with 1 if a file differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python docs/tools/generate.py"


def generated() -> dict[str, str]:
    """Return the text of every file that is generated as a whole, by path below the root."""
    from parameters_page import parameters_markdown

    from gpc_ros.cli.config import sections
    from gpc_ros.settings.node_settings import SETTINGS
    from gpc_ros.settings.parameter_files import parameters_yaml

    files = {f"config/{n}.yaml": parameters_yaml(n, settings()) for n, settings in SETTINGS.items()}
    titled = {f"{s.kind} {n}": (s.sentence, s.settings) for n, s in sections().items()}
    files["docs/parameters.md"] = parameters_markdown(titled)
    return files


def filled_pages(root: Path) -> dict[str, str]:
    """Return the text of each page with generated tables, by path; missing pages are left out."""
    from fault_injection.table import fault_blocks
    from pages import filled
    from safety_tables import state_blocks
    from walker_table import walker_blocks

    blocks: dict[str, Mapping[str, str]] = {
        "docs/safety.md": {**state_blocks(), **fault_blocks(root)},
        "docs/walker.md": walker_blocks(root),
    }
    return {
        name: filled((root / name).read_text(encoding="utf-8"), blocks[name])
        for name in blocks
        if (root / name).is_file()
    }


def write(root: Path, only_check: bool) -> int:
    """Write or compare every generated file below a root; return the exit code."""
    code = 0
    for name, text in {**generated(), **filled_pages(root)}.items():
        path = root / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if only_check:
            print(f"{name} differs from the code; run: {COMMAND}")
            code = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return code


def main() -> int:
    """Parse the arguments and write or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 on a difference")
    parser.add_argument("--root", type=Path, default=ROOT, help="clone to write into")
    args = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(ROOT / "test" / "support")]
    return write(args.root, args.check)


if __name__ == "__main__":
    raise SystemExit(main())
