"""JSON and YAML from outside cost bounded time and memory, and every defect is one exception."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpc_ros.common.documents import DocumentError, Limits, load_json, load_yaml, read_json


def alias_bomb(levels: int = 9, width: int = 9) -> str:
    lines = ["a0: &a0 [x]"]
    for i in range(1, levels):
        lines.append(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (alias_bomb(), "more than 100000 values"),
        ("a: &a [*a]", "alias stands inside"),
        ("[" * 5000, "nested deeper"),
        ("- " * 5000, "nested deeper"),
        ("x: " + "9" * 400, "400 digits"),
        ("x: 2001-99-99", "cannot be read"),
        ("a: 1\na: 2", "occurs twice: a"),
        ("a: [1", "not YAML"),
        ("a: !!python/object:os.system {}", "not YAML"),
        (b"a: \xff\xfe", "not UTF-8"),
        ("\0", "not YAML"),
        ("x: " + "y" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_hostile_yaml_is_one_sentence_in_bounded_time(text: str | bytes, message: str) -> None:
    start = time.process_time()
    with pytest.raises(DocumentError, match=message) as caught:
        load_yaml(text)
    assert time.process_time() - start < 5.0
    assert "\n" not in str(caught.value)


def test_aliases_and_merge_keys_within_the_limits_are_read() -> None:
    assert load_yaml("a: &x {b: 1}\nc: {<<: *x, b: 2}\nd: *x") == {
        "a": {"b": 1}, "c": {"b": 2}, "d": {"b": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested deeper"),
        ("[" * 70 + "]" * 70, "nested deeper"),
        ("1" * 400, "400 digits"),
        ("[1e999]", "too large"),
        ('"\\ud800"', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        ("{", "not JSON"),
        (b"\xff", "not UTF-8"),
        ("", "not JSON"),
    ],
)
def test_hostile_json_is_one_sentence(text: str | bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        load_json(text)


def test_number_of_values_is_limited() -> None:
    with pytest.raises(DocumentError, match="more than 10 values"):
        load_json(str(list(range(20))), Limits(nodes=10))


@settings(deadline=None, max_examples=200)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_any_text_gives_a_value_or_a_document_error(text: str | bytes) -> None:
    for load in (load_json, load_yaml):
        try:
            load(text)
        except DocumentError as error:
            assert "\n" not in str(error)


def test_fifo_and_device_are_rejected_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, kind in ((tmp_path / "fifo", "FIFO"), (Path("/dev/zero"), "device")):
        with pytest.raises(OSError, match=kind):
            read_json(path)
