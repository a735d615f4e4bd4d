"""Copy everything readable of a damaged bag into a new, complete one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.common.errors import BagError


@dataclass(frozen=True)
class Repair:
    """The result of a repair.

    Attributes:
        reader: the damaged bag.
        written: number of messages in the copy.
        topics: number of topics in the copy.
        lost: unreadable parts, each in a sentence.
        undecoded: topics with copied messages that cannot be decoded here, with the reason.
    """

    reader: BagReader
    written: int
    topics: int
    lost: list[str]
    undecoded: list[str]

    @property
    def whole(self) -> bool:
        """Whether the source was complete and every message could be decoded."""
        return self.reader.complete and not self.lost and not self.undecoded


def repair(source: Path, target: Path) -> Repair:
    """Copy everything readable of a bag into a new one.

    Messages are copied unchanged, with their definitions; individually compressed messages are
    decompressed.

    Args:
        source: the damaged bag.
        target: folder of the new bag.

    Raises:
        BagError: the bag contains no readable message, or the new bag cannot be written.
    """
    reader = BagReader(source)
    if not reader.topics:
        raise BagError(f"{source}: contains no readable message: {'; '.join(reader.problems)}")
    lost = list(reader.problems)
    undecoded = _undecoded(reader)
    lost += [p for p in reader.problems if p not in lost and p not in undecoded]
    if reader.attachments:
        lost.append(f"{reader.attachments} attached files are not copied")
    writer = BagWriter(target, reader.info)
    try:
        for topic in reader.topics.values():
            for variant, kind in enumerate(topic.types):
                writer.add_typed_topic(topic.name, kind, topic.qos, variant)
        written = 0
        for name, variant, time, published, data in reader.records():
            writer.write(name, data, time, variant, published)
            written += 1
    except BaseException:
        writer.abandon()
        raise
    writer.close()
    return Repair(reader, written, len(reader.topics), lost, undecoded)


def _undecoded(reader: BagReader) -> list[str]:
    """Decode every message once and return a sentence for each topic with invalid messages."""
    before = set(reader.problems)
    for _ in reader.messages():
        pass
    return [problem for problem in reader.problems if problem not in before]
