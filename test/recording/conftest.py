"""Messages, bags and whole made-up runs for the tests of the recording room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpc_ros.recording.bag_writer import BagWriter
from gpc_ros.recording.definitions import codec

POSE = "geometry_msgs/msg/PoseStamped"


def message(type_name: str, **fields: Any) -> Any:
    """Return a message with some fields set; a dict sets fields inside a field, the rest is zero.

    A field ``stamp`` given for a message with a header sets the header's stamp [s].
    """
    if "stamp" in fields and "header" not in fields:
        fields["header"] = {"stamp": _time(fields.pop("stamp")), "frame_id": "map"}
    return _make(codec(type_name), type_name, fields)


def encoded(type_name: str, **fields: Any) -> bytes:
    """Return :func:`message` serialised."""
    return codec(type_name).encode(message(type_name, **fields))


def _time(seconds: float) -> dict[str, int]:
    nanoseconds = round(seconds * 1e9)
    return {"sec": nanoseconds // 10**9, "nanosec": nanoseconds % 10**9}


def _make(c: Any, type_name: str, fields: dict[str, Any]) -> Any:
    unknown = set(fields) - {name for name, _ in c.fields(type_name)}
    assert not unknown, f"{type_name} has no {unknown}"
    values = {}
    for name, (kind, rest) in c.fields(type_name):
        given = fields.get(name)
        if kind == 2:  # another message
            values[name] = _make(c, rest, given or {})
        elif kind == 1:
            values[name] = _scalar(rest[0]) if given is None else given
        else:
            (element, inner), length = rest
            if element == 2:
                values[name] = [_make(c, inner, item) for item in given or []]
            elif inner[0] == "string":
                values[name] = list(given or [])
            else:
                empty = np.zeros(length if kind == 3 else 0)
                values[name] = np.asarray(empty if given is None else given, dtype=inner[0])
    return c.make(type_name, **values)


def _scalar(base: str) -> Any:
    return {"string": "", "bool": False, "float64": 0.0, "float32": 0.0}.get(base, 0)


def pose_bytes(x: float, stamp: float = 0.0, frame: str = "map") -> bytes:
    """Return a serialised pose at x."""
    header = {"stamp": _time(stamp), "frame_id": frame}
    pose = {"position": {"x": x}, "orientation": {"w": 1.0}}
    return encoded(POSE, header=header, pose=pose)


@pytest.fixture
def pose() -> Callable[..., bytes]:
    """Return the maker of serialised poses."""
    return pose_bytes


@pytest.fixture
def pose_bag(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of bags with one topic /pose of n messages, flushed every few."""

    def make(n: int = 20, every: int = 5, name: str = "bag", compression: str = "zstd") -> Path:
        folder = tmp_path / name
        writer = BagWriter(folder, {"task": "none"}, compression)
        writer.add_topic("/pose", POSE)
        for i in range(n):
            writer.write("/pose", pose_bytes(float(i)), 1_000_000_000 + i * 10_000_000)
            if (i + 1) % every == 0:
                writer.flush()
        writer.close()
        return folder

    return make
