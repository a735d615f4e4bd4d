"""Play the messages of a bag by the bag's clock.

A bag that stores one topic after the other (merged, converted or filtered) is first sorted by time
of receipt, in bounded memory. A clock jump is not sorted: there the times within one topic go back.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.common.errors import BagError

# Recorders write topic by topic, so messages are slightly out of order [ns].
_WINDOW = 1_000_000_000
# Steps of the clock beyond these are jumps, for which playback does not wait [ns].
_BACK, _AHEAD = _WINDOW, 10_000_000_000
# Largest size of an unordered bag that is sorted in memory [bytes].
_MAX_SORTED = 512_000_000
_MESSAGE_OVERHEAD = 150

Item = tuple[str, int, bytes]


class Playback:
    """Plays one bag.

    Attributes:
        time: current time of the bag's clock [ns]; jumps where the recorded clock jumped.
        before: last message of each topic before the start, by topic.
        jumps: number of jumps of the recorded clock so far.
        done: whether every message was returned.
    """

    def __init__(self, reader: BagReader, topics: Collection[str], start: float = 0.0) -> None:
        """Seek to the start.

        Args:
            reader: the bag.
            topics: full names of the topics to play.
            start: offset from the beginning of the bag [s].

        Raises:
            BagError: the bag contains no message of these topics after the start.
        """
        present = [reader.topics[name] for name in topics if name in reader.topics]
        names = [topic.name for topic in present]
        if _unsorted(reader.raw(names)):
            self._items = iter(_sorted(reader, names))
        else:
            self._items = _in_order(reader.raw(names))
        first = _first([(topic.first, topic.last) for topic in present])
        self.before: dict[str, bytes] = {}
        begin = first + round(start * 1e9)
        self._next = next(self._items, None)
        while start > 0.0 and self._next is not None and self._next[1] < begin:
            self.before[self._next[0]] = self._next[2]
            self._next = next(self._items, None)
        if self._next is None:
            last = max((topic.last for topic in present), default=first)
            length = f"it is {(last - first) * 1e-9:.1f} s long" if present else "no such topic"
            raise BagError(f"{reader.path}: contains nothing to play from {start:g} s on; {length}")
        self.time = self._last = self._next[1]
        self.jumps = 0

    @property
    def done(self) -> bool:
        """Whether every message was returned."""
        return self._next is None

    def advance(self, by: float) -> list[tuple[str, bytes]]:
        """Advance the bag's clock by a time [s]; return topic and content of the due messages."""
        self.time += round(by * 1e9)
        due: list[tuple[str, bytes]] = []
        while self._next is not None:
            name, time, data = self._next
            if not -_BACK <= time - self._last <= _AHEAD:
                if due:
                    break  # the due messages belong to the clock before the jump
                self.jumps += 1
                self.time = self._last = time
            if time > self.time:
                break
            due.append((name, data))
            self._last = time
            self._next = next(self._items, None)
        return due


def _first(spans: list[tuple[int, int]]) -> int:
    """Return the first time of spans [ns]; zero counts as missing."""
    firsts = [first for first, _ in spans if first > 0]
    return min(firsts, default=0)


def _unsorted(items: Iterator[Item]) -> bool:
    """Return whether topics are stored one after the other, each in order of time."""
    newest = 0
    last: dict[str, int] = {}
    behind = False
    for name, time, _ in items:
        if last.get(name, time) - time > _BACK:
            return False  # the recorded clock jumped
        last[name] = max(time, last.get(name, time))
        behind = behind or newest - time > _BACK
        newest = max(newest, time)
    return behind


def _sorted(reader: BagReader, names: list[str]) -> list[Item]:
    """Return all messages in order of time.

    Raises:
        BagError: they exceed the memory limit.
    """
    items: list[Item] = []
    size = 0
    for item in reader.raw(names):
        size += len(item[2]) + _MESSAGE_OVERHEAD
        if size > _MAX_SORTED:
            raise BagError(
                f"{reader.path}: its messages are not in order of time, and they are too many to "
                f"sort in memory ({_MAX_SORTED // 10**6} MB); sort the bag first: "
                "mcap sort IN.mcap -o OUT.mcap"
            )
        items.append(item)
    items.sort(key=lambda item: item[1])
    return items


def _in_order(items: Iterator[Item]) -> Iterator[Item]:
    """Yield messages in order of time, if they are out of order by less than a second."""
    heap: list[tuple[int, int, str, bytes]] = []
    newest = None
    for number, (name, time, data) in enumerate(items):
        if newest is not None and not -_BACK <= time - newest <= _AHEAD:
            yield from _drained(heap)  # messages from before a jump are yielded first
            newest = time
        newest = time if newest is None else max(newest, time)
        heapq.heappush(heap, (time, number, name, data))
        while heap[0][0] <= newest - _WINDOW:
            time, _, name, data = heapq.heappop(heap)
            yield name, time, data
    yield from _drained(heap)


def _drained(heap: list[tuple[int, int, str, bytes]]) -> Iterator[Item]:
    while heap:
        time, _, name, data = heapq.heappop(heap)
        yield name, time, data
