"""docs/hardware.md explains messages that the code really gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "hardware.md").read_text(encoding="utf-8")
ROWS = PAGE.split("## Troubleshooting")[1].split("\n## ")[0]
# The rows of the table: one or two messages in the first cell, perhaps with figures in them.
MESSAGES = [
    message
    for cell in re.findall(r"^\| (`[^|]*) \|", ROWS, re.MULTILINE)
    for message in re.findall(r"`([^`]+)`", cell)
]


def sources() -> str:
    """Return all code with the parts of each text joined."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "gpc_ros").rglob("*.py"))
    return "\n".join(re.sub(r'"\s*\n\s*f?"', "", text) for text in texts)


def test_the_table_has_messages() -> None:
    assert len(MESSAGES) > 10


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_of_the_table_is_in_the_code(message: str) -> None:
    # A figure or a name ends the part of a message that is the same every time.
    fixed = re.split(r" for \d| at \d| \(| '|\d", message)[0].strip()
    fixed = fixed.removeprefix("no ")  # put before the thing that is missing
    assert len(fixed) > 10 and fixed in sources()
