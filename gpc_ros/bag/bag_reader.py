"""Read rosbag2 bags in MCAP or SQLite: complete, truncated, packed or without metadata.

All readable messages are read; :attr:`BagReader.problems` lists the unreadable parts.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mcap.records import Channel, Schema

from gpc_ros.bag.bag_files import BagFiles, find_bag_files, open_scan, part_name
from gpc_ros.bag.bag_writer import INFO_RECORD
from gpc_ros.bag.byte_source import ZSTD_MAGIC, unpack_zstd
from gpc_ros.bag.mcap_summary import read_summary
from gpc_ros.bag.message_types import Codec
from gpc_ros.bag.topic_info import TopicInfo, TypeInfo, channel_type, parse_qos
from gpc_ros.common.errors import BagError

# Bounds on the names, values and number of entries in a bag's description.
_MAX_INFO = 10_000


class BagMessage(NamedTuple):
    """One message.

    Attributes:
        topic: name of its topic.
        time: of receipt [s].
        data: the message, with fields as attributes and arrays of numbers as NumPy arrays.
        variant: index of its type in the topic's types.
        size: of the serialised message [bytes].
    """

    topic: str
    time: float
    data: Any
    variant: int = 0
    size: int = 0


class Record(NamedTuple):
    """One serialised message.

    Attributes:
        topic: name of its topic.
        variant: index of its type in the topic's types.
        time: of receipt [ns].
        published: time of sending [ns].
        data: the message, decompressed.
    """

    topic: str
    variant: int
    time: int
    published: int
    data: bytes


@dataclass
class _Part:
    """One file of a bag after its first pass."""

    path: Path
    channels: dict[int, tuple[str, TypeInfo]] = field(default_factory=dict)
    qos: dict[int, str] = field(default_factory=dict)
    count: Counter[int] = field(default_factory=Counter)
    first: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    info: dict[str, str] = field(default_factory=dict)
    attachments: int = 0
    checksum: int = 0
    problems: list[str] = field(default_factory=list)
    complete: bool = True

    @property
    def span(self) -> tuple[int, int]:
        """First and last time [ns]; without messages the first is greater than the last."""
        return min(self.first.values(), default=1), max(self.last.values(), default=0)


class BagReader:
    """An open bag.

    Attributes:
        path: path of the bag as given.
        info: description of the run (task, seed, versions); empty for a foreign bag.
        topics: the topics with messages, by name.
        problems: unreadable parts, each in a sentence; grows while messages are decoded.
        complete: whether every file exists and was closed properly.
        attachments: number of attached files; they are not read.
    """

    def __init__(self, path: Path) -> None:
        """Find the files of a bag, read each one once and count its messages.

        Args:
            path: the folder of a bag, a folder with a subfolder ``bag``, or one bag file.

        Raises:
            BagError: the path is not a bag, or its messages are compressed in an unknown format.
        """
        self.path = path
        self.info: dict[str, str] = {}
        self.topics: dict[str, TopicInfo] = {}
        self.problems: list[str] = []
        self.complete = True
        self.attachments = 0
        self._files = find_bag_files(path)
        self._codecs: dict[TypeInfo, Codec | None] = {}
        if self._files.compressed not in ("", "zstd"):
            raise BagError(
                f"{path}: its messages are compressed one by one with "
                f"'{self._files.compressed}', and only zstd is supported; decompress it with "
                "ros2 bag convert"
            )
        self._parts: list[_Part] = []
        for problem in self._files.problems:
            self._note(problem)
        for candidates in self._files.parts:
            self._add_part(candidates)
        self._check_metadata(self._files)
        if not self.topics and not self.problems:
            self.problems.append("the bag contains no message")

    @property
    def count(self) -> int:
        """Number of messages."""
        return sum(topic.count for topic in self.topics.values())

    def records(self, topics: Collection[str] | None = None) -> Iterator[Record]:
        """Yield serialised messages in the order of the bag.

        Args:
            topics: names of the topics to read; all if not given.
        """
        broken: Counter[str] = Counter()
        why: dict[str, str] = {}
        for part in self._parts:
            known: dict[int, tuple[str, int] | None] = {}
            for channel, time, data, published in open_scan(part.path).messages():
                if channel not in known:
                    known[channel] = self._resolve(part, channel, topics)
                found = known[channel]
                if found is None:
                    continue
                if data.startswith(ZSTD_MAGIC):  # serialised messages never begin with these bytes
                    data, error = unpack_zstd(data)
                    if error or not data:
                        broken[found[0]] += 1
                        why.setdefault(found[0], error or "it is truncated")
                        continue
                yield Record(*found, time, published, data)
        for name, number in broken.items():
            self._note(f"{name}: {number} messages cannot be decompressed ({why[name]})")

    def raw(self, topics: Collection[str] | None = None) -> Iterator[tuple[str, int, bytes]]:
        """Yield topic, time of receipt [ns] and serialised message, in the order of the bag.

        Args:
            topics: names of the topics to read; all if not given.
        """
        for record in self.records(topics):
            yield record.topic, record.time, record.data

    def messages(
        self, topics: Collection[str] | None = None, rates: Mapping[str, float] | None = None
    ) -> Iterator[BagMessage]:
        """Yield decoded messages in the order of the bag; unreadable ones are skipped and counted.

        Args:
            topics: names of the topics to read; all if not given.
            rates: maximum rate by topic [Hz]; further messages are skipped.
        """
        bad: Counter[str] = Counter()
        why: dict[str, str] = {}
        gaps = {name: 1e9 / rate for name, rate in (rates or {}).items()}
        kept: dict[str, float] = {}
        for name, variant, time, _, data in self.records(topics):
            codec = self.codec(name, variant)
            # After a backward clock jump the gap is negative; the message is kept.
            if codec is None or 0 <= time - kept.get(name, -1e30) < gaps.get(name, 0.0):
                continue
            kept[name] = time
            try:
                message = codec.decode(data)
            except BagError as error:
                bad[name] += 1
                why.setdefault(name, str(error))
                continue
            yield BagMessage(name, time * 1e-9, message, variant, len(data))
        for name, number in bad.items():
            self._note(f"{name}: {number} messages cannot be read ({why[name]})")

    def codec(self, name: str, variant: int = 0) -> Codec | None:
        """Return the codec of a topic's type; for an unknown type add a problem and return None."""
        kind = self.topics[name].types[variant]
        if kind not in self._codecs:
            try:
                self._codecs[kind] = kind.codec()
            except BagError as error:
                self._codecs[kind] = None
                self._note(f"{name}: skipped: {error}")
        if self._codecs[kind] is None:
            self._note_skipped(name, kind)
        return self._codecs[kind]

    def _note_skipped(self, name: str, kind: TypeInfo) -> None:
        """Add the problem of another topic whose type cannot be decoded."""
        if not any(problem.startswith(f"{name}: skipped") for problem in self.problems):
            self._note(f"{name}: skipped: type {kind.name} cannot be decoded here")

    def _resolve(
        self, part: _Part, channel: int, topics: Collection[str] | None
    ) -> tuple[str, int] | None:
        """Return topic and variant of a channel; None if the topic was not requested."""
        entry = part.channels.get(channel)
        if entry is None or (topics is not None and entry[0] not in topics):
            return None
        name, kind = entry
        return (name, self.topics[name].types.index(kind)) if name in self.topics else None

    def _add_part(self, candidates: list[Path]) -> None:
        """Add one part of the bag, from its most complete file if it is plain and packed."""
        parts = []
        for path in candidates:
            try:
                parts.append(_take_stock(path))
            except BagError as error:
                if len(self._files.parts) == 1 and len(candidates) == 1:
                    raise
                self._note(f"{str(error).removeprefix(str(path.parent) + '/')}: not read")
                self.complete = False
            if parts and parts[-1].complete and not parts[-1].problems:
                break
        if not parts:
            return
        part = max(parts, key=lambda p: (p.count.total(), not p.problems))
        name = part_name(part.path)
        same = next((p for p in self._parts if _same_content(p, part)), None)
        if same is not None:
            self._note(f"{part.path.name} is a copy of {same.path.name} and is not read again")
            return
        if name in self._files.unlisted:
            if any(_overlap(p.span, part.span) for p in self._parts):
                self._note(
                    f"{part.path.name} is not listed in metadata.yaml and overlaps with other "
                    "files: not read"
                )
                return
            self._note(f"{part.path.name} is not listed in metadata.yaml; it is read nevertheless")
        self._parts.append(part)
        self._count(part)

    def _count(self, part: _Part) -> None:
        """Add the messages of a part to the topics."""
        unknown = 0
        for number, count in part.count.items():
            if number not in part.channels:
                unknown += count
                continue
            name, kind = part.channels[number]
            first, last = part.first[number], part.last[number]
            topic = self.topics.get(name)
            if topic is None:
                qos = parse_qos(part.qos[number])
                self.topics[name] = TopicInfo(name, [kind], count, first, last, qos)
                continue
            topic.count += count
            topic.first, topic.last = min(topic.first, first), max(topic.last, last)
            if kind not in topic.types:
                topic.types.append(kind)
                self._note_change(topic, kind)
        if unknown:
            self._note(f"{part.path.name}: {unknown} messages of a topic without a description")
        self.info.update(part.info)
        self.complete &= part.complete
        self.attachments += part.attachments
        for problem in part.problems:
            self._note(problem)

    def _note_change(self, topic: TopicInfo, kind: TypeInfo) -> None:
        old = topic.types[0]
        if kind.name != old.name:
            self._note(f"{topic.name}: carries two types, {old.name} and {kind.name}")

    def _check_metadata(self, files: BagFiles) -> None:
        """Compare the messages with what metadata.yaml lists."""
        for name in files.missing:
            self.complete = False
            lost = f": {files.listed[name]} messages are lost" if name in files.listed else ""
            self._note(f"{name} is listed in metadata.yaml and is missing{lost}")
        if files.missing or files.unlisted or any(not part.complete for part in self._parts):
            return
        for name, number in files.counts.items():
            there = self.topics[name].count if name in self.topics else 0
            if there < number:
                self._note(f"{name}: metadata.yaml lists {number} messages, the files have {there}")

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _take_stock(path: Path) -> _Part:
    """Read a file once and count its messages."""
    scan = open_scan(path)
    part = _Part(path)
    for channel, time, data, _ in scan.messages():
        part.checksum = zlib.crc32(data, part.checksum)
        part.count[channel] += 1
        part.first.setdefault(channel, time)
        part.last[channel] = time
    for number, entry in scan.channels.items():
        part.channels[number] = (entry.topic, _type_of(entry, scan.schemas))
        part.qos[number] = entry.metadata.get("offered_qos_profiles", "")
    part.info = dict(list(scan.metadata.get(INFO_RECORD, {}).items())[:_MAX_INFO])
    part.attachments = scan.attachments
    part.complete = scan.complete
    part.problems = list(scan.problems.sentences)
    if scan.problems.more:
        part.problems.append(f"{path.name}: {scan.problems.more} more such problems")
    if scan.complete and path.suffix == ".mcap":
        expected = read_summary(path).messages
        if expected is not None and expected > part.count.total():
            lost = expected - part.count.total()
            part.problems.append(f"{path.name}: {lost} of {expected} messages are not readable")
    return part


def _type_of(channel: Channel, schemas: Mapping[int, Schema]) -> TypeInfo:
    return channel_type(channel, schemas.get(channel.schema_id))


def _same_content(one: _Part, other: _Part) -> bool:
    """Return whether two files contain the same messages."""
    mine, others = ((p.count.total(), p.span, p.checksum) for p in (one, other))
    return one.count.total() > 0 and mine == others


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Return whether a span covers more than a hundredth of another one."""
    begin, end = max(one[0], other[0]), min(one[1], other[1])
    return end >= begin and 100 * (end - begin) >= other[1] - other[0]
