"""Export a bag as Parquet tables: one file per topic, one column per scalar field."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.bag.bag_reader import BagMessage, BagReader
from gpc_ros.bag.message_types import FILLER, Codec
from gpc_ros.bag.topic_info import TopicInfo
from gpc_ros.common.errors import BagError
from gpc_ros.common.files import make_folder, new_file

# Rows per batch: a long bag must not be in memory completely.
_BATCH, _BATCH_BYTES = 20_000, 32_000_000
# Tables with more columns would need gigabytes and are skipped.
_MAX_COLUMNS = 20_000
_LONGEST_NAME = 200
# Fixed arrays up to this length become numbered columns; other arrays become lists.
_SPREAD = 16
# Description of a field in rosbags.
_SCALAR, _MESSAGE, _FIXED = 1, 2, 3
_TIMES = ("builtin_interfaces/msg/Time", "builtin_interfaces/msg/Duration")


@dataclass(frozen=True)
class Export:
    """The result of an export.

    Attributes:
        files: the tables that were written.
        rows: number of rows in all of them.
        missing: number of messages in the bag that no table contains.
    """

    files: list[Path]
    rows: int
    missing: int


def export_parquet(
    reader: BagReader, folder: Path, every: Callable[[str], None] = lambda _: None
) -> Export:
    """Write one table for every topic, as ``<topic>.parquet`` with dots for slashes.

    Columns are ``time`` (of receipt [s]) and the message's fields by dotted name, such as
    ``pose.position.x``; ``header.stamp`` and other times are seconds. Fixed arrays of up to 16
    numbers are spread (``joint_position.0``), others stay lists, and lists of messages become one
    list a field (``objects.name``). A topic whose type changed has one table for each definition,
    numbered as in ``<topic>.2.parquet``. Topics with equal file names are numbered too.

    Args:
        reader: the bag; unreadable parts are added to its ``problems``.
        folder: output folder; files of the same name are replaced.
        every: called after each topic with its name.

    Raises:
        BagError: pyarrow is not installed, or the folder cannot be written.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise BagError("gpc bag export needs pyarrow: pip install 'gpc_ros[analysis]'") from None
    files: list[Path] = []
    rows = 0
    taken: set[str] = set()
    try:
        make_folder(folder)
        for topic in sorted(reader.topics.values(), key=lambda t: t.name):
            for variant in range(len(topic.types)):
                path = folder / _file_name(topic.name, taken)
                written = _write(reader, topic, variant, path)
                if written is not None:
                    files.append(path)
                    rows += written
            every(topic.name)
    except OSError as error:
        raise BagError(f"{folder}: cannot be written: {error.strerror or error}") from None
    return Export(files, rows, reader.count - rows)


def _file_name(topic: str, taken: set[str]) -> str:
    """Return a unique file name for a topic's next table."""
    plain = "".join(c if c.isprintable() else "_" for c in topic.strip("/").replace("/", "."))
    if plain.startswith(".") or not plain:
        plain = f"topic{plain}"
    if len(os.fsencode(plain)) > _LONGEST_NAME:
        plain = f"{plain[:40]}_{hashlib.sha256(os.fsencode(topic)).hexdigest()[:16]}"
    name, number = f"{plain}.parquet", 2
    while name.lower() in taken:
        name, number = f"{plain}.{number}.parquet", number + 1
    taken.add(name.lower())
    return name


@dataclass(frozen=True)
class Column:
    """One column: name, type (a Parquet type's name, or a list of one) and reading function."""

    name: str
    type: Any
    read: Callable[[Any], Any]


def make_columns(codec: Codec) -> list[Column]:
    """Return the columns of a message type, from its definition; needs pyarrow."""
    return list(islice(_columns(codec, codec.name, "", lambda message: message), _MAX_COLUMNS + 1))


