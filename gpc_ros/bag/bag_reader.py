"""Reads bags: ours and other rosbag2 bags in MCAP, whole, cut, or without metadata.yaml.

Everything readable is read; what is not is told in :attr:`BagReader.problems`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from gpc_ros.bag.bag_writer import INFO_RECORD, BagWriter, Qos
from gpc_ros.bag.mcap_scan import Scan
from gpc_ros.bag.message_types import Codec
from gpc_ros.common.errors import BagError

# More problems of one file than these are only counted.
_MOST_PROBLEMS = 20


@dataclass
class TopicInfo:
    """What a bag holds of one topic.

    Attributes:
        name: full name of the topic.
        type: name of its message type.
        count: number of messages.
        first: when the first one was received [ns].
        last: when the last one was received [ns].
        text: definition of the type; empty if the bag lacks it.
        encoding: language of the definition.
        digest: hash of the type; empty if the bag lacks it.
        qos: how the topic was offered.
    """

    name: str
    type: str
    count: int
    first: int
    last: int
    text: str
    encoding: str
    digest: str
    qos: Qos


class BagMessage(NamedTuple):
    """One message.

    Attributes:
        topic: name of its topic.
        time: when it was received [s].
        data: the message: fields as attributes, arrays of numbers as numpy arrays.
    """

    topic: str
    time: float
    data: Any


class BagReader:
    """An open bag.

    Attributes:
        path: what was opened.
        info: what the run was (task, seed, versions); empty for a foreign bag.
        topics: what it holds, by topic.
        problems: what could not be read, each in a sentence; grows while messages are decoded.
        complete: whether it was closed properly.
    """

    def __init__(self, path: Path) -> None:
        """Find the files of a bag and take stock of them.

        Args:
            path: the folder of a bag, a folder that holds one named ``bag``, or an MCAP file.

        Raises:
            BagError: there is no bag, or it is stored in another format.
        """
        self.path = path
        self.info: dict[str, str] = {}
        self.topics: dict[str, TopicInfo] = {}
        self.problems: list[str] = []
        self.complete = True
        self._files = _bag_files(path)
        self._codecs: dict[str, Codec | None] = {}
        for file in self._files:
            self._take_stock(file)
        if not self.topics and not self.problems:
            self.problems.append("the bag holds no message")

    @property
    def count(self) -> int:
        """Number of messages."""
        return sum(topic.count for topic in self.topics.values())

    def raw(self, topics: Collection[str] | None = None) -> Iterator[tuple[str, int, bytes]]:
        """Yield topic, time of receipt [ns] and serialised message, in the order of the bag.

        Args:
            topics: what to read; everything if not given.
        """
        for file in self._files:
            scan = Scan(file)
            names: dict[int, str] = {}
            for channel, time, data in scan.messages():
                name = names.get(channel)
                if name is None:
                    entry = scan.channels.get(channel)
                    # A name that is in no list is skipped below.
                    names[channel] = name = entry.topic if entry else ""
                if name in self.topics and (topics is None or name in topics):
                    yield name, time, data

    def messages(
        self, topics: Collection[str] | None = None, rates: Mapping[str, float] | None = None
    ) -> Iterator[BagMessage]:
        """Yield decoded messages in the order of the bag; bad ones are skipped and told.

        Args:
            topics: what to read; everything if not given.
            rates: by topic, how many messages a second are enough [Hz].
        """
        bad: Counter[str] = Counter()
        why: dict[str, str] = {}
        gaps = {name: 1e9 / rate for name, rate in (rates or {}).items()}
        kept: dict[str, float] = {}
        for name, time, data in self.raw(topics):
            codec = self._codec(name)
            # A negative gap is a clock that jumped back, not a message too many.
            if codec is None or 0 <= time - kept.get(name, -1e30) < gaps.get(name, 0.0):
                continue
            kept[name] = time
            try:
                yield BagMessage(name, time * 1e-9, codec.decode(data))
            except BagError as error:
                bad[name] += 1
                why.setdefault(name, str(error))
        for name, number in bad.items():
            self._note(f"{name}: {number} messages cannot be read ({why[name]})")

    def codec(self, name: str) -> Codec | None:
        """Return what decodes a topic's messages; None, and a problem, if its type is unknown."""
        return self._codec(name)

    def _codec(self, name: str) -> Codec | None:
        """Return the codec of a topic; None, and a problem, if its type is unknown."""
        if name not in self._codecs:
            topic = self.topics[name]
            try:
                if not topic.text:
                    raise BagError(f"type {topic.type}: the bag does not hold its definition")
                self._codecs[name] = Codec(topic.type, topic.text, topic.encoding)
            except BagError as error:
                self._codecs[name] = None
                self._note(f"{name}: skipped: {error}")
        return self._codecs[name]

    def _take_stock(self, file: Path) -> None:
        scan = Scan(file)
        count: Counter[int] = Counter()
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for channel, time, _ in scan.messages():
            count[channel] += 1
            first.setdefault(channel, time)
            last[channel] = time
        for channel, number in count.items():
            if channel in scan.channels:
                self._add(scan, channel, number, first[channel], last[channel])
            else:
                self._note(f"{file.name}: {number} messages of a topic that is not described")
        self.info.update(scan.metadata.get(INFO_RECORD, {}))
        self.complete &= scan.complete
        for problem in scan.problems[:_MOST_PROBLEMS]:
            self._note(problem)
        if len(scan.problems) > _MOST_PROBLEMS:
            self._note(f"{file.name}: {len(scan.problems) - _MOST_PROBLEMS} more such problems")

    def _add(self, scan: Scan, number: int, count: int, first: int, last: int) -> None:
        """Add the messages of one channel to the account of its topic."""
        channel = scan.channels[number]
        known = self.topics.get(channel.topic)
        if known is not None:
            known.count += count
            known.last = last
            return
        schema = scan.schemas.get(channel.schema_id)
        self.topics[channel.topic] = TopicInfo(
            name=channel.topic,
            type=schema.name if schema else "unknown",
            count=count,
            first=first,
            last=last,
            text=schema.data.decode("utf-8", "replace") if schema else "",
            encoding=schema.encoding if schema else "",
            digest=channel.metadata.get("topic_type_hash", ""),
            qos=_parse_qos(channel.metadata.get("offered_qos_profiles", "")),
        )

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def salvage(source: Path, target: Path) -> BagReader:
    """Copy everything readable of a damaged bag into a new, complete one.

    Args:
        source: the damaged bag.
        target: folder of the new bag.

    Returns:
        The account of the damaged bag.

    Raises:
        BagError: there is nothing to read, or the new bag cannot be written.
    """
    reader = BagReader(source)
    writer = BagWriter(target, reader.info)
    for topic in reader.topics.values():
        writer.add_foreign_topic(
            topic.name, topic.type, topic.text, topic.digest, topic.encoding, topic.qos
        )
    for name, time, data in reader.raw():
        writer.write(name, data, time)
    writer.close()
    return reader


