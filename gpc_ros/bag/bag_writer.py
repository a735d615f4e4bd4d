"""Write serialised messages to a rosbag2 bag: a folder with an MCAP file and metadata.yaml.

Flushed messages stay readable if the process is killed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import yaml
from mcap.writer import CompressionType, Writer

from gpc_ros import __version__
from gpc_ros.bag.message_types import definition
from gpc_ros.common.errors import BagError
from gpc_ros.common.files import make_folder, write_atomic

if TYPE_CHECKING:
    from gpc_ros.bag.topic_info import TypeInfo

COMPRESSIONS = {
    "zstd": CompressionType.ZSTD, "lz4": CompressionType.LZ4, "none": CompressionType.NONE,
}  # fmt: skip
# Version of the metadata.yaml of rosbag2 (Kilted; Jazzy reads it too).
_BAG_VERSION = 9
# Name of the record with the description of the run, inside the MCAP file.
INFO_RECORD = "gpc_ros"
_FOREVER = {"sec": 9223372036, "nsec": 854775807}


@dataclass(frozen=True)
class Qos:
    """Quality of service of a topic's publisher, which ros2 bag play restores.

    Attributes:
        reliability: ``reliable`` or ``best_effort``.
        durability: ``volatile`` or ``transient_local``.
        depth: length of the queue.
    """

    reliability: str = "reliable"
    durability: str = "volatile"
    depth: int = 10

    def profile(self) -> dict[str, object]:
        """Return the profile as rosbag2 writes it."""
        return {
            "history": "keep_last",
            "depth": self.depth,
            "reliability": self.reliability,
            "durability": self.durability,
            "deadline": _FOREVER,
            "lifespan": _FOREVER,
            "liveliness": "automatic",
            "liveliness_lease_duration": _FOREVER,
            "avoid_ros_namespace_conventions": False,
        }


@dataclass
class _Topic:
    name: str
    type: str
    digest: str
    qos: Qos
    channel: int
    encoding: str = "cdr"
    count: int = 0


class BagWriter:
    """Writes one bag; every method can raise BagError, for example on a full disk."""

    def __init__(
        self,
        folder: Path,
        info: Mapping[str, str] | None = None,
        compression: str = "zstd",
        stream: BinaryIO | None = None,
    ) -> None:
        """Create the folder and the file.

        Args:
            folder: the new bag; must be empty if it exists.
            info: description of the run (task, seed, versions), kept in the bag.
            compression: of the file's chunks: zstd, lz4 or none.
            stream: receives the MCAP file's bytes instead of the file (for tests).

        Raises:
            BagError: the folder is not empty or cannot be written.
        """
        self.folder = folder
        self.file = folder / f"{folder.name}.mcap"
        self.info = dict(info or {})
        self.bytes = 0
        self._topics: dict[tuple[str, int], _Topic] = {}
        self._schemas: dict[tuple[str, str, bytes], int] = {}
        self._first: int | None = None
        self._last = 0
        try:
            make_folder(folder)
            if any(folder.iterdir()):
                raise BagError(f"{folder}: is not empty; choose another folder for the bag")
            self._stream = stream or self.file.open("xb")
            self._mcap = Writer(self._stream, compression=COMPRESSIONS[compression])
            self._mcap.start(profile="ros2", library=f"gpc_ros {__version__}")
            self._mcap.add_metadata(INFO_RECORD, self.info)
            self._stream.flush()
        except OSError as error:
            raise BagError(f"{folder}: the bag cannot be created: {_cause(error)}") from None

    def add_topic(self, topic: str, type_name: str, qos: Qos | None = None) -> None:
        """Declare a topic before its first message; a repeated call has no effect.

        Args:
            topic: full name of the topic.
            type_name: such as ``sensor_msgs/msg/Imu``.
            qos: quality of service of its publisher.

        Raises:
            BagError: the type's definition is not installed, or the topic has another type.
        """
        qos = qos or Qos()
        known = self._topics.get((topic, 0))
        if known is not None:
            if known.type != type_name:
                raise BagError(
                    f"{self.folder}: topic {topic} is recorded as {known.type}, not {type_name}"
                )
            return
        self.add_foreign_topic(topic, type_name, *_text_and_digest(type_name), "ros2msg", qos)

    def add_foreign_topic(
        self, topic: str, type_name: str, text: str, digest: str, encoding: str, qos: Qos
    ) -> None:
        """Declare a topic with the text of its message definition."""
        self._add(topic, 0, (type_name, encoding, text.encode()), digest, "cdr", qos)

    def add_typed_topic(self, topic: str, kind: TypeInfo, qos: Qos, variant: int = 0) -> None:
        """Declare a topic of another bag with its type from there.

        Args:
            topic: full name of the topic.
            kind: its type.
            qos: quality of service of its publisher.
            variant: index of the type, for a topic with several.
        """
        schema = (kind.name, kind.encoding, kind.data)
        self._add(topic, variant, schema, kind.digest, kind.message_encoding, qos)

    def _add(
        self,
        topic: str,
        variant: int,
        schema: tuple[str, str, bytes],
        digest: str,
        message_encoding: str,
        qos: Qos,
    ) -> None:
        if schema not in self._schemas:
            self._schemas[schema] = self._mcap.register_schema(*schema)
        channel = self._mcap.register_channel(
            topic,
            message_encoding,
            self._schemas[schema],
            {
                "offered_qos_profiles": yaml.safe_dump([qos.profile()], sort_keys=False).strip(),
                "topic_type_hash": digest,
            },
        )
        self._topics[topic, variant] = _Topic(
            topic, schema[0], digest, qos, channel, message_encoding
        )

    def write(
        self, topic: str, data: bytes, time: int, variant: int = 0, published: int | None = None
    ) -> None:
        """Append a message.

        Args:
            topic: a topic that was added.
            data: the serialised message (CDR), as received from the middleware.
            time: of receipt [ns].
            variant: index of the message's type, for a topic with several.
            published: time of sending [ns]; the time of receipt if not given.

        Raises:
            BagError: the disk is full or failing.
        """
        entry = self._topics[topic, variant]
        sent = time if published is None else published
        try:
            self._mcap.add_message(entry.channel, time, data, sent, entry.count)
        except OSError as error:
            raise BagError(f"{self.file}: cannot be written: {_cause(error)}") from None
        entry.count += 1
        self.bytes += len(data)
        self._first = time if self._first is None else min(self._first, time)
        self._last = max(self._last, time)

    def flush(self, sync: bool = False) -> None:
        """Close the chunk, so that its messages survive if this process is killed.

        Args:
            sync: wait until they are on the disk, so that they survive a power cut too.

        Raises:
            BagError: the disk is full or failing.
        """
        try:
            self._mcap.flush()
            if sync:
                os.fsync(self._stream.fileno())
        except OSError as error:
            raise BagError(f"{self.file}: cannot be written: {_cause(error)}") from None

    def close(self) -> None:
        """Write the index and metadata.yaml, and close the file.

        Raises:
            BagError: the disk is full or failing; flushed messages stay readable.
        """
        try:
            self._mcap.finish()
            self._stream.flush()
            self._stream.close()
            self._write_metadata()
        except OSError as error:
            raise BagError(f"{self.file}: cannot be finished: {_cause(error)}") from None
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the file without an index; the reader does not need one."""
        with suppress(OSError, ValueError):
            self._stream.close()

    def counts(self) -> dict[str, int]:
        """Return the number of messages by topic."""
        counts: dict[str, int] = {}
        for topic in self._topics.values():
            counts[topic.name] = counts.get(topic.name, 0) + topic.count
        return counts

    def _write_metadata(self) -> None:
        """Write metadata.yaml atomically."""
        begin = self._first or 0
        span = {
            "duration": {"nanoseconds": max(self._last - begin, 0)},
            "starting_time": {"nanoseconds_since_epoch": begin},
            "message_count": sum(self.counts().values()),
        }
        content = {
            "version": _BAG_VERSION,
            "storage_identifier": "mcap",
            "relative_file_paths": [self.file.name],
            **span,
            "topics_with_message_count": [
                {
                    "topic_metadata": {
                        "name": topic.name,
                        "type": topic.type,
                        "serialization_format": topic.encoding,
                        "offered_qos_profiles": [topic.qos.profile()],
                        "type_description_hash": topic.digest,
                    },
                    "message_count": topic.count,
                }
                for topic in self._topics.values()
            ],
            "compression_format": "",
            "compression_mode": "",
            "files": [{"path": self.file.name, **span}],
            "custom_data": self.info or None,
            "ros_distro": os.environ.get("ROS_DISTRO", "jazzy"),
        }
        text = yaml.dump(
            {"rosbag2_bagfile_information": content}, Dumper=_Plain, sort_keys=False, width=1000
        )
        write_atomic(self.folder / "metadata.yaml", text)


class _Plain(yaml.SafeDumper):
    """A YAML dumper without aliases, which rosbag2 does not support."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text_and_digest(type_name: str) -> tuple[str, str]:
    known = definition(type_name)
    return known.text, known.digest


def _cause(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
