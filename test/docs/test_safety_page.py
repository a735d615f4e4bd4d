"""The tables of docs/safety.md match the code and the results, and its tests exist."""

from __future__ import annotations

import re
from pathlib import Path

from fault_injection.every_case import EVERY_CASE
from fault_injection.hardware_graph import HARDWARE_CASES
from fault_injection.table import fault_table, kill_table, named_test
from generate import filled_pages
from pages import filled
from safety_tables import drawing

from gpc_ros.safety.conditions import CONDITIONS
from gpc_ros.safety.states import RULES, State

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")


def test_tables_match_code_and_results() -> None:
    assert filled_pages(ROOT)["docs/safety.md"] == PAGE, "run: python docs/tools/generate.py"


def test_every_block_of_the_page_is_filled() -> None:
    begun = re.findall(r"<!-- begin (\w+) -->", PAGE)
    assert sorted(begun) == sorted(re.findall(r"<!-- end (\w+) -->", PAGE))
    for name in begun:
        block = PAGE.split(f"<!-- begin {name} -->")[1].split(f"<!-- end {name} -->")[0]
        assert len(block.strip().splitlines()) > 3, name


def test_every_rule_condition_and_state_is_listed() -> None:
    for rule in RULES:
        assert f"| {rule.event.value} |" in PAGE
    for row in CONDITIONS:
        assert f"| {row.name} |" in PAGE and row.advice in PAGE
    for state in State:
        assert state.name in drawing() and f"| {state.words} |" in PAGE


def test_every_named_test_exists() -> None:
    named = set(re.findall(r"(test/[\w/]+\.py)(?:::(\w+))?", PAGE))
    assert named
    for file, function in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert not function or f"def {function}(" in text, f"{file}::{function}"
    for name in EVERY_CASE:
        found = re.fullmatch(r"(.*)::(\w+)\[(\w+)\]", named_test(name))
        assert found is not None and found[3] == name
        assert f"def {found[2]}(" in (ROOT / found[1]).read_text(encoding="utf-8")
        assert f"{found[1]}::{found[2]}" in PAGE
        assert f"`[{name}]`" in PAGE


def test_every_case_behind_the_sdk_is_listed_and_tested() -> None:
    block = PAGE.split("<!-- begin hardware -->")[1].split("<!-- end hardware -->")[0]
    for name, case in HARDWARE_CASES.items():
        assert f"`[{name}]`" in block and case.reaction in block
    text = (ROOT / "test/faults/test_live_hardware.py").read_text(encoding="utf-8")
    assert "def test_behind_the_sdk_the_reaction_is_the_stated_one(" in text
    assert 'parametrize("name", HARDWARE_CASES)' in text


def test_each_row_from_1_to_35_is_in_the_table() -> None:
    rows = {int(n) for n in re.findall(r"^\| (\d+) \|", fault_table({}), re.MULTILINE)}
    assert rows == set(range(1, 36))


def test_measured_delays_are_beside_their_bounds() -> None:
    row = {"n": 3, "p50": 0.0431, "p99": 0.0462, "max": 0.0463, "failures": [], "held": True}
    assert "| 43, 46, 46 ms (3) |" in fault_table({"robot_silent": row})
    late = fault_table({"robot_silent": {**row, "held": False}})
    assert "43, 46, 46 ms (3), **not held**" in late
    other = fault_table({"robot_silent": {**row, "failures": ["x"], "held": False}})
    assert "43, 46, 46 ms (3), **1 otherwise**" in other
    assert "| as stated (2) |" in fault_table({"motor_warm": {"n": 2, "failures": []}})
    figures = {"kills": 20, "as_stated": 20, "violations": 0, "commands": 900}
    assert "| 20 of 20 | 0.1 s | not yet | 0 of 900 |" in kill_table({"bridge": figures})
    timed = {**figures, "delay_p50": 0.0763, "delay_max": 0.0952}
    assert "| 20 of 20 | 0.1 s | 76, 95 ms | 0 of 900 |" in kill_table({"bridge": timed})
    late = kill_table({"bridge": {**timed, "delay_max": 0.12}})
    assert "| 76, 120 ms, **not held** |" in late


def test_text_outside_the_marks_is_kept() -> None:
    page = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb <!-- begin y -->"
    assert filled(page, {"x": "new", "y": "lost"}) == (
        "a\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nb <!-- begin y -->"
    )