def _bag_files(path: Path) -> list[Path]:
    """Return the MCAP files of a bag in order."""
    if path.is_file() and path.suffix == ".mcap":
        return [path]
    if not path.is_dir():
        what = "is not an MCAP file" if path.exists() else "does not exist"
        raise BagError(f"{path}: {what}; give the folder of a bag or an .mcap file")
    if not any(path.glob("*.mcap*")) and (path / "bag").is_dir():
        path = path / "bag"
    files = sorted(path.glob("*.mcap"), key=_natural)
    if files:
        return files
    if any(path.glob("*.mcap.*")):
        raise BagError(f"{path}: its files are compressed as a whole; unpack them (zstd -d) first")
    if any(path.glob("*.db3*")):
        raise BagError(
            f"{path}: stored as SQLite; convert it to MCAP first: "
            f"rosbags-convert --src {path} --dst {path}_mcap --dst-storage mcap"
        )
    raise BagError(f"{path}: holds no bag (no .mcap file)")


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts bag_2 before bag_10."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", path.name)]


def _parse_qos(text: str) -> Qos:
    """Return what matters of a channel's quality of service; the default if there is nothing."""
    default = Qos()
    try:
        profile = (yaml.safe_load(text) or [{}])[0]
        # Bags of older distributions have numbers here.
        reliability = {1: "reliable", 2: "best_effort"}.get(
            profile.get("reliability"), profile.get("reliability")
        )
        durability = {1: "transient_local", 2: "volatile"}.get(
            profile.get("durability"), profile.get("durability")
        )
        return Qos(
            reliability or default.reliability,
            durability or default.durability,
            int(profile.get("depth", default.depth)),
        )
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, IndexError, KeyError):
        return default
