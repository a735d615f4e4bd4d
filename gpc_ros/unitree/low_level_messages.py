"""The low-level messages of the Go2, LowState and LowCmd, as arrays and as bytes.

A message exists in two layouts. In memory (and for its CRC) it is the C structure of Unitree's SDK;
on the wire it is the same fields as CDR, which leaves out the padding at the end of structures.
Both follow here from one list of fields, and tests hold them equal to the SDK's bytes and CRC.

The SDK's Python turns every field into an object, which costs 0.3 ms a message and 0.1 ms for the
CRC; at 500 Hz both ways that is half of a core. Arrays cost a tenth of it.

Source of fields and order: unitree_sdk2, ``idl/unitree_go/msg``; ``utils/crc.py`` of its Python.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpc_ros.common.errors import GpcError

HEAD = (0xFE, 0xEF)
LOW_LEVEL = 0xFF
SERVO = 0x01  # motor mode: follows commands
IDLE = 0x00
# "Not controlled", for position [rad] and velocity [rad/s].
STOP_POSITION = 2.146e9
STOP_VELOCITY = 16000.0
MOTORS = 20  # of which the Go2 has the first twelve

Record = np.void  # one structured value, with fields by name


class FrameError(GpcError):
    """Bytes that are no whole message of the robot: wrong length, byte order or CRC."""


def _struct(*fields: Any) -> np.dtype[np.void]:
    return np.dtype(list(fields), align=True)


_MOTOR_COMMAND = _struct(
    ("mode", "u1"), ("q", "<f4"), ("dq", "<f4"), ("tau", "<f4"), ("kp", "<f4"), ("kd", "<f4"),
    ("reserve", "<u4", 3),
)  # fmt: skip
LOW_COMMAND = _struct(
    ("head", "u1", 2), ("level_flag", "u1"), ("frame_reserve", "u1"), ("sn", "<u4", 2),
    ("version", "<u4", 2), ("bandwidth", "<u2"), ("motor", _MOTOR_COMMAND, MOTORS),
    ("bms", _struct(("off", "u1"), ("reserve", "u1", 3))), ("wireless_remote", "u1", 40),
    ("led", "u1", 12), ("fan", "u1", 2), ("gpio", "u1"), ("reserve", "<u4"), ("crc", "<u4"),
)  # fmt: skip
_IMU = _struct(
    ("quaternion", "<f4", 4), ("gyroscope", "<f4", 3), ("accelerometer", "<f4", 3),
    ("rpy", "<f4", 3), ("temperature", "u1"),
)  # fmt: skip
_MOTOR_STATE = _struct(
    ("mode", "u1"), ("q", "<f4"), ("dq", "<f4"), ("ddq", "<f4"), ("tau_est", "<f4"),
    ("q_raw", "<f4"), ("dq_raw", "<f4"), ("ddq_raw", "<f4"), ("temperature", "u1"),
    ("lost", "<u4"), ("reserve", "<u4", 2),
)  # fmt: skip
_BATTERY = _struct(
    ("version_high", "u1"), ("version_low", "u1"), ("status", "u1"), ("soc", "u1"),
    ("current", "<i4"), ("cycle", "<u2"), ("bq_ntc", "u1", 2), ("mcu_ntc", "u1", 2),
    ("cell_vol", "<u2", 15),
)  # fmt: skip
LOW_STATE = _struct(
    ("head", "u1", 2), ("level_flag", "u1"), ("frame_reserve", "u1"), ("sn", "<u4", 2),
    ("version", "<u4", 2), ("bandwidth", "<u2"), ("imu", _IMU), ("motor", _MOTOR_STATE, MOTORS),
    ("bms", _BATTERY), ("foot_force", "<i2", 4), ("foot_force_est", "<i2", 4), ("tick", "<u4"),
    ("wireless_remote", "u1", 40), ("bit_flag", "u1"), ("adc_reel", "<f4"),
    ("temperature_ntc1", "u1"), ("temperature_ntc2", "u1"), ("power_v", "<f4"), ("power_a", "<f4"),
    ("fan_frequency", "<u2", 4), ("reserve", "<u4"), ("crc", "<u4"),
)  # fmt: skip

# The second of the four bytes before a CDR message is the encoding: plain CDR or its second
# version, little endian. They differ in the alignment of 8-byte numbers, which do not occur here.
_CDR_HEADER = b"\x00\x01\x00\x00"
_LITTLE_ENDIAN = (1, 7)


class Layout:
    """Turns one kind of message from wire bytes to a record and back.

    Attributes:
        dtype: of the record, laid out as the SDK's C structure.
        size: length of the message on the wire, with its header [bytes].
    """

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        """Work out where every byte of the structure lies on the wire."""
        self.dtype = dtype
        self._on_wire, self.size = self._places(dtype)
        self._in_struct = np.flatnonzero(self._on_wire >= 0)
        self._on_wire = self._on_wire[self._in_struct]

    @staticmethod
    def _places(dtype: np.dtype[np.void]) -> tuple[NDArray[np.intp], int]:
        """Return for every byte of the structure its place on the wire, -1 for padding."""
        places = np.full(dtype.itemsize, -1, dtype=np.intp)
        end = len(_CDR_HEADER)

        def walk(part: np.dtype[Any], offset: int) -> None:
            nonlocal end
            if part.subdtype is not None:
                base, shape = part.subdtype
                for i in range(int(np.prod(shape))):
                    walk(base, offset + i * base.itemsize)
            elif part.fields is not None:
                for name in part.names or ():
                    walk(part.fields[name][0], offset + part.fields[name][1])
            else:
                end += -(end - len(_CDR_HEADER)) % part.itemsize
                places[offset : offset + part.itemsize] = np.arange(end, end + part.itemsize)
                end += part.itemsize

        walk(dtype, 0)
        return places, end

    def new(self) -> Record:
        """Return an empty message, all zero."""
        record: Record = np.zeros(1, self.dtype)[0]
        return record

    def decode(self, data: bytes) -> Record:
        """Return the record in wire bytes; its CRC is not looked at.

        Raises:
            FrameError: wrong length or encoding.
        """
        if not self.size <= len(data) < self.size + 4:  # the middleware may pad to four bytes
            raise FrameError(f"message of {len(data)} bytes, expected {self.size}")
        if data[0] != 0 or data[1] not in _LITTLE_ENDIAN:
            raise FrameError(f"message with encoding {data[0]:#04x} {data[1]:#04x}")
        structure = np.zeros(self.dtype.itemsize, dtype=np.uint8)
        structure[self._in_struct] = np.frombuffer(data, np.uint8)[self._on_wire]
        record: Record = structure.view(self.dtype)[0]
        return record

    def encode(self, record: Record) -> bytes:
        """Return the wire bytes of a record."""
        wire = np.zeros(self.size, dtype=np.uint8)
        wire[: len(_CDR_HEADER)] = np.frombuffer(_CDR_HEADER, np.uint8)
        wire[self._on_wire] = np.frombuffer(record.tobytes(), np.uint8)[self._in_struct]
        return wire.tobytes()


COMMAND = Layout(LOW_COMMAND)
STATE = Layout(LOW_STATE)

# The byte with its bits in reverse order, for each byte.
_REVERSED = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))


def crc(record: Record) -> int:
    """Return the CRC of a message over all its words but the last, which holds the CRC.

    It is CRC-32 with polynomial 0x04C11DB7, start 0xFFFFFFFF and no final inversion, over
    little-endian words from the highest bit down. zlib computes it from the lowest bit up, so both
    what goes in and what comes out is reversed.
    """
    words = np.frombuffer(record.tobytes(), "<u4")[:-1]
    reflected = words.byteswap().tobytes().translate(_REVERSED)
    value = zlib.crc32(reflected) ^ 0xFFFFFFFF
    return int.from_bytes(value.to_bytes(4, "little").translate(_REVERSED), "big")


def seal(record: Record) -> Record:
    """Write the right CRC into a message and return it."""
    record["crc"] = crc(record)
    return record


def intact(record: Record) -> bool:
    """Return whether a message holds its own CRC."""
    return int(record["crc"]) == crc(record)
