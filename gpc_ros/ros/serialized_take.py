"""Takes a serialized message from the middleware together with the identity of its publisher.

rclpy converts a message before anybody can look at its size, and drops the publisher's GID. The C
library below rclpy returns both, so that a message can be rejected before it costs anything.
"""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

from rclpy.impl.implementation_singleton import rclpy_implementation

# Length of a GID in the middleware's graph [bytes]; older releases pad it with zeros.
GID_SIZE = 16
_OK, _NOTHING = 0, 401
_INITIAL_CAPACITY = 4096


class _Allocator(ctypes.Structure):
    """rcutils_allocator_t."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("get", "free", "resize", "zeroed", "state")]


class _Buffer(ctypes.Structure):
    """rcutils_uint8_array_t."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("capacity", ctypes.c_size_t),
        ("allocator", _Allocator),
    ]


class _Info(ctypes.Structure):
    """rmw_message_info_t, with room for the longer GIDs of older releases."""

    _fields_ = [
        ("sent", ctypes.c_int64),
        ("received", ctypes.c_int64),
        ("publication", ctypes.c_uint64),
        ("reception", ctypes.c_uint64),
        ("implementation", ctypes.c_char_p),
        ("gid", ctypes.c_uint8 * GID_SIZE),
        ("rest", ctypes.c_uint8 * 32),
    ]


class Taken(NamedTuple):
    """One message as the middleware delivers it.

    Attributes:
        size: length of the serialized message [bytes].
        publisher: GID of its publisher.
        sent: when it was published [ns, publisher's clock].
        received: when it arrived [ns, system clock].
    """

    size: int
    publisher: bytes
    sent: int
    received: int


class SerializedTaker:
    """Takes messages of one subscription into a buffer that is used again."""

    def __init__(self) -> None:
        """Allocate the buffer."""
        self._buffer, self._info = _Buffer(), _Info()
        allocator = _LIBRARY.rcutils_get_default_allocator()
        if _LIBRARY.rcutils_uint8_array_init(self._buffer, _INITIAL_CAPACITY, allocator) != _OK:
            raise MemoryError("no buffer for serialized messages")
        self._arguments = ctypes.addressof(self._buffer), ctypes.addressof(self._info)

    def take(self, handle: Any) -> Taken | None:
        """Take the oldest waiting message, or return None.

        Args:
            handle: the subscription's handle in rclpy, which must stay alive meanwhile.
        """
        result = _TAKE(handle.pointer, *self._arguments, None)
        if result == _NOTHING:
            return None
        if result != _OK:
            _LIBRARY.rcutils_reset_error()
            return None
        info = self._info
        return Taken(self._buffer.length, bytes(info.gid), info.sent, info.received)

    def data(self) -> bytes:
        """Return a copy of the message that was taken last."""
        return ctypes.string_at(self._buffer.data, self._buffer.length)

    def __del__(self) -> None:
        """Free the buffer."""
        _LIBRARY.rcutils_uint8_array_fini(self._buffer)


def _library() -> ctypes.PyDLL:
    """Return the C libraries that rclpy is linked against, with the types of what is called."""
    library = ctypes.PyDLL(rclpy_implementation.__file__)
    buffer = ctypes.POINTER(_Buffer)
    library.rcutils_get_default_allocator.restype = _Allocator
    library.rcutils_uint8_array_init.argtypes = [
        buffer, ctypes.c_size_t, ctypes.POINTER(_Allocator),
    ]  # fmt: skip
    library.rcutils_uint8_array_fini.argtypes = [buffer]
    library.rcutils_reset_error.restype = None
    library.rcl_take_serialized_message.argtypes = [ctypes.c_void_p] * 4
    return library


_LIBRARY = _library()
_TAKE = _LIBRARY.rcl_take_serialized_message
