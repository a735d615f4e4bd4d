"""Measure the structure of a clone: rooms, imports, lines, unclear English, import times.

``python docs/tools/measure_structure.py CLONE [CLONE ...]`` prints one Markdown table with a column
per clone. A room is a folder of gpc_ros, or a loose module at its top. Imports that point up are
those between rooms that remain against the best order of the rooms.
"""

from __future__ import annotations

import argparse
import ast
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGE = "gpc_ros"
# Modules that have to be at the top of the package.
AT_TOP = {"__init__"}


def imports(package: Path) -> set[tuple[str, str]]:
    """Return pairs of rooms (importing, imported); a module at the top is a room by itself."""
    found = set()
    for path in sorted(package.rglob("*.py")):
        room = _room(path.relative_to(package).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _imported(node):
                parts = name.split(".")
                if parts[0] == PACKAGE and len(parts) > 1:
                    found.add((room, parts[1]))
    return {(a, b) for a, b in found if a != b and a and _exists(package, b)}


def _room(parts: tuple[str, ...]) -> str:
    return "" if parts == ("__init__",) else parts[0]


def _exists(package: Path, room: str) -> bool:
    return (package / room).is_dir() or (package / f"{room}.py").is_file()


def _imported(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        if node.module == PACKAGE:
            return [f"{PACKAGE}.{alias.name}" for alias in node.names]
        return [node.module]
    return []


def circles(arrows: set[tuple[str, str]]) -> list[set[str]]:
    """Return the groups of rooms that import each other, directly or through others."""
    reach: dict[str, set[str]] = {}
    for room in {room for arrow in arrows for room in arrow}:
        seen: set[str] = set()
        todo = [room]
        while todo:
            here = todo.pop()
            new = {b for a, b in arrows if a == here} - seen
            seen |= new
            todo += new
        reach[room] = seen
    groups = {frozenset(b for b in reach[a] if a in reach[b]) for a in reach if a in reach[a]}
    return [set(group) for group in groups]


def upward(arrows: set[tuple[str, str]]) -> int:
    """Return the least number of arrows found whose removal leaves no circle.

    Greedy: rooms are ordered so that few arrows point up (Eades, Lin and Smyth, 1993).
    """
    left = {room for arrow in arrows for room in arrow}
    head: list[str] = []
    tail: list[str] = []
    while left:
        inside = [(a, b) for a, b in arrows if a in left and b in left]
        out = {room: sum(a == room for a, _ in inside) for room in left}
        into = {room: sum(b == room for _, b in inside) for room in left}
        sink = next((r for r in sorted(left) if not out[r]), None)
        source = next((r for r in sorted(left) if not into[r]), None)
        if sink is not None:
            tail.insert(0, sink)
            left.remove(sink)
        else:
            best = source or max(sorted(left), key=lambda r: out[r] - into[r])
            head.append(best)
            left.remove(best)
    place = {room: i for i, room in enumerate(head + tail)}
    return sum(place[a] > place[b] for a, b in arrows)


def seconds(clone: Path, *code: str) -> float:
    """Return the median processor time of five starts of Python [s]; load hardly changes it."""
    taken = []
    for _ in range(5):
        begin = os.times()
        subprocess.run([sys.executable, *code], cwd=clone, check=True, capture_output=True)
        end = os.times()
        taken.append(
            end.children_user + end.children_system - begin.children_user - begin.children_system
        )
    return statistics.median(taken)


def measure(clone: Path) -> dict[str, str]:
    """Return what there is to count in a clone, by title."""
    from language import counts

    package = clone / PACKAGE
    lines = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in package.rglob("*.py")
    }
    largest = max(lines, key=lambda path: lines[path])
    loose = sorted(p.stem for p in package.glob("*.py") if p.stem not in AT_TOP)
    rooms = sorted(p.parent.name for p in package.glob("*/__init__.py"))
    arrows = imports(package)
    rows = {
        "rooms": str(len(rooms)),
        "loose modules at the top of the package": str(len(loose)),
        "imports from room to room": str(len(arrows)),
        "imports that point up": str(upward(arrows)),
        "circles": str(len(circles(arrows))),
        "files": str(len(lines)),
        "lines": str(sum(lines.values())),
        "lines of the median file": f"{statistics.median(lines.values()):.0f}",
        "largest file": f"`{largest.relative_to(package)}`, {lines[largest]}",
    }
    found = counts(clone)
    for title in sorted({title for hits in found.values() for title in hits}):
        rows[f"English: {title}"] = str(sum(hits.get(title, 0) for hits in found.values()))
    total = sum(sum(hits.values()) for hits in found.values())
    rows["English: all ten patterns"] = str(total)
    rows["`import gpc_ros.planning`, processor time [s]"] = (
        f"{seconds(clone, '-c', 'import gpc_ros.planning'):.2f}"
    )
    command = "from gpc_ros.cli.main import main; main(['--help'])"
    rows["`gpc --help`, processor time [s]"] = f"{seconds(clone, '-c', command):.2f}"
    return rows


def lines_by_room(clone: Path) -> dict[str, int]:
    """Return the lines of Python of each room."""
    found: dict[str, int] = {}
    for path in (clone / PACKAGE).rglob("*.py"):
        parts = path.relative_to(clone / PACKAGE).parts
        room = parts[0] if len(parts) > 1 else "(top)"
        found[room] = found.get(room, 0) + len(path.read_text(encoding="utf-8").splitlines())
    return found


def table(columns: dict[str, dict[str, str]], first: str) -> str:
    """Return a Markdown table with one column per clone."""
    titles = list(dict.fromkeys(title for rows in columns.values() for title in rows))
    lines = [f"| {first} | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for title in titles:
        cells = (rows.get(title, "-") for rows in columns.values())
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure each clone and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clones", type=Path, nargs="+", help="folders of clones")
    parser.add_argument("--names", nargs="+", help="titles of the columns")
    args = parser.parse_args()
    names = args.names or [clone.name for clone in args.clones]
    print(table({n: measure(c) for n, c in zip(names, args.clones, strict=True)}, ""))
    print()
    rooms = {
        n: {r: str(k) for r, k in sorted(lines_by_room(c).items())}
        for n, c in zip(names, args.clones, strict=True)
    }
    print(table(rooms, "lines by room"))


if __name__ == "__main__":
    main()
