"""Make the fault table of docs/safety.md: fault, bound, test and measured delays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safety_tables import table

from fault_injection.cases import Case

RESULTS = "docs/results/faults.json"
HARDWARE_RESULTS = "docs/results/faults_hardware.json"
KILL_RESULTS = "docs/results/kill.json"
TEST = "test/faults/test_live_faults.py::test_the_reaction_is_the_stated_one"
CLOCK_TEST = "test/faults/test_live_clock.py::test_the_reaction_to_a_bad_clock_is_the_stated_one"
_VELOCITY = "[m/s]"


def named_test(name: str) -> str:
    """Return the pytest id of the test of a case."""
    from fault_injection.every_case import EVERY_CASE

    return f"{CLOCK_TEST if EVERY_CASE[name].clock else TEST}[{name}]"


def fault_table(results: Mapping[str, Any]) -> str:
    """Return every case of the fault table, with its measured delays.

    Args:
        results: ``rows`` of the file of ``bench/faults.py``; empty without the file.
    """
    from fault_injection.every_case import EVERY_CASE

    return _cases_table(EVERY_CASE.values(), results)


def hardware_table(results: Mapping[str, Any]) -> str:
    """Return every case of driver and emulated robot, as :func:`fault_table`."""
    from fault_injection.hardware_graph import HARDWARE_CASES

    cases = sorted(HARDWARE_CASES.values(), key=lambda case: case.row)
    return _cases_table(cases, results)


def _cases_table(cases: Iterable[Case], results: Mapping[str, Any]) -> str:
    rows = []
    for case in cases:
        unit = "m/s" if _VELOCITY in case.of else "s"
        bound = "same cycle" if case.bound is None else f"{case.bound:g} {unit}"
        measured = _measured(results.get(case.name, {}), unit)
        rows.append((case.row, case.fault, case.reaction, bound, measured, f"`[{case.name}]`"))
    head = ("row", "fault", "reaction", "bound", "measured: median, p99, longest (n)", "test")
    return table(head, rows)


def _measured(row: Mapping[str, Any], unit: str) -> str:
    if not row:
        return "not yet"
    failed = f", **{len(row['failures'])} otherwise**" if row["failures"] else ""
    if "p50" not in row:
        return f"as stated ({row['n']}){failed}"
    scale, name = (1.0, unit) if unit != "s" else (1e3, "ms")
    digits = 2 if unit != "s" else 0
    figures = ", ".join(f"{scale * row[key]:.{digits}f}" for key in ("p50", "p99", "max"))
    late = "" if row["held"] or failed else ", **not held**"
    return f"{figures} {name} ({row['n']}){failed}{late}"


def kill_table(results: Mapping[str, Any]) -> str:
    """Return the reactions to killing each node, from the file of ``bench/kill.py``."""
    from fault_injection.every_case import EVERY_CASE
    from fault_injection.kills import KILLS

    rows = []
    for node, name in KILLS.items():
        case, r = EVERY_CASE[name], results.get(node, {})
        seen = f"{r['as_stated']} of {r['kills']}" if r else "not yet"
        broken = f"{r['violations']} of {r['commands']}" if r else "not yet"
        bound = f"{case.bound:g} s" if case.bound is not None else "-"
        late = r.get("delay_max") is not None and case.bound and r["delay_max"] > case.bound
        delay = "not yet"
        if r.get("delay_p50") is not None:
            delay = f"{1e3 * r['delay_p50']:.0f}, {1e3 * r['delay_max']:.0f} ms"
        rows.append(
            (node, case.reaction, seen, bound, delay + (", **not held**" if late else ""), broken)
        )
    head = (
        "killed", "reaction", "as stated", "bound", "measured: median, longest",
        "commands beyond a limit",
    )  # fmt: skip
    return table(head, rows)


def fault_blocks(root: Path) -> dict[str, str]:
    """Return the blocks of docs/safety.md that follow from cases and results.

    Args:
        root: folder of the clone, for the results.
    """
    faults, kills = _read(root / RESULTS), _read(root / KILL_RESULTS)
    return {
        "faults": fault_table(faults.get("rows", {})),
        "hardware": hardware_table(_read(root / HARDWARE_RESULTS).get("rows", {})),
        "kills": kill_table(kills.get("nodes", {})),
    }


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if path.is_file():
        content = json.loads(path.read_text(encoding="utf-8"))
    return content
