"""Every row of docs/security.md names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

from gpc_ros.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE[PAGE.index("## What an attacker can do") :].splitlines()
    if line.startswith("| ") and not line.startswith("| attack")
]


def test_every_named_test_exists() -> None:
    assert len(ROWS) > 30
    for attack, _, named in ROWS:
        for path, function in re.findall(r"`(test/[\w/]+\.py)(?:::(\w+))?`", named):
            text = (ROOT / path).read_text(encoding="utf-8")
            assert not function or f"def {function}(" in text, f"{attack}: {named}"


def test_a_row_without_a_test_admits_that_the_attack_works() -> None:
    for attack, result, named in ROWS:
        assert named.startswith("`test/") or "*can*" in result, attack


def test_the_command_of_the_page_exists() -> None:
    assert "gpc security init" in PAGE
    assert any(command.name == "security init" for command in COMMANDS)


def test_named_fault_cases_are_injected_live() -> None:
    from fault_injection.every_case import EVERY_CASE

    cases = re.findall(r"`test/support/fault_injection/\w+\.py::(\w+)`", PAGE)
    assert cases and set(cases) <= EVERY_CASE.keys()
