"""Messages as bytes: they are those of Unitree's SDK, CRC included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.unitree import low_level_messages
from gpc_ros.unitree.low_level_messages import COMMAND, STATE, FrameError, Layout

LAYOUTS = {"LowCmd_": COMMAND, "LowState_": STATE}


def sdk_type(name: str) -> Any:
    messages = pytest.importorskip("unitree_sdk2py.idl.unitree_go.msg.dds_")
    return getattr(messages, name)


def wire(layout: Layout, content: bytes) -> bytes:
    """Return a message whose fields hold the content, again and again."""
    body = (content * layout.size)[: layout.size - 4]
    # Only bytes below 128, since the SDK packs some unsigned fields as signed ones.
    return b"\x00\x01\x00\x00" + bytes(b & 0x7F for b in body)


@pytest.mark.parametrize("name", LAYOUTS)
@given(content=st.binary(min_size=1, max_size=64))
def test_bytes_and_crc_are_those_of_the_sdk(name: str, content: bytes) -> None:
    crc = pytest.importorskip("unitree_sdk2py.utils.crc").CRC()
    kind, layout = sdk_type(name), LAYOUTS[name]
    data = wire(layout, content)
    message = kind.deserialize(data)
    record = layout.decode(data)
    assert layout.encode(record) == message.serialize()
    assert low_level_messages.crc(record) == crc.Crc(message)


@pytest.mark.parametrize("name", LAYOUTS)
def test_fields_have_the_names_and_places_of_the_sdk(name: str) -> None:
    kind, layout = sdk_type(name), LAYOUTS[name]
    data = b"\x00\x01\x00\x00" + bytes(i % 97 for i in range(layout.size - 4))
    message, record = kind.deserialize(data), layout.decode(data)
    motors = "motor_cmd" if name == "LowCmd_" else "motor_state"
    for motor, row in zip(getattr(message, motors), record["motor"], strict=True):
        for field in row.dtype.names:
            assert np.array_equal(getattr(motor, field), row[field], equal_nan=True), field
    assert message.crc == record["crc"]
    assert list(message.wireless_remote) == record["wireless_remote"].tolist()
    if name == "LowState_":
        assert message.tick == record["tick"]
        assert message.bms_state.soc == record["bms"]["soc"]
        assert list(message.foot_force) == record["foot_force"].tolist()
        assert np.array_equal(message.imu_state.quaternion, record["imu"]["quaternion"])


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@given(data=st.data())
def test_any_changed_bit_breaks_the_crc(layout: Layout, data: st.DataObject) -> None:
    record = layout.new()
    record["head"] = low_level_messages.HEAD
    low_level_messages.seal(record)
    assert low_level_messages.intact(record)
    changed = bytearray(record.tobytes())
    bit = data.draw(st.integers(0, 8 * len(changed) - 1))
    changed[bit // 8] ^= 1 << bit % 8
    assert not low_level_messages.intact(np.frombuffer(bytes(changed), layout.dtype)[0])


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_bytes_that_are_not_a_message_are_refused(layout: Layout) -> None:
    good = layout.encode(layout.new())
    for bad in (b"", good[:-1], good + bytes(4), b"\x00\x00" + good[2:], b"\x01" + good[1:]):
        with pytest.raises(FrameError):
            layout.decode(bad)
    assert layout.decode(good + bytes(3)) == layout.new()  # the middleware pads
