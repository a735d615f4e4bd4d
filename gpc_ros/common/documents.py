"""Load JSON and YAML with limits on size, depth, aliases and digits.

Every document from outside passes here: a small hostile text must not cost gigabytes or minutes,
and every defect ends in one exception type.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gpc_ros.common.errors import GpcError
from gpc_ros.common.files import read_input, size_text


class DocumentError(GpcError, ValueError):
    """A text is not a valid document or exceeds a limit; the message has no file name."""


@dataclass(frozen=True)
class Limits:
    """Bounds of a document.

    Attributes:
        size: length of the text [bytes].
        depth: nesting of lists and mappings.
        nodes: number of values, aliases expanded.
        digits: of one number.
    """

    size: int = 64_000_000
    depth: int = 64
    nodes: int = 5_000_000
    digits: int = 64


JSON_LIMITS = Limits()
# PyYAML reads about 0.2 MB a second.
YAML_LIMITS = Limits(size=1_000_000, nodes=100_000)


def load_json(text: str | bytes, limits: Limits = JSON_LIMITS) -> Any:
    """Return the content of a JSON text.

    Raises:
        DocumentError: it is not JSON, not UTF-8, or exceeds a limit.
    """

    def integer(digits: str) -> int:
        return int(_short(digits, limits))

    def number(digits: str) -> float:
        value = float(_short(digits, limits))
        if not math.isfinite(value):
            raise DocumentError(f"the number {digits} is too large")
        return value

    decoded = _decode(text, limits)
    try:
        content = json.loads(decoded, parse_int=integer, parse_float=number)
    except DocumentError:
        raise
    except RecursionError:
        raise DocumentError(f"it is nested deeper than {limits.depth} levels") from None
    except ValueError as error:
        raise DocumentError(f"not JSON: {error}") from None
    _check(content, limits)
    return content


def load_yaml(text: str | bytes, limits: Limits = YAML_LIMITS) -> Any:
    """Return the content of a YAML text with one document.

    Raises:
        DocumentError: it is not YAML, not UTF-8, or exceeds a limit.
    """
    loader = None
    try:
        loader = _Loader(_decode(text, limits), limits)
        content = loader.get_single_data()
    except DocumentError:
        raise
    except RecursionError:
        raise DocumentError(f"it is nested deeper than {limits.depth} levels") from None
    except yaml.YAMLError as error:
        raise DocumentError(f"not YAML: {_one_line(error)}") from None
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise DocumentError(f"not YAML: a value cannot be read: {_one_line(error)}") from None
    finally:
        if loader is not None:
            loader.dispose()
    return content


def read_json(path: Path, limits: Limits = JSON_LIMITS) -> Any:
    """Return the content of a JSON file.

    Raises:
        OSError: the file cannot be read or is not a regular file.
        DocumentError: its text is not JSON, not UTF-8, or exceeds a limit.
    """
    return load_json(read_input(path, limits.size), limits)


def read_yaml(path: Path, limits: Limits = YAML_LIMITS) -> Any:
    """Return the content of a YAML file; raises as :func:`read_json`."""
    return load_yaml(read_input(path, limits.size), limits)


def _decode(text: str | bytes, limits: Limits) -> str:
    if len(text) > limits.size:
        raise DocumentError(f"it is larger than {size_text(limits.size)}")
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"not UTF-8 (byte {error.start})") from None


def _short(digits: str, limits: Limits) -> str:
    if len(digits) > limits.digits:
        raise DocumentError(f"a number has {len(digits)} digits; at most {limits.digits} are read")
    return digits


def _check(content: Any, limits: Limits) -> None:
    """Check depth, number of values and texts of parsed JSON, without recursion."""
    level, depth, nodes = [content], 0, 0
    while level:
        nodes += len(level)
        if depth > limits.depth:
            raise DocumentError(f"it is nested deeper than {limits.depth} levels")
        if nodes > limits.nodes:
            raise DocumentError(f"it holds more than {limits.nodes} values")
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
                for key in value:
                    _check_text(key)
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str):
                _check_text(value)
        level, depth = below, depth + 1


def _check_text(text: str) -> None:
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        raise DocumentError("a text contains half of a surrogate pair") from None


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with limits."""

    def __init__(self, text: str, limits: Limits) -> None:
        super().__init__(text)
        self._limits = limits
        self._depth = 0
        self._count = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose one node; an alias counts as all nodes that it stands for."""
        if self._depth > self._limits.depth:
            raise DocumentError(f"it is nested deeper than {self._limits.depth} levels")
        alias = self.check_event(yaml.AliasEvent)
        before = self._count
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if alias:
            if id(node) not in self._sizes:
                raise DocumentError("an alias stands inside the node that it names")
            self._count += self._sizes[id(node)]
        else:
            self._count += 1
        if self._count > self._limits.nodes:
            raise DocumentError(f"it holds more than {self._limits.nodes} values")
        self._sizes.setdefault(id(node), self._count - before)
        return node

    def construct_yaml_int(self, node: Any) -> int:
        """Return an integer with a bounded number of digits."""
        _short(str(node.value), self._limits)
        return int(super().construct_yaml_int(node))

    def construct_yaml_float(self, node: Any) -> float:
        """Return a number with a bounded number of digits."""
        _short(str(node.value), self._limits)
        return float(super().construct_yaml_float(node))

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping; a key that occurs twice is an error, not a silent loss."""
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        keys = [k for k, _ in pairs if k.tag != "tag:yaml.org,2002:merge"]
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        if len(mapping) < len(keys):
            names = [str(k.value) for k in keys if isinstance(k, yaml.ScalarNode)]
            twice = sorted({n for n in names if names.count(n) > 1}) if len(names) < 1000 else []
            raise DocumentError(f"a key occurs twice: {', '.join(twice)[:80]}")
        return mapping


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
