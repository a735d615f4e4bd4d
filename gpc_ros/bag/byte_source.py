"""Read the bytes of a plain or zstd-packed bag file in order, with bounded memory."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import lz4.frame
import zstandard

from gpc_ros.common.errors import BagError
from gpc_ros.common.files import open_input, size_text

# Largest unpacked size of a chunk or a compressed message [bytes].
MAX_CONTENT = 256_000_000
# A file may unpack to this size plus this multiple of its packed size [bytes].
_BUDGET, _RATIO = 300_000_000, 200
_PIECE = 1 << 16
_MAX_WINDOW = 1 << 27
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# Exceptions that damaged compressed data raises.
DAMAGE = (zstandard.ZstdError, RuntimeError, ValueError, OverflowError, EOFError, MemoryError)


class Budget:
    """Remaining unpacked size of a file, so that a small file cannot take minutes."""

    def __init__(self, size: int) -> None:
        """Set the budget of a file.

        Args:
            size: of the file [bytes].
        """
        self.left = _BUDGET + _RATIO * size

    def spend(self, size: int) -> None:
        """Subtract unpacked bytes.

        Raises:
            BagError: the budget is spent.
        """
        self.left -= size
        if self.left < 0:
            raise BagError("its unpacked size is implausibly large; the rest is not read")


class ByteSource:
    """A stream with a position; it never allocates more than the file holds.

    Attributes:
        position: bytes read or skipped so far.
        size: total length [bytes]; None for a packed file.
        budget: limit of the unpacked size.
        error: reason for an early end of a packed stream; empty without one.
    """

    def __init__(self, stream: IO[bytes], size: int, packed: bool) -> None:
        """Wrap a stream.

        Args:
            stream: a stream at its beginning.
            size: length of the file [bytes].
            packed: whether the whole file is compressed by zstd.
        """
        self.position = 0
        self.size = None if packed else size
        self.budget = Budget(size)
        self.error = ""
        self._packed = packed
        self._stream: IO[bytes] = stream
        if packed:
            decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
            self._stream = decompressor.stream_reader(stream, read_across_frames=True)

    def read(self, length: int) -> bytes:
        """Return the next bytes, fewer at the end of the stream."""
        pieces = []
        left = length
        while left > 0:
            piece = self._piece(min(left, _PIECE if self._packed else 1 << 22))
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def skip(self, length: int) -> int:
        """Skip some bytes and return the number skipped, smaller at the end of the stream."""
        if self.size is not None:
            step = max(min(length, self.size - self.position), 0)
            self._stream.seek(step, os.SEEK_CUR)
            self.position += step
            return step
        left = length
        while left > 0 and (piece := self._piece(min(left, _PIECE))):
            left -= len(piece)
        return length - left

    def seek(self, position: int) -> None:
        """Go to a position of a plain file."""
        self._stream.seek(position)
        self.position = position

    def _piece(self, length: int) -> bytes:
        if self.error:
            return b""
        try:
            piece = self._stream.read(length)
        except DAMAGE as error:
            self.error = f"cannot be unpacked further ({error})"
            return b""
        self.position += len(piece)
        if self._packed:
            self.budget.spend(len(piece))
        return piece


@contextmanager
def open_source(path: Path) -> Iterator[ByteSource]:
    """Open a bag file; a file packed with zstd is unpacked during reading.

    Raises:
        BagError: the file cannot be opened.
    """
    try:
        stream = open_input(path)
    except OSError as error:
        raise BagError(f"{path}: cannot be read: {error.strerror or error}") from None
    with stream:
        size = os.fstat(stream.fileno()).st_size
        head = stream.read(len(ZSTD_MAGIC))
        stream.seek(0)
        yield ByteSource(stream, size, head == ZSTD_MAGIC)


def unpack_zstd(data: bytes, limit: int = MAX_CONTENT) -> tuple[bytes, str]:
    """Return the readable content of zstd data, and the reason for an early end.

    Args:
        data: one frame, possibly truncated.
        limit: of the content [bytes].
    """
    reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(io.BytesIO(data))
    return _collect(lambda: reader.read(_PIECE), limit)


def unpack_lz4(data: bytes, limit: int = MAX_CONTENT) -> tuple[bytes, str]:
    """Return the readable content of LZ4 data, and the reason for an early end."""
    decompressor = lz4.frame.LZ4FrameDecompressor()
    rest = [data]

    def read() -> bytes:
        if decompressor.eof:
            return b""
        piece: bytes = decompressor.decompress(rest[0], max_length=_PIECE)
        rest[0] = b""
        return piece

    return _collect(read, limit)


def _collect(read: Callable[[], bytes], limit: int) -> tuple[bytes, str]:
    pieces: list[bytes] = []
    total = 0
    try:
        while piece := read():
            pieces.append(piece)
            total += len(piece)
            if total > limit:
                return b"".join(pieces)[:limit], f"it unpacks to more than {size_text(limit)}"
    except DAMAGE as error:
        return b"".join(pieces), str(error) or type(error).__name__
    return b"".join(pieces), ""
