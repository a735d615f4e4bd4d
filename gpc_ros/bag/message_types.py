"""Definitions, fields and hashes of message types, and codecs for their serialised messages.

The text of a type is the ``.msg`` file that every ROS package installs (share/<package>/msg), and
for the interfaces of ROS itself, where they are not installed, the copy that rosbags carries.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.base import TypesysError
from rosbags.typesys.store import Typestore

from gpc_ros.bag.type_limits import check_text, check_types
from gpc_ros.common.errors import BagError

# The field of a type without fields.
FILLER = "structure_needs_at_least_one_member"
_HEADER = 4  # bytes of the encapsulation before a serialised message
# Exceptions that rosbags raises for an invalid text or invalid bytes.
_UNREADABLE = (
    TypesysError, SerdeError, AssertionError, AttributeError, IndexError, KeyError, TypeError,
    ValueError, SyntaxError, RecursionError, OverflowError, MemoryError, NameError,
)  # fmt: skip


@dataclass(frozen=True)
class Definition:
    """A message type as stored in a bag.

    Attributes:
        name: such as ``geometry_msgs/msg/PoseStamped``.
        text: its .msg file, followed by the .msg files of the nested types.
        digest: its hash as computed by ROS 2 (RIHS01).
    """

    name: str
    text: str
    digest: str


class Codec:
    """Decodes and encodes the messages of one type.

    A decoded message has the fields as attributes; arrays of numbers are NumPy arrays.
    """

    def __init__(self, name: str, text: str, encoding: str = "ros2msg") -> None:
        """Read a definition.

        Args:
            name: name of the type.
            text: definition, followed by the definitions of the nested types.
            encoding: language of the text, ``ros2msg`` or ``ros2idl``.

        Raises:
            BagError: the text cannot be read, or it is in another language.
        """
        self.name = name
        self._store = Typestore()
        check_text(name, text)
        try:
            if encoding == "ros2msg":
                types = get_types_from_msg(text, name)
            elif encoding == "ros2idl":
                types = get_types_from_idl(text)
            else:
                raise BagError(f"type {name}: its definition is written in '{encoding}'")
            check_types(name, types)
            self._store.register(types)
            self._store.get_msgdef(name)
        except _UNREADABLE as error:
            raise BagError(f"type {name}: its definition cannot be read: {_brief(error)}") from None
        self._empty = [field for field, _ in self.fields(name)] == [FILLER]

    def decode(self, data: bytes) -> Any:
        """Return the message in serialised bytes (CDR).

        Raises:
            BagError: the bytes are not a message of this type.
        """
        if self._empty and len(data) == _HEADER:  # some middlewares send no filler byte
            data = data + b"\0"
        try:
            return self._store.deserialize_cdr(data, self.name)
        except _UNREADABLE as error:
            raise BagError(f"not a message of type {self.name}: {_brief(error)}") from None

    def encode(self, message: Any) -> bytes:
        """Return a message, decoded or made by :meth:`make`, as serialised bytes (CDR)."""
        return bytes(self._store.serialize_cdr(message, self.name))

    def fields(self, type_name: str) -> list[tuple[str, Any]]:
        """Return names and descriptions (as in rosbags) of the fields of a contained type."""
        return list(self._store.fielddefs[type_name][1])

    def make(self, type_name: str, **fields: Any) -> Any:
        """Return a new message of this type or of a nested type, with every field given."""
        return self._store.types[type_name](**fields)


@lru_cache(maxsize=256)
def definition(name: str) -> Definition:
    """Return the definition of an installed type.

    Args:
        name: such as ``gpc_msgs/msg/Plan``.

    Raises:
        BagError: the type, or a nested one, is not installed here.
    """
    own = _own_text(name)
    texts: dict[str, str] = {}
    _gather(name, own, texts)
    parts = [own] + [
        f"{'=' * 80}\nMSG: {other.replace('/msg/', '/')}\n{text}" for other, text in texts.items()
    ]
    text = "\n".join(part.rstrip("\n") for part in parts) + "\n"
    store = Typestore()
    try:
        store.register(get_types_from_msg(text, name))
        digest = store.hash_rihs01(name)
    except _UNREADABLE as error:
        raise BagError(f"type {name}: its .msg file cannot be read: {_brief(error)}") from None
    return Definition(name, text, digest)


@lru_cache(maxsize=64)
def codec(name: str) -> Codec:
    """Return the codec of an installed type.

    Raises:
        BagError: the type is not installed here.
    """
    return Codec(name, definition(name).text)


def _gather(name: str, text: str, texts: dict[str, str]) -> None:
    """Collect the texts of all nested types, in order of first use."""
    try:
        fields = get_types_from_msg(text, name)[name][1]
    except _UNREADABLE as error:
        raise BagError(f"type {name}: its .msg file cannot be read: {_brief(error)}") from None
    for _, description in fields:
        for held in _held_types(description):
            if held not in texts:
                texts[held] = _own_text(held)
                _gather(held, texts[held], texts)


def _held_types(description: Any) -> Iterator[str]:
    """Yield the message types in rosbags' description of a field: (kind, details) nested."""
    if isinstance(description, str) and "/msg/" in description:
        yield description
    elif isinstance(description, tuple | list):
        for part in description:
            yield from _held_types(part)


def _own_text(name: str) -> str:
    package, _, short = name.partition("/msg/")
    for root in _roots():
        path = root / package / "msg" / f"{short}.msg"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    try:
        text, _ = _builtin_types().generate_msgdef(name, ros_version=2)
    except TypesysError:
        raise BagError(
            f"type {name}: its definition {package}/msg/{short}.msg is not installed; install or "
            f"build the package {package} in this environment"
        ) from None
    return text.partition("=" * 80)[0]


def _roots() -> Iterator[Path]:
    """Yield the folders with the share folders of ROS packages."""
    for prefix in (*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix):
        if prefix:
            yield Path(prefix) / "share"
    yield Path(__file__).resolve().parents[2]  # a source checkout contains gpc_msgs


@lru_cache(maxsize=1)
def _builtin_types() -> Typestore:
    return get_typestore(Stores.ROS2_JAZZY)


def _brief(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."
