"""Writers of bags with the layouts of other tools and of damaged recordings."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
import zstandard
from mcap.writer import CompressionType, Writer
from recorded_runs import _make

from gpc_ros.bag.message_types import Codec, definition

XY = "float64 x\nfloat64 y\n"
YX = "float64 y\nfloat64 x\n"
TYPE = "odd_msgs/msg/Point"


@dataclass(frozen=True)
class Row:
    """One message of a made bag."""

    topic: str
    time: int
    data: bytes
    type: str = TYPE
    text: str = XY
    encoding: str = "cdr"
    schema_encoding: str = "ros2msg"


def point(x: float, y: float, text: str = XY) -> bytes:
    """Return a serialised point of a type with these fields."""
    codec = Codec(TYPE, text)
    return codec.encode(_make(codec, TYPE, {"x": x, "y": y}))


def points(n: int = 10, topic: str = "/p", start: int = 0, text: str = XY) -> list[Row]:
    """Return points at x = 0, 1, 2, ... every 10 ms."""
    return [
        Row(topic, (start + i) * 10_000_000, point(float(start + i), 0.5, text), text=text)
        for i in range(n)
    ]


def write_mcap(
    path: Path,
    rows: Sequence[Row],
    compression: CompressionType = CompressionType.ZSTD,
    chunk: int = 1024 * 1024,
) -> Path:
    """Write rows into an MCAP file; a channel for every topic and definition."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        writer = Writer(stream, compression=compression, chunk_size=chunk)
        writer.start("ros2", "test")
        schemas: dict[Any, int] = {}
        channels: dict[Any, int] = {}
        for i, row in enumerate(rows):
            key = (row.type, row.text, row.schema_encoding)
            if key not in schemas:
                schemas[key] = writer.register_schema(
                    row.type, row.schema_encoding, row.text.encode()
                )
            channel = (row.topic, key, row.encoding)
            if channel not in channels:
                channels[channel] = writer.register_channel(row.topic, row.encoding, schemas[key])
            writer.add_message(channels[channel], row.time, row.data, row.time, i)
        writer.finish()
    return path


def write_db3(path: Path, rows: Sequence[Row], definitions: bool = True) -> Path:
    """Write rows as rosbag2's SQLite storage does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous=OFF")
    database.executescript(
        "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,"
        " serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL,"
        " type_description_hash TEXT NOT NULL);"
        "CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL,"
        " encoding TEXT NOT NULL, encoded_message_definition TEXT NOT NULL,"
        " type_description_hash TEXT NOT NULL);"
        "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL,"
        " timestamp INTEGER NOT NULL, data BLOB NOT NULL);"
    )
    topics: dict[str, int] = {}
    for row in rows:
        if row.topic not in topics:
            topics[row.topic] = len(topics) + 1
            database.execute(
                "INSERT INTO topics VALUES(?, ?, ?, 'cdr', '', '')",
                (topics[row.topic], row.topic, row.type),
            )
            if definitions:
                database.execute(
                    "INSERT INTO message_definitions(topic_type, encoding,"
                    " encoded_message_definition, type_description_hash)"
                    " VALUES(?, 'ros2msg', ?, '')",
                    (row.type, row.text),
                )
        database.execute(
            "INSERT INTO messages(topic_id, timestamp, data) VALUES(?, ?, ?)",
            (topics[row.topic], row.time, row.data),
        )
    database.commit()
    database.close()
    return path


def write_metadata(
    folder: Path, files: dict[str, int], counts: dict[str, int] | None = None, **more: Any
) -> None:
    """Write a metadata.yaml that lists these files and numbers of messages."""
    info = {
        "version": 9,
        "storage_identifier": "mcap",
        "relative_file_paths": list(files),
        "message_count": sum(files.values()),
        "files": [{"path": name, "message_count": n} for name, n in files.items()],
        "topics_with_message_count": [
            {"topic_metadata": {"name": name}, "message_count": n}
            for name, n in (counts or {}).items()
        ],
        "compression_format": "",
        "compression_mode": "",
        **more,
    }
    (folder / "metadata.yaml").write_text(yaml.safe_dump({"rosbag2_bagfile_information": info}))


def pack(path: Path, keep: bool = False) -> Path:
    """Compress a file as rosbag2 does and return the packed one."""
    packed = path.with_name(path.name + ".zstd")
    packed.write_bytes(zstandard.ZstdCompressor().compress(path.read_bytes()))
    if not keep:
        path.unlink()
    return packed


def installed(type_name: str) -> Callable[[str, int, bytes], Row]:
    """Return a maker of rows of an installed type."""
    text = definition(type_name).text
    return lambda topic, time, data: Row(topic, time, data, type_name, text)