def _columns(
    codec: Codec, type_name: str, prefix: str, reach: Callable[[Any], Any]
) -> Iterator[Column]:
    for field, (kind, rest) in codec.fields(type_name):
        if field == FILLER:
            continue
        name = f"{prefix}{field}"
        value = _attribute(reach, field)
        if kind == _SCALAR:
            yield Column(name, _arrow_type(rest[0]), value)
        elif kind == _MESSAGE and rest in _TIMES:
            yield Column(name, _arrow_type("float64"), _seconds(value))
        elif kind == _MESSAGE:
            yield from _columns(codec, rest, f"{name}.", value)
        else:
            (element, inner), length = rest
            if element == _MESSAGE:
                yield from _lists(codec, inner, name, value)
            elif kind == _FIXED and length <= _SPREAD and inner[0] != "string":
                for i in range(length):
                    yield Column(f"{name}.{i}", _arrow_type(inner[0]), _entry(value, i))
            else:
                yield Column(name, _arrow_list(_arrow_type(inner[0])), _listed(value))


def _lists(
    codec: Codec, type_name: str, prefix: str, reach: Callable[[Any], Any]
) -> Iterator[Column]:
    """Yield the columns of a list of messages: one list a field."""
    for column in _columns(codec, type_name, f"{prefix}.", lambda item: item):
        yield Column(column.name, _arrow_list(column.type), _each(reach, column.read))


def _attribute(reach: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    return lambda message: getattr(reach(message), name)


def _seconds(reach: Callable[[Any], Any]) -> Callable[[Any], float]:
    def read(message: Any) -> float:
        time = reach(message)
        return float(time.sec + 1e-9 * time.nanosec)

    return read


def _entry(reach: Callable[[Any], Any], i: int) -> Callable[[Any], Any]:
    return lambda message: reach(message)[i].item()


def _listed(reach: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    return lambda message: list(np.asarray(reach(message)).tolist())


def _each(reach: Callable[[Any], Any], read: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    return lambda message: [read(item) for item in reach(message)]


def _arrow_type(base: str) -> Any:
    import pyarrow as pa

    plain = {"byte": "uint8", "octet": "uint8", "char": "uint8", "wstring": "string"}
    return pa.type_for_alias(plain.get(base, base))


def _arrow_list(inner: Any) -> Any:
    import pyarrow as pa

    return pa.list_(inner)


def _write(reader: BagReader, topic: TopicInfo, variant: int, path: Path) -> int | None:
    """Write one table; return its number of rows, or None if the type cannot be decoded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    codec = reader.codec(topic.name, variant)
    if codec is None:
        return None
    columns = make_columns(codec)
    if len(columns) > _MAX_COLUMNS:
        reader.problems.append(f"{topic.name}: skipped: its type has over {_MAX_COLUMNS} columns")
        return None
    schema = pa.schema([("time", pa.float64()), *((c.name, c.type) for c in columns)])
    try:
        with new_file(path) as stream, pq.ParquetWriter(stream, schema, compression="zstd") as out:
            return _write_rows(reader, topic.name, variant, columns, schema, out)
    except pa.ArrowException as error:
        reader.problems.append(f"{topic.name}: skipped: {' '.join(str(error).split())[:200]}")
        return None


def _write_rows(
    reader: BagReader, name: str, variant: int, columns: list[Column], schema: Any, out: Any
) -> int:
    """Write the messages of one type and return their number."""
    import pyarrow as pa

    rows = 0
    for messages in _batches(reader, name, variant):
        arrays = [pa.array([m.time for m in messages], pa.float64())]
        arrays += [pa.array([c.read(m.data) for m in messages], c.type) for c in columns]
        out.write_table(pa.table(arrays, schema=schema))
        rows += len(messages)
    return rows


def _batches(reader: BagReader, name: str, variant: int) -> Iterator[list[BagMessage]]:
    """Yield the decoded messages of one type in batches."""
    batch: list[BagMessage] = []
    size = 0
    for message in reader.messages([name]):
        if message.variant != variant:
            continue
        batch.append(message)
        size += message.size
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
