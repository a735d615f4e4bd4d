"""Reads an MCAP file front to back, whole or cut, and keeps account of what cannot be read.

It needs no index: a recorder that was killed leaves none. See the MCAP specification for the
records (opcode, 8-byte length, content).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import lz4.frame
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Metadata, Schema

from gpc_ros.common.errors import BagError

MAGIC = b"\x89MCAP0\r\n"
_HEAD = struct.Struct("<BQ")  # opcode, length
_CHUNK = struct.Struct("<QQQII")  # begin, end, size, checksum, length of the compression's name
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
# What a damaged record raises.
_DAMAGE = (McapError, struct.error, ValueError, OverflowError, zstandard.ZstdError, RuntimeError)
# No record of a sane file is longer [bytes]; a damaged length must not ask for that much memory.
_LONGEST = 2**31


class Raw(NamedTuple):
    """One message as it lies in the file.

    Attributes:
        channel: number of its channel.
        time: when it was received [ns].
        data: serialised content.
    """

    channel: int
    time: int
    data: bytes


@dataclass
class Scan:
    """One pass over a file: iterate :meth:`messages`; the rest fills meanwhile.

    Attributes:
        path: the file.
        schemas: definitions by their number.
        channels: channels by their number.
        metadata: name to key-value pairs that the writer left.
        problems: what could not be read, in words.
        complete: whether the file was closed properly.
    """

    path: Path
    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    complete: bool = False

    def messages(self) -> Iterator[Raw]:
        """Yield every readable message in the order of the file.

        Raises:
            BagError: the file cannot be opened or is no MCAP file.
        """
        try:
            with self.path.open("rb") as stream:
                size = self.path.stat().st_size
                magic = stream.read(len(MAGIC))
                if magic != MAGIC and not MAGIC.startswith(magic):
                    raise BagError(f"{self.path}: not an MCAP file: it begins with {magic!r}")
                if size <= len(MAGIC):
                    self.problems.append(f"{self.path.name} is empty")
                    return
                yield from self._records(stream, size)
        except OSError as error:
            raise BagError(f"{self.path}: cannot be read: {error.strerror or error}") from None

    def _records(self, stream: BinaryIO, size: int) -> Iterator[Raw]:
        """Yield the messages of all records from here to the end of the file."""
        while True:
            start = stream.tell()
            head = stream.read(_HEAD.size)
            if len(head) < _HEAD.size:
                break
            opcode, length = _HEAD.unpack(head)
            missing = start + _HEAD.size + length - size
            if length > _LONGEST or opcode == 0:
                self._cut(start, size, "holds no record")
                return
            if opcode == Opcode.CHUNK:
                yield from self._chunk(stream.read(length), missing, start)
            elif missing <= 0 and opcode == Opcode.MESSAGE:
                yield from self._message(stream.read(length))
            elif missing <= 0 and opcode in (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.METADATA):
                self._declare(opcode, stream.read(length))
            elif missing <= 0 and opcode in (Opcode.DATA_END, Opcode.FOOTER):
                # Behind it stands the index, which only repeats what was read.
                self._check_end(stream, size)
                return
            elif missing <= 0:
                stream.seek(length, 1)
            if missing > 0:
                break
        self.problems.append(
            f"{self.path.name} was cut off at {size} bytes, or its recorder was killed: what came "
            "before is read"
        )

    def _check_end(self, stream: BinaryIO, size: int) -> None:
        stream.seek(max(size - len(MAGIC), 0))
        self.complete = stream.read() == MAGIC
        if not self.complete:
            self.problems.append(f"{self.path.name} lacks its end; every message is there")

    def _cut(self, start: int, size: int, why: str) -> None:
        self.problems.append(
            f"{self.path.name} {why} at byte {start}: {size - start} of {size} bytes are not read"
        )

    def _chunk(self, data: bytes, missing: int, start: int) -> Iterator[Raw]:
        """Yield the messages of a compressed chunk, of a cut one as far as it goes."""
        if len(data) < _CHUNK.size:
            if missing <= 0:
                self.problems.append(f"{self.path.name}: chunk at byte {start} is damaged")
            return
        _, _, size, checksum, n = _CHUNK.unpack_from(data)
        body = _CHUNK.size + n + 8
        compression = data[_CHUNK.size : _CHUNK.size + n].decode("utf-8", "replace")
        try:
            content = _decompress(compression, data[body:])
        except _DAMAGE as error:
            content = b""
            if missing <= 0:
                self.problems.append(
                    f"{self.path.name}: chunk at byte {start} cannot be decompressed: {error}"
                )
        if missing <= 0 and content and len(content) != size:
            self.problems.append(
                f"{self.path.name}: chunk at byte {start} holds {len(content)} bytes, not {size}"
            )
        elif missing <= 0 and content and checksum and zlib.crc32(content) != checksum:
            self.problems.append(
                f"{self.path.name}: chunk at byte {start} fails its checksum; its messages are "
                "read but may be wrong"
            )
        yield from self._content(content)

    def _content(self, content: bytes) -> Iterator[Raw]:
        """Yield the messages of a chunk's content, up to the first incomplete record."""
        position = 0
        while position + _HEAD.size <= len(content):
            opcode, length = _HEAD.unpack_from(content, position)
            position += _HEAD.size
            end = position + length
            if end > len(content):
                return
            if opcode == Opcode.MESSAGE:
                yield from self._message(content[position:end])
            elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                self._declare(opcode, content[position:end])
            position = end

    def _message(self, record: bytes) -> Iterator[Raw]:
        if len(record) < _MESSAGE.size:
            self.problems.append(f"{self.path.name}: a message record of {len(record)} bytes")
            return
        channel, _, time, _ = _MESSAGE.unpack_from(record)
        yield Raw(channel, time, record[_MESSAGE.size :])

    def _declare(self, opcode: int, record: bytes) -> None:
        """Take in a schema, a channel or metadata."""
        stream = ReadDataStream(BytesIO(record))
        try:
            if opcode == Opcode.SCHEMA:
                schema = Schema.read(stream)
                self.schemas[schema.id] = schema
            elif opcode == Opcode.CHANNEL:
                channel = Channel.read(stream)
                self.channels[channel.id] = channel
            else:
                metadata = Metadata.read(stream)
                self.metadata[metadata.name] = metadata.metadata
        except _DAMAGE as error:
            name = Opcode(opcode).name.lower()
            self.problems.append(f"{self.path.name}: a damaged {name} record: {error!r}")


def _decompress(compression: str, data: bytes) -> bytes:
    """Return the content of a chunk, of an incomplete one what can be decompressed."""
    if compression == "":
        return data
    if compression == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    if compression == "lz4":
        content: bytes = lz4.frame.LZ4FrameDecompressor().decompress(data)
        return content
    raise ValueError(f"unknown compression '{compression}'")
