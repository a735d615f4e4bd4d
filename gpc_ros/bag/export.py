"""A bag as tables: one Parquet file a topic, one column a number, for pandas and its like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.bag.bag_reader import BagMessage, BagReader, TopicInfo
from gpc_ros.bag.message_types import Codec
from gpc_ros.common.errors import BagError

# Rows that are gathered before they are written: a long bag must not lie in memory as a whole.
_BATCH = 20_000
# Arrays up to this length become numbered columns; longer ones and those of varying length lists.
_SPREAD = 16
# How rosbags describes a field.
_SCALAR, _MESSAGE, _FIXED = 1, 2, 3
_TIMES = ("builtin_interfaces/msg/Time", "builtin_interfaces/msg/Duration")


def export_parquet(
    reader: BagReader, folder: Path, every: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Write one table for every topic, as ``<topic>.parquet`` with dots for slashes.

    Columns are ``time`` (of receipt [s]) and the message's fields by dotted name, as in
    ``pose.position.x``; ``header.stamp`` and other times are seconds. Fixed arrays of up to 16
    numbers are spread (``joint_position.0``), others stay lists, and lists of messages become one
    list a field (``objects.name``).

    Args:
        reader: the bag; its ``problems`` grow by what cannot be read.
        folder: where to; files of the same name are replaced.
        every: called with each topic that was written.

    Returns:
        The files.

    Raises:
        BagError: pyarrow is not installed, or the folder cannot be written.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise BagError("gpc export needs pyarrow: pip install 'gpc_ros[analysis]'") from None
    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for topic in sorted(reader.topics.values(), key=lambda t: t.name):
            path = folder / f"{topic.name.strip('/').replace('/', '.')}.parquet"
            if _write(reader, topic, path):
                files.append(path)
                every(topic.name)
    except OSError as error:
        raise BagError(f"{folder}: cannot be written: {error.strerror or error}") from None
    return files


@dataclass(frozen=True)
class Column:
    """One column: name, type (a Parquet type's name, or a list of one) and how it is read."""

    name: str
    type: Any
    read: Callable[[Any], Any]


def make_columns(codec: Codec) -> list[Column]:
    """Return the columns of a message type, from its definition; needs pyarrow."""
    return list(_columns(codec, codec.name, "", lambda message: message))


def _columns(
    codec: Codec, type_name: str, prefix: str, reach: Callable[[Any], Any]
) -> Iterator[Column]:
    for field, (kind, rest) in codec.fields(type_name):
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


def _write(reader: BagReader, topic: TopicInfo, path: Path) -> bool:
    """Write one table; return whether there was anything to write."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    codec = reader.codec(topic.name)
    if codec is None:
        return False
    columns = make_columns(codec)
    schema = pa.schema([("time", pa.float64()), *((c.name, c.type) for c in columns)])
    temporary = path.with_name(path.name + ".part")
    try:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for messages in _batches(reader, topic.name):
                arrays = [pa.array([m.time for m in messages], pa.float64())]
                arrays += [pa.array([c.read(m.data) for m in messages], c.type) for c in columns]
                writer.write_table(pa.table(arrays, schema=schema))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _batches(reader: BagReader, name: str) -> Iterator[list[BagMessage]]:
    batch: list[BagMessage] = []
    for message in reader.messages([name]):
        batch.append(message)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
