"""Seeded mutations of bytes and of JSON, and the search for the smallest mutation that fails."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

_NUMBERS = (0, 1, -1, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, -1e308, float("nan"), float("inf"), 10**60, "", "\0", "x" * 300,
    "../../etc/passwd", [], {}, [[]], [None] * 3, {"a": {"b": 1}}, 0.0, 1e-300, 2**70, "nan",
)  # fmt: skip


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return data with a few bytes flipped, overwritten, removed, repeated or cut."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if not out:
            break
        at = rng.randrange(len(out))
        kind = rng.randrange(7)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at] = rng.randrange(256)
        elif kind == 2:
            size = rng.choice((1, 2, 4, 8))
            value = rng.choice(_NUMBERS) % (1 << (8 * size))
            out[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))
        elif kind == 3:
            del out[at : at + rng.choice((1, 4, 16, 256))]
        elif kind == 4:
            out[at:at] = out[at : at + rng.choice((1, 8, 64))]
        elif kind == 5:
            out[at : at + 8] = bytes(rng.randrange(256) for _ in range(8))
        else:
            del out[at:]
    return bytes(out)


def mutate_json(data: bytes, rng: random.Random) -> bytes:
    """Return a JSON text with some values replaced, removed or renamed."""
    document = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = list(_places(document))
        if not places:
            break
        holder, key = rng.choice(places)
        kind = rng.randrange(4)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[rng.choice(("", "unknown", f"{key}x"))] = holder.pop(key)
        else:
            holder[key] = rng.choice(_VALUES)
    return json.dumps(document).encode()


def _places(value: Any, limit: int = 400) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting and len(found) < limit:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


def minimise(data: bytes, fails: Callable[[bytes], bool], tries: int = 200) -> bytes:
    """Return a shorter input that still fails, by removing ever smaller parts."""
    size = max(len(data) // 2, 1)
    while size >= 1 and tries > 0:
        at = 0
        while at < len(data) and tries > 0:
            shorter = data[:at] + data[at + size :]
            tries -= 1
            if shorter and fails(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    return data
