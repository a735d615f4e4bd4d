"""Read a complete or truncated MCAP file in order and collect its problems.

No index is needed, since a killed recorder writes none. See the MCAP specification for the records
(opcode, 8-byte length, content). Every allocation is bounded before it is made.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Metadata, Schema

from gpc_ros.bag.byte_source import (
    DAMAGE,
    MAX_CONTENT,
    ByteSource,
    open_source,
    unpack_lz4,
    unpack_zstd,
)
from gpc_ros.bag.mcap_summary import read_summary
from gpc_ros.common.errors import BagError
from gpc_ros.common.files import size_text

MAGIC = b"\x89MCAP0\r\n"
_HEAD = struct.Struct("<BQ")  # opcode, length
_CHUNK = struct.Struct("<QQQII")  # begin, end, size, checksum, length of the compression's name
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
# Exceptions that a damaged record raises.
_DAMAGE = (McapError, struct.error, *DAMAGE)
# Longest record of a valid file [bytes].
_LONGEST = 2**31
# Maximum length of records that are small in every valid file [bytes].
_MAX_DECLARATION = 16_000_000
# Largest usual ratio of the unpacked to the packed size of a chunk.
_FAIR_RATIO = 64
# Maximum number of schemas, channels and metadata records, each.
_MAX_DECLARED = 65_536
# Maximum number of stored problems per file; further ones are counted.
_MAX_PROBLEMS = 20


class Raw(NamedTuple):
    """One message as stored in the file.

    Attributes:
        channel: number of its channel.
        time: of receipt [ns].
        data: serialised content.
        published: time of sending [ns].
    """

    channel: int
    time: int
    data: bytes
    published: int


@dataclass
class Problems:
    """The problems of one file, bounded in number.

    Attributes:
        sentences: the unreadable parts.
        more: number of further problems.
    """

    sentences: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, sentence: str) -> None:
        """Add a sentence unless it is already stored."""
        if sentence in self.sentences:
            return
        if len(self.sentences) < _MAX_PROBLEMS:
            self.sentences.append(sentence)
        else:
            self.more += 1


@dataclass
class Scan:
    """One pass over a file; the attributes are filled while :meth:`messages` is iterated.

    Attributes:
        path: the file.
        schemas: definitions by their number.
        channels: channels by their number.
        metadata: the writer's key-value pairs by record name.
        attachments: number of attached files; they are not read.
        problems: the unreadable parts.
        complete: whether the file was closed properly.
    """

    path: Path
    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    attachments: int = 0
    problems: Problems = field(default_factory=Problems)
    complete: bool = False
    _chunks_seen: set[int] = field(default_factory=set)
    _index: list[int] | None = None

    def messages(self) -> Iterator[Raw]:
        """Yield every readable message in the order of the file.

        Raises:
            BagError: the file cannot be opened or is not an MCAP file.
        """
        with open_source(self.path) as source:
            try:
                yield from self._whole(source)
            except OSError as error:
                raise BagError(f"{self.path}: cannot be read: {error.strerror or error}") from None

    def _whole(self, source: ByteSource) -> Iterator[Raw]:
        magic = source.read(len(MAGIC))
        if magic != MAGIC and not MAGIC.startswith(magic):
            raise BagError(f"{self.path}: not an MCAP file: it begins with {magic!r}")
        try:
            yield from self._records(source)
        except _Spent as error:
            self._problem(f"{error}")
        if source.error:
            self._problem(source.error)
        if magic != MAGIC or source.position <= len(MAGIC):
            self.problems.sentences.clear()
            self._problem("is empty")

    def _problem(self, sentence: str) -> None:
        self.problems.add(f"{self.path.name} {sentence}")

    def _records(self, source: ByteSource) -> Iterator[Raw]:
        """Yield the messages of all records from here to the end of the file."""
        ended = False  # after the data section: copies of declarations, then the index
        while True:
            start = source.position
            head = _spending(source, _HEAD.size)
            if ended and head == MAGIC:
                self.complete = True
                return
            if len(head) < _HEAD.size and not self._resumed(source):
                break
            if len(head) < _HEAD.size:
                continue
            opcode, length = _HEAD.unpack(head)
            if length > _LONGEST or opcode == 0:
                self._cut(source, start)
                if self._resumed(source):
                    continue
                return
            ended = ended or opcode in (Opcode.DATA_END, Opcode.FOOTER)
            yield from self._record(source, opcode, length, start)
            if source.position < start + _HEAD.size + length and not self._resumed(source):
                break
        if ended:
            self._problem("lacks its end; it contains every message")
        else:
            self._problem(
                f"was cut off at {source.position} bytes, or its recorder was killed: the part "
                "before is read"
            )

    def _record(self, source: ByteSource, opcode: int, length: int, start: int) -> Iterator[Raw]:
        """Read the content of one record and yield its messages."""
        if opcode == Opcode.CHUNK:
            self._chunks_seen.add(start)
            yield from self._chunk(source, length, start)
        elif opcode == Opcode.MESSAGE:
            data = self._body(source, length, start, MAX_CONTENT)
            if data is not None:
                yield from self._message(data)
        elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.METADATA):
            data = self._body(source, length, start, _MAX_DECLARATION)
            if data is not None:
                self._declare(opcode, data)
        else:
            self.attachments += opcode == Opcode.ATTACHMENT
            _skip(source, length)

    def _resumed(self, source: ByteSource) -> bool:
        """Seek to the next unread chunk of the file's index; return False without one.

        A damaged length leads into the middle of another record. The index contains the
        offset of the next chunk.
        """
        if source.size is None:
            return False
        if self._index is None:
            self._index = read_summary(self.path).chunks
        last = max(self._chunks_seen, default=0)
        following = next((offset for offset in self._index if offset > last), None)
        if following is None or following >= source.size:
            return False
        self._problem(f"is damaged at or after byte {last}; reading resumes at {following}")
        source.seek(following)
        self._chunks_seen.add(following)
        return True

    def _body(self, source: ByteSource, length: int, start: int, limit: int) -> bytes | None:
        """Return a record; None if it is incomplete, or too long (which adds a problem)."""
        if length > limit:
            if _skip(source, length) == length:
                self._problem(f"holds a record of {size_text(length)} at byte {start}: not read")
            return None
        data = _spending(source, length)
        return data if len(data) == length else None

    def _cut(self, source: ByteSource, start: int) -> None:
        rest = "the rest is"
        if source.size is not None:
            rest = f"{source.size - start} of {source.size} bytes are"
        self._problem(f"holds no record at byte {start}: {rest} not read")

    def _chunk(self, source: ByteSource, length: int, start: int) -> Iterator[Raw]:
        """Yield the messages of a compressed chunk, or of the readable part of a truncated one."""
        if length > MAX_CONTENT:
            if _skip(source, length) == length:
                self._problem(f"holds a chunk of {size_text(length)} at byte {start}: not read")
            return
        data = _spending(source, length)
        whole = len(data) == length
        if len(data) < _CHUNK.size:
            if whole:
                self._problem(f"chunk at byte {start} is damaged")
            return
        _, _, size, checksum, n = _CHUNK.unpack_from(data)
        body = _CHUNK.size + n + 8
        compression = data[_CHUNK.size : _CHUNK.size + min(n, 64)].decode("utf-8", "replace")
        # A damaged or forged size must not determine the allocation.
        fair = _FAIR_RATIO * len(data)
        limit = min(MAX_CONTENT, fair if size > MAX_CONTENT else max(size, fair))
        content, error = _unpack(compression, memoryview(data)[body:].tobytes(), limit)
        _spend(source, len(content))
        if whole:
            self._check_chunk(start, content, error, size, checksum)
        yield from self._content(content, start)

    def _check_chunk(
        self, start: int, content: bytes, error: str, size: int, checksum: int
    ) -> None:
        """Compare a chunk's content with its header."""
        if error:
            self._problem(
                f"chunk at byte {start} cannot be decompressed beyond {len(content)} of {size} "
                f"bytes: {error}"
            )
        elif len(content) != size:
            self._problem(f"chunk at byte {start} holds {len(content)} bytes, not {size}")
        elif checksum and zlib.crc32(content) != checksum:
            self._problem(
                f"chunk at byte {start} fails its checksum; its messages are read but may be wrong"
            )

    def _content(self, content: bytes, start: int) -> Iterator[Raw]:
        """Yield the messages of a chunk's content, up to the first incomplete or invalid record."""
        position = 0
        while position + _HEAD.size <= len(content):
            opcode, length = _HEAD.unpack_from(content, position)
            position += _HEAD.size
            end = position + length
            if end > len(content):
                return
            if opcode == Opcode.MESSAGE and length >= _MESSAGE.size:
                yield from self._message(content[position:end])
            elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                self._declare(opcode, content[position:end])
            else:
                self._problem(
                    f"chunk at byte {start} holds no valid record from its byte {position} on"
                )
                return
            position = end

    def _message(self, record: bytes) -> Iterator[Raw]:
        if len(record) < _MESSAGE.size:
            self._problem(f"holds a message record of {len(record)} bytes")
            return
        channel, _, time, published = _MESSAGE.unpack_from(record)
        yield Raw(channel, time, record[_MESSAGE.size :], published)

    def _declare(self, opcode: int, record: bytes) -> None:
        """Add a schema, a channel or metadata; a repeated number keeps its first declaration."""
        stream = ReadDataStream(BytesIO(record))
        name = Opcode(opcode).name.lower()
        try:
            if opcode == Opcode.SCHEMA:
                schema = Schema.read(stream)
                same = self.schemas.setdefault(schema.id, schema) == schema
                number, many = schema.id, len(self.schemas)
            elif opcode == Opcode.CHANNEL:
                channel = Channel.read(stream)
                same = self.channels.setdefault(channel.id, channel) == channel
                number, many = channel.id, len(self.channels)
            else:
                metadata = Metadata.read(stream)
                self.metadata.setdefault(metadata.name, metadata.metadata)
                number, same, many = 0, True, len(self.metadata)
        except _DAMAGE as error:
            self._problem(f"holds a damaged {name} record: {error!r:.100}")
            return
        if not same:
            self._problem(f"declares {name} {number} twice and differently; the first one counts")
        if many > _MAX_DECLARED:
            raise _Spent(f"declares more than {_MAX_DECLARED} {name} records; the rest is not read")


class _Spent(Exception):
    """Raised when a limit ends the reading of a file."""


def _spending(source: ByteSource, length: int) -> bytes:
    try:
        return source.read(length)
    except BagError as error:
        raise _Spent(_rest(error)) from None


def _skip(source: ByteSource, length: int) -> int:
    try:
        return source.skip(length)
    except BagError as error:
        raise _Spent(_rest(error)) from None


def _spend(source: ByteSource, size: int) -> None:
    try:
        source.budget.spend(size)
    except BagError as error:
        raise _Spent(_rest(error)) from None


def _rest(error: BagError) -> str:
    return str(error).removeprefix("it ")


def _unpack(compression: str, data: bytes, limit: int) -> tuple[bytes, str]:
    """Return the content of a chunk up to a defect, and the reason for an early end."""
    if compression == "":
        return data, ""
    if compression == "zstd":
        return unpack_zstd(data, limit)
    if compression == "lz4":
        return unpack_lz4(data, limit)
    return b"", f"unknown compression '{compression}'"
