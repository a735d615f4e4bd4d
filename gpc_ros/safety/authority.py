"""Which publishers may send what to an armed robot.

The publishers of each topic are fixed when the robot is armed, and keep the topic until the robot
is disarmed. Messages of other publishers are rejected, and the robot stands while there is one. A
node that was started again takes the place of its predecessor once that has left the graph.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

# A publisher that joined this long before the holder's last message met a living holder [s].
_ALIVE = 0.5
# The middleware removes a dead publisher earlier than this [s].
_LONGEST_LEASE = 30.0
_UNKNOWN = "a publisher that is not in the graph yet"


@dataclass
class _Topic:
    """The publishers of one topic.

    Attributes:
        successor: full name of the node that may take the topic while nobody holds it.
        is_shared: whether it may have several publishers.
        present: every publisher in the graph, GID to full node name.
        joined: when each of them was seen first [s].
        holders: the publishers that the topic belongs to, GID to full node name.
        heard: when a holder sent its last message [s].
        barred: publishers that joined while a holder was alive.
    """

    successor: str
    is_shared: bool
    present: dict[bytes, str] = field(default_factory=dict)
    joined: dict[bytes, float] = field(default_factory=dict)
    holders: dict[bytes, str] = field(default_factory=dict)
    heard: float = 0.0
    barred: set[bytes] = field(default_factory=set)

    def others(self) -> list[bytes]:
        """Return the publishers that the topic does not belong to."""
        return [gid for gid in self.present if gid not in self.holders]

    def bar(self, now: float) -> None:
        """Bar each publisher that joined beside a living holder."""
        for gid in self.others():
            joined = self.joined[gid]
            if self.heard > joined + _ALIVE or now > joined + _LONGEST_LEASE:
                self.barred.add(gid)

    def inherit(self) -> None:
        """Give the place of a holder that has left to a new publisher of the same name."""
        left = {gid: name for gid, name in self.holders.items() if gid not in self.present}
        wanted = left or ({} if self.holders else {b"": self.successor})
        for old, name in wanted.items():
            heirs = [
                gid for gid in self.others() if self.present[gid] == name and gid not in self.barred
            ]
            if len(heirs) == 1:
                self.holders.pop(old, None)
                self.holders[heirs[0]] = name


class CommandAuthority:
    """The lease of the topics that move the robot.

    Args:
        successors: for each topic the full name of the node that may take it while the robot is
            armed and nobody holds it.
        shared: topics that may have several publishers.
        by_message: whether messages carry the GID that the graph shows for their publisher. Without
            it every message of a topic is rejected while there is a complaint about the topic.

    Attributes:
        is_fixed: whether the publishers are fixed, from arming to disarming.
    """

    def __init__(
        self,
        successors: Mapping[str, str],
        shared: Collection[str] = (),
        by_message: bool = True,
    ) -> None:
        """Start with nobody."""
        self._topics = {topic: _Topic(n, topic in shared) for topic, n in successors.items()}
        self._by_message = by_message
        self.is_fixed = False

    @property
    def topics(self) -> list[str]:
        """The topics by name."""
        return list(self._topics)

    def observe(self, topic: str, publishers: Mapping[bytes, str], now: float) -> None:
        """Take in the publishers of a topic, GID to full node name, at a monotonic time [s]."""
        t = self._topics[topic]
        t.present = dict(publishers)
        t.joined = {gid: t.joined.get(gid, now) for gid in publishers}
        t.barred &= publishers.keys()
        if not self.is_fixed:
            return
        if any(gid in t.present for gid in t.holders):
            t.bar(now)
        t.inherit()

    def fix(self) -> None:
        """Give each topic to its publishers; the robot is being armed."""
        self.is_fixed = True
        for t in self._topics.values():
            t.barred.clear()
            t.holders = dict(t.present)

    def release(self) -> None:
        """Let everybody in again; the robot is disarmed."""
        self.is_fixed = False
        for t in self._topics.values():
            t.holders = {}
            t.barred.clear()

    def knows(self, topic: str, gid: bytes) -> bool:
        """Return whether a publisher was in the graph at the last look."""
        return gid in self._topics[topic].present

    def admit(self, topic: str, gid: bytes, now: float) -> str:
        """Return why a message of a publisher is rejected; empty if it is accepted."""
        t = self._topics[topic]
        if not self._by_message:
            return "; ".join(self._complaints(topic, t))
        if gid in self._entitled(t):
            t.heard = now
            return ""
        who = t.present.get(gid, _UNKNOWN)
        if not self.is_fixed:
            return f"from {who}; {topic} has {len(t.present)} publishers"
        return f"from {who}; {_owner(topic, t)}"

    def complaints(self) -> list[str]:
        """Return one sentence for each publisher that must not be there."""
        return [text for topic, t in self._topics.items() for text in self._complaints(topic, t)]

    def holders(self) -> dict[str, str]:
        """Return the full node names of the publishers that each topic belongs to, for people."""
        return {
            f"authority of {topic}": ", ".join(sorted(self._entitled(t).values())) or "nobody"
            for topic, t in self._topics.items()
        }

    def _entitled(self, t: _Topic) -> Mapping[bytes, str]:
        """Return the publishers whose messages are accepted now."""
        if self.is_fixed:
            return t.holders
        return t.present if t.is_shared or len(t.present) == 1 else {}

    def _complaints(self, topic: str, t: _Topic) -> list[str]:
        if self.is_fixed:
            names = sorted(t.present[gid] for gid in t.others())
            return [f"{name} publishes {topic}; {_owner(topic, t)}" for name in names]
        if len(t.present) > 1 and not t.is_shared:
            return [f"{' and '.join(sorted(t.present.values()))} publish {topic}; stop all but one"]
        return []


def _owner(topic: str, t: _Topic) -> str:
    if t.holders:
        return f"{topic} belongs to {', '.join(sorted(t.holders.values()))} since arming"
    return f"nobody published {topic} when the robot was armed"
