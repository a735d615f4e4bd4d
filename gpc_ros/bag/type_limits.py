"""Check the definition of a message type against bounds, before and after it is parsed.

Definitions come from bags. A short text can describe arrays of gigabytes, shifts by millions
of bits or types that nest without end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpc_ros.common.errors import BagError

_MAX_TEXT = 1_000_000
_MAX_LINE = 20_000
_MAX_FIELDS = 4_000
# Maximum number of values in one message outside of sequences, nested fields included.
_MAX_VALUES = 2_000_000
_MAX_ARRAY = 2_000_000
_MAX_DIGITS = 40
_MAX_DEPTH = 32
_NUMBER = re.compile(r"\d+")
_MAX_PRODUCTS = 8
_LONG_ARRAY = re.compile(r"\[\s*(<=)?\s*\d{8,}\s*\]")
_QUOTED = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|(?://|#)[^\n]*', re.DOTALL)
_SHIFT = re.compile(r"<<")
_LONG_SHIFT = re.compile(r"<<\s*\(?\s*\d{4,}")
# rosbags' kinds of fields: base, message, fixed array, sequence.
_MESSAGE, _ARRAY, _SEQUENCE = 2, 3, 4


def check_text(name: str, text: str) -> None:
    """Check a definition before it is parsed.

    Raises:
        BagError: it is too long, or contains numbers or expressions that no message type needs.
    """
    if len(text) > _MAX_TEXT:
        raise BagError(f"type {name}: its definition is longer than {_MAX_TEXT} characters")
    fields = 0
    for line in text.splitlines():
        code = re.split(r"#|//", line, maxsplit=1)[0]
        fields += bool(code.strip()) and not code.startswith("===")
        if len(code) > _MAX_LINE:
            raise BagError(f"type {name}: a line of its definition is too long")
        if any(len(n) > _MAX_DIGITS for n in _NUMBER.findall(code)):
            raise BagError(f"type {name}: its definition contains a number with too many digits")
        if _LONG_ARRAY.search(code):
            raise BagError(f"type {name}: its definition contains an array with too many entries")
    if fields > _MAX_FIELDS:
        raise BagError(f"type {name}: its definition has more than {_MAX_FIELDS} lines")
    code = _QUOTED.sub("", text)
    if _SHIFT.search(code) or _LONG_SHIFT.search(text):
        raise BagError(f"type {name}: its definition contains a bit shift, which is not supported")
    if code.count("*") > _MAX_PRODUCTS:
        raise BagError(f"type {name}: its definition contains too many products")


def check_types(name: str, types: Mapping[str, Any]) -> None:
    """Check parsed definitions.

    Args:
        name: of the message type.
        types: constants and fields by type name, as in rosbags.

    Raises:
        BagError: a type contains itself, or one message has too many fields or values.
    """
    sizes: dict[str, int] = {}

    def size(kind: str, depth: int, path: tuple[str, ...]) -> int:
        if kind in sizes:
            return sizes[kind]
        if kind in path:
            raise BagError(f"type {name}: its definition contains itself ({kind})")
        if depth > _MAX_DEPTH:
            raise BagError(f"type {name}: its definition nests deeper than {_MAX_DEPTH} types")
        if kind not in types:
            return 1
        fields = types[kind][1]
        if len(fields) > _MAX_FIELDS:
            raise BagError(f"type {name}: {kind} has {len(fields)} fields; at most {_MAX_FIELDS}")
        total = 0
        for _, description in fields:
            total += of(description, depth, (*path, kind))
            if total > _MAX_VALUES:
                raise BagError(f"type {name}: one message contains more than {_MAX_VALUES} values")
        sizes[kind] = max(total, 1)
        return sizes[kind]

    def of(description: Any, depth: int, path: tuple[str, ...]) -> int:
        node, rest = description
        if node == _MESSAGE:
            return size(rest, depth + 1, path)
        if node in (_ARRAY, _SEQUENCE):
            inner, length = rest
            each = of(inner, depth, path)
            if node == _ARRAY and length > _MAX_ARRAY:
                raise BagError(f"type {name}: an array of {length} entries is too long")
            return each * length if node == _ARRAY else each
        return 1

    size(name, 0, ())
