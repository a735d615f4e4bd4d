"""The emergency stops of a robot: each publisher of the topic is a stop of its own.

A stop stays known after it has left, so that nobody releases it by ending it. Only a stop of the
same name that starts later takes its place. A single press without a heartbeat (a command line) is
dropped by a reset once its publisher has left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# More stops than this are an attack or a mistake; the robot stops.
MAX_STOPS = 32
CROWD = f"more than {MAX_STOPS} emergency stops"
UNNAMED = "unnamed"


@dataclass
class _Stop:
    """One publisher of the topic.

    Attributes:
        label: unique name for people.
        node: full name of its node; empty while it is unknown.
        joined: when it was seen first [s].
        heard: when its last message came, or when it joined [s].
        messages: how many came.
        present: whether it is in the graph.
    """

    label: str
    node: str
    joined: float
    heard: float
    messages: int = 0
    present: bool = True

    def has_heartbeat(self, limit: float) -> bool:
        """Return whether its messages came at least once in a time [s]."""
        return self.messages > 2 and self.heard - self.joined < limit * (self.messages - 1)


class EmergencyStops:
    """Names every publisher of the topic, and detects when a stop is replaced.

    A crowd of publishers beyond MAX_STOPS has one common label.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._stops: dict[bytes, _Stop] = {}

    def hear(self, gid: bytes, now: float) -> str:
        """Count a message of a publisher and return the label of its stop.

        Args:
            gid: of the publisher.
            now: monotonic time [s].
        """
        stop = self._stops.get(gid) or self._add(gid, "", now)
        if stop is None:
            return CROWD
        stop.messages += 1
        stop.heard = now
        return stop.label

    def observe(self, publishers: Mapping[bytes, str], now: float) -> tuple[list[str], list[str]]:
        """Take in the publishers in the graph.

        Args:
            publishers: GID to full node name.
            now: monotonic time [s].

        Returns:
            The labels of new stops and of replaced ones.
        """
        for gid, stop in self._stops.items():
            stop.present = gid in publishers
        added = []
        for gid, node in publishers.items():
            known = self._stops.get(gid)
            if known is not None:
                known.node = known.node or node
                continue
            new = self._add(gid, node, now)
            if new is not None:
                added.append(new.label)
        return added, self._replaced()

    def silent(self, now: float, limit: float) -> dict[str, float]:
        """Return the stops whose heartbeat has ended, by label, with the time since then [s].

        Args:
            now: monotonic time [s].
            limit: longest time between two messages of a heartbeat [s].
        """
        return {
            stop.label: now - stop.heard
            for stop in self._stops.values()
            if stop.has_heartbeat(limit) and now - stop.heard > limit
        }

    def forget_single_presses(self) -> list[str]:
        """Drop stops that left after a single message; return their labels. A reset calls it."""
        return self._drop(
            [gid for gid, s in self._stops.items() if not s.present and s.messages < 2]
        )

    def knows(self, gid: bytes) -> bool:
        """Return whether a publisher is a known stop."""
        return gid in self._stops

    def _add(self, gid: bytes, node: str, now: float) -> _Stop | None:
        if len(self._stops) >= MAX_STOPS:
            return None
        taken = {stop.label for stop in self._stops.values()}
        label = node or UNNAMED
        if not node or label in taken:
            label = f"{label} ({gid.hex()[-12:]})"
        self._stops[gid] = _Stop(label, node, now, now)
        return self._stops[gid]

    def _replaced(self) -> list[str]:
        """Drop each stop that has left and was silent before one of the same name joined."""
        present = [stop for stop in self._stops.values() if stop.present and stop.node]
        return self._drop(
            [
                gid
                for gid, old in self._stops.items()
                if not old.present
                and any(new.node == old.node and new.joined > old.heard for new in present)
            ]
        )

    def _drop(self, gids: list[bytes]) -> list[str]:
        return [self._stops.pop(gid).label for gid in gids]
