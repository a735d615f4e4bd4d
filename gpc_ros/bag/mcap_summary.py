"""Read the summary at the end of an MCAP file: chunk offsets and number of messages."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mcap.opcode import Opcode

from gpc_ros.common.files import open_input

_HEAD = struct.Struct("<BQ")  # opcode, length
_FOOTER = struct.Struct("<QQI")  # start of the summary, of its offsets, checksum
_INDEX = struct.Struct("<QQQ")  # first time, last time, offset of the chunk
_STATISTICS = struct.Struct("<Q")  # number of messages
_MAGIC_SIZE = 8
_TAIL = _HEAD.size + _FOOTER.size + _MAGIC_SIZE
# Longest summary that is read [bytes].
_MAX_SUMMARY = 64_000_000


@dataclass
class Summary:
    """The summary of a file.

    Attributes:
        chunks: offsets of the chunks in ascending order [bytes].
        messages: number of messages in the file; None if unknown.
    """

    chunks: list[int] = field(default_factory=list)
    messages: int | None = None


def read_summary(path: Path) -> Summary:
    """Return the summary of a plain MCAP file; empty if the file lacks it."""
    try:
        with open_input(path) as stream:
            return _parse(_summary_bytes(stream))
    except (OSError, struct.error):
        return Summary()


def _summary_bytes(stream: BinaryIO) -> bytes:
    size = os.fstat(stream.fileno()).st_size
    if size < _TAIL:
        return b""
    stream.seek(size - _TAIL)
    opcode, length = _HEAD.unpack(stream.read(_HEAD.size))
    start, _, _ = _FOOTER.unpack(stream.read(_FOOTER.size))
    end = size - _TAIL
    if opcode != Opcode.FOOTER or length != _FOOTER.size or not 0 < start <= end:
        return b""
    stream.seek(start)
    return stream.read(min(end - start, _MAX_SUMMARY))


def _parse(data: bytes) -> Summary:
    summary = Summary()
    position = 0
    while position + _HEAD.size <= len(data):
        opcode, length = _HEAD.unpack_from(data, position)
        position += _HEAD.size
        if position + length > len(data):
            break
        if opcode == Opcode.CHUNK_INDEX and length >= _INDEX.size:
            summary.chunks.append(_INDEX.unpack_from(data, position)[2])
        elif opcode == Opcode.STATISTICS and length >= _STATISTICS.size:
            summary.messages = _STATISTICS.unpack_from(data, position)[0]
        position += length
    summary.chunks.sort()
    return summary
