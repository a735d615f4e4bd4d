"""Validates what a browser sends to the viewer, before viser decodes it."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from viser._messages import Message

# Longest message of the page's own controls and camera [bytes].
MAX_SIZE = 65_536
_MAX_TEXT = 4_096
_MAX_LENGTH = 16
_MAX_COORDINATE = 1e6  # of camera and handles [m]
# Everything else that viser understands (uploads, share tunnels, commands) is rejected.
_POSES = frozenset(
    {
        "ViewerCameraMessage",
        "TransformControlsUpdateMessage",
        "TransformControlsDragStartMessage",
        "TransformControlsDragEndMessage",
    }
)
_UPDATE = "GuiUpdateMessage"
# Exceptions that a malformed message can raise in viser's decoder.
_MALFORMED = (AssertionError, AttributeError, KeyError, RecursionError, TypeError, ValueError)


def is_valid(raw: object) -> bool:
    """Return whether the viewer's page could have sent a websocket message.

    Numbers must be finite; the ranges of single controls are checked where they are used.
    """
    if not isinstance(raw, bytes) or len(raw) > MAX_SIZE:
        return False
    try:
        content = msgspec.msgpack.decode(raw)
        if not isinstance(content, dict) or not _is_known(content):
            return False
        Message.deserialize(raw)
    except (msgspec.DecodeError, *_MALFORMED):
        return False
    return True


def _is_known(content: dict[Any, Any]) -> bool:
    kind = content.pop("type", None)
    if kind == _UPDATE:
        updates = content.get("updates")
        return (
            set(content) == {"uuid", "updates"}
            and _is_text(content["uuid"])
            and isinstance(updates, dict)
            and set(updates) == {"value"}
            and _is_plain(updates["value"], math.inf)
        )
    return kind in _POSES and all(_is_plain(v, _MAX_COORDINATE) for v in content.values())


def _is_plain(value: object, limit: float) -> bool:
    """Return whether a value is a flag, a short text, a finite number or a short list of them."""
    if isinstance(value, list):
        return len(value) <= _MAX_LENGTH and all(_is_number(item, limit) for item in value)
    return isinstance(value, bool) or _is_text(value) or _is_number(value, limit)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


def _is_number(value: object, limit: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) <= limit
