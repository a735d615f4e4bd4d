"""Read a rosbag2 file in SQLite format (.db3) with the same interface as an MCAP file."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mcap.records import Channel, Schema

from gpc_ros.bag.byte_source import MAX_CONTENT, ZSTD_MAGIC, open_source
from gpc_ros.bag.mcap_scan import Problems, Raw
from gpc_ros.common.errors import BagError
from gpc_ros.common.files import open_input

_MAGIC = b"SQLite format 3\0"
_NEEDED = {"topics": {"id", "name", "type"}, "messages": {"id", "topic_id", "timestamp", "data"}}
_PIECE = 1 << 20


@dataclass
class SqliteScan:
    """One pass over a file; the attributes are filled while :meth:`messages` is iterated.

    Attributes:
        path: the file.
        schemas: definitions by their number.
        channels: channels by their number.
        metadata: empty; the format does not contain metadata.
        attachments: zero; the format does not contain attachments.
        problems: the unreadable parts.
        complete: whether every row could be read.
    """

    path: Path
    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    attachments: int = 0
    problems: Problems = field(default_factory=Problems)
    complete: bool = False

    def messages(self) -> Iterator[Raw]:
        """Yield every readable message in the order of recording.

        Raises:
            BagError: the file cannot be opened or is not a bag in SQLite.
        """
        with tempfile.TemporaryDirectory(prefix="gpc_bag_") as folder:
            path = self._plain(Path(folder))
            try:
                database = _connect(path)
            except sqlite3.Error as error:
                raise BagError(f"{self.path}: cannot be opened: {error}") from None
            try:
                yield from self._rows(database)
            finally:
                database.close()

    def _plain(self, folder: Path) -> Path:
        """Return the file itself, or its unpacked copy if it is packed with zstd."""
        try:
            with open_input(self.path) as stream:
                head = stream.read(len(_MAGIC))
        except OSError as error:
            raise BagError(f"{self.path}: cannot be read: {error.strerror or error}") from None
        if head == _MAGIC:
            return self.path
        if not head.startswith(ZSTD_MAGIC):
            raise BagError(f"{self.path}: not an SQLite file: it begins with {head[:8]!r}")
        copy = folder / "bag.db3"
        try:
            with open_source(self.path) as source, copy.open("wb") as target:
                while piece := source.read(_PIECE):
                    target.write(piece)
                if source.error:
                    self.problems.add(f"{self.path.name} {source.error}")
        except BagError as error:
            raise BagError(f"{self.path}: {error}") from None
        except OSError as error:
            raise BagError(f"{self.path}: cannot be unpacked: {error.strerror or error}") from None
        return copy

    def _rows(self, database: sqlite3.Connection) -> Iterator[Raw]:
        try:
            columns = _tables(database)
            for table, needed in _NEEDED.items():
                if not needed <= columns.get(table, set()):
                    raise BagError(
                        f"{self.path}: is not a bag: it has no table '{table}' of rosbag2"
                    )
            self._declare(database, columns)
            query = "SELECT topic_id, timestamp, data FROM messages ORDER BY id"
            for topic, time, data in database.execute(query):
                good = isinstance(data, bytes) and isinstance(time, int) and time >= 0
                if good and isinstance(topic, int):
                    yield Raw(topic, time, data, time)
                else:
                    self.problems.add(f"{self.path.name} holds a row that is not a message")
            self.complete = not self.problems.sentences
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            self.problems.add(f"{self.path.name} is damaged ({error}): the rows before are read")

    def _declare(self, database: sqlite3.Connection, columns: dict[str, set[str]]) -> None:
        """Read topics and definitions."""
        texts: dict[str, tuple[str, str]] = {}
        if {"topic_type", "encoding", "encoded_message_definition"} <= columns.get(
            "message_definitions", set()
        ):
            query = (
                "SELECT topic_type, encoding, encoded_message_definition FROM message_definitions"
            )
            texts = {
                str(name): (str(enc), str(text)) for name, enc, text in database.execute(query)
            }
        own = [
            name if name in columns["topics"] else "''"
            for name in ("serialization_format", "offered_qos_profiles", "type_description_hash")
        ]
        query = f"SELECT id, name, type, {', '.join(own)} FROM topics"
        for number, name, kind, form, profiles, digest in database.execute(query):
            if not isinstance(number, int):
                continue
            encoding, text = texts.get(str(kind), ("", ""))
            self.schemas[number] = Schema(
                id=number, name=str(kind), encoding=encoding, data=_ros2msg(text).encode()
            )
            self.channels[number] = Channel(
                id=number,
                topic=str(name),
                message_encoding=str(form) or "cdr",
                schema_id=number,
                metadata={
                    "offered_qos_profiles": str(profiles), "topic_type_hash": str(digest),
                },
            )  # fmt: skip


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database for reading, without creating files beside it."""
    log = path.with_name(path.name + "-wal")
    # The write-ahead log of a killed recorder contains messages too.
    mode = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    database = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{mode}", uri=True)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CONTENT)
    database.execute("PRAGMA trusted_schema=OFF")
    return database


def _tables(database: sqlite3.Connection) -> dict[str, set[str]]:
    """Return the columns of every plain table; views are rejected, since they can run any query."""
    found: dict[str, set[str]] = {}
    for name, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE type='table'"):
        if name in (*_NEEDED, "message_definitions") and not re.match(
            r"\s*create\s+virtual", str(sql), re.IGNORECASE
        ):
            rows: list[Any] = database.execute(f"PRAGMA table_info({name})").fetchall()
            found[name] = {str(row[1]) for row in rows}
    return found


def _ros2msg(text: str) -> str:
    """Return a definition without the line that rosbag2 writes before the main type."""
    lines = text.split("\n")
    if len(lines) > 1 and lines[0].startswith("====") and lines[1].startswith("MSG:"):
        return "\n".join(lines[2:])
    return text
