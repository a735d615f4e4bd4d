"""Ten patterns of unclear English may only become rarer; docs/tools/language.py counts them."""

from __future__ import annotations

import re
from pathlib import Path

import language
import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python docs/tools/language.py"


def test_no_file_has_more_unclear_sentences_than_before() -> None:
    accepted = language.stored()
    worse = [
        f"{name}: '{title}' {number} times, {accepted.get(name, {}).get(title, 0)} accepted"
        for name, hits in language.counts(ROOT).items()
        for title, number in hits.items()
        if number > accepted.get(name, {}).get(title, 0)
    ]
    assert worse == [], f"reword these sentences ({COMMAND} --show names the lines)"


def test_a_count_that_fell_is_stored() -> None:
    found = language.counts(ROOT)
    stale = [
        f"{name}: '{title}'"
        for name, hits in language.stored().items()
        for title, number in hits.items()
        if found.get(name, {}).get(title, 0) < number
    ]
    assert stale == [], f"run: {COMMAND} --lower"


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        ("It keeps what is left of a bag.", "what clause"),
        ("That is no number.", "is no X"),
        ("Counts the records that are none.", "none as a predicate"),
        ("The file says which model.", "data that speaks"),
        ("The filter trusts the pose.", "filter that believes"),
        ("It takes those that are new.", "unnamed thing"),
        ("The robot goes on.", "goes on"),
        ("Who has gone hears nothing.", "process as a person"),
        ("The name stands in the card.", "stands in"),
        ("A process of its own.", "of one's own"),
    ],
)
def test_each_pattern_finds_its_example(sentence: str, title: str) -> None:
    assert [t for t, p in language.PATTERNS.items() if re.search(p, sentence)] == [title]


def test_plain_sentences_are_not_counted() -> None:
    plain = "The validator rejects NaN and counts the message. It returns None if x is None."
    assert not any(re.search(p, plain) for p in language.PATTERNS.values())
