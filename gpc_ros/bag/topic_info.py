"""Describe the topics of a bag and their message types."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcap.records import Channel, Schema

from gpc_ros.bag.bag_writer import Qos
from gpc_ros.bag.message_types import Codec, definition
from gpc_ros.common.documents import load_yaml
from gpc_ros.common.errors import BagError


@dataclass(frozen=True)
class TypeInfo:
    """A message type as declared by one channel of a bag.

    Attributes:
        name: such as ``sensor_msgs/msg/Imu``.
        data: definition; empty if the bag lacks it.
        encoding: language of the definition.
        digest: hash of the type; empty if the bag lacks it.
        message_encoding: serialisation format of the messages; ``cdr`` in ROS 2.
    """

    name: str
    data: bytes
    encoding: str
    digest: str
    message_encoding: str = "cdr"

    @property
    def text(self) -> str:
        """The definition as text."""
        return self.data.decode("utf-8", "replace")

    def codec(self) -> Codec:
        """Return the codec of the type.

        If the bag lacks the definition, the installed one is used, unless its hash differs from the
        recorded hash.

        Raises:
            BagError: messages of the type cannot be decoded here.
        """
        if self.message_encoding != "cdr":
            raise BagError(
                f"type {self.name}: its messages are encoded as '{self.message_encoding[:40]}', "
                "not as CDR"
            )
        if self.data:
            return Codec(self.name, self.text, self.encoding)
        try:
            own = definition(self.name)
        except BagError:
            raise BagError(
                f"type {self.name}: neither the bag nor this machine contains its definition"
            ) from None
        if self.digest and self.digest != own.digest:
            raise BagError(
                f"type {self.name}: the bag does not contain its definition, and the installed one "
                "has another hash"
            )
        return Codec(self.name, own.text)


@dataclass
class TopicInfo:
    """The messages of one topic in a bag.

    Attributes:
        name: full name of the topic.
        types: types of its messages; several if a definition changed.
        count: number of messages.
        first: time of receipt of the first message [ns].
        last: time of receipt of the last message [ns].
        qos: quality of service of its publisher.
    """

    name: str
    types: list[TypeInfo]
    count: int
    first: int
    last: int
    qos: Qos = field(default_factory=Qos)

    @property
    def type(self) -> str:
        """Name of the (first) type."""
        return self.types[0].name

    @property
    def text(self) -> str:
        """Definition of the (first) type; empty if the bag lacks it."""
        return self.types[0].text

    @property
    def encoding(self) -> str:
        """Language of the (first) definition."""
        return self.types[0].encoding

    @property
    def digest(self) -> str:
        """Hash of the type; empty if the bag lacks it, ``several`` if the type changed."""
        digests = {t.digest or t.data for t in self.types}
        return self.types[0].digest if len(digests) == 1 else "several"


def channel_type(channel: Channel, schema: Schema | None) -> TypeInfo:
    """Return the message type of a channel."""
    return TypeInfo(
        name=schema.name if schema else "unknown",
        data=schema.data if schema else b"",
        encoding=schema.encoding if schema else "",
        digest=channel.metadata.get("topic_type_hash", ""),
        message_encoding=channel.message_encoding,
    )


def parse_qos(text: str) -> Qos:
    """Return the quality of service in a channel's metadata, or the default."""
    default = Qos()
    try:
        profile = (load_yaml(text) or [{}])[0]
        # Bags of older distributions contain numbers here.
        reliability = {1: "reliable", 2: "best_effort"}.get(
            profile.get("reliability"), profile.get("reliability")
        )
        durability = {1: "transient_local", 2: "volatile"}.get(
            profile.get("durability"), profile.get("durability")
        )
        return Qos(
            reliability if isinstance(reliability, str) else default.reliability,
            durability if isinstance(durability, str) else default.durability,
            min(max(int(profile.get("depth", default.depth)), 0), 1_000_000),
        )
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
        return default
