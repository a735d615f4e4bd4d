"""Reject bags from before the renaming of messages and topics."""

from __future__ import annotations

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.common.errors import BagError

# Message types of gpc_ros 0.1.0 that were renamed in 0.2.0, with their current names.
FORMER_TYPES = {
    "gpc_msgs/msg/State": "gpc_msgs/msg/SceneState",
    "gpc_msgs/msg/RobotState": "gpc_msgs/msg/RobotReading",
}
_VERSION = "0.1.0"


def check_version(reader: BagReader) -> None:
    """Reject a bag with former message names.

    Raises:
        BagError: the bag is of gpc_ros 0.1.0; the message names the version to use.
    """
    former = sorted({t.name for topic in reader.topics.values() for t in topic.types})
    former = [name for name in former if name in FORMER_TYPES]
    if former:
        raise BagError(
            f"{reader.path}: was recorded by gpc_ros {_VERSION}, which has {former[0]} for "
            f"{FORMER_TYPES[former[0]]}; use gpc_ros {_VERSION} for this bag (gpc bag export and "
            "gpc bag repair read it here)"
        )
