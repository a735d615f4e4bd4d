"""Mapping from the poses of a motion capture system to body poses in the map frame.

A system has its own axes (possibly y up), stamps and body names, and an arbitrary marker frame on
each body. With U the rotation from its axes to the map, and the offset (p_o, q_o) of the body in
its marker frame, both with z up:

    q = U q_m U^-1 q_o,   p = U p_m + (U q_m U^-1) p_o
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.assignments import parse_assignments
from gpc_ros.common.config import param
from gpc_ros.common.errors import ConfigError, InputError, suggest
from gpc_ros.common.geometry import quat_conjugate, quat_multiply, rotate

# Default topics of the drivers; {name} is the name of the body in the system.
TOPICS = {
    "pose_stamped": "/vrpn_mocap/{name}/pose",
    "rigid_bodies": "/rigid_bodies",
    "named_pose_array": "/poses",
}
# Systems that are reached without a ROS driver, through mocap_client.py.
SYSTEMS = ("optitrack", "qualisys", "vicon", "vrpn")
# Rotation from the axes of a system to the map, wxyz.
_TURNS = {
    "z_up": np.array([1.0, 0.0, 0.0, 0.0]),
    "y_up": np.array([math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0]),
}


@dataclass(frozen=True)
class MocapMapConfig:
    """Source and interpretation of motion capture data."""

    driver: str = param(
        "pose_stamped",
        "Driver: geometry_msgs/PoseStamped with one topic per body, as vrpn_mocap; "
        "mocap4r2_msgs/RigidBodies; motion_capture_tracking_interfaces/NamedPoseArray; or a system "
        "reached without a driver, at 'host'",
        choices=(*TOPICS, *SYSTEMS),
    )
    host: str = param(
        "", "Address of a system that is reached without a driver; with ':port' if it is not the "
        "usual one",
    )  # fmt: skip
    interface: str = param(
        "",
        "Address of this machine on that system's network, for OptiTrack's multicast; empty: any",
    )
    topic: str = param(
        "", "Its topic, with {name} for a body's name in the system; empty: the driver's own"
    )
    names: str = param("", "Names of bodies in the system if different, such as base=Go2,box=Box 1")
    frame: str = param("", "Required frame of the poses; empty accepts any")
    axes: str = param("z_up", "Axis of the system that points up", choices=("z_up", "y_up"))
    stamp: str = param(
        "header",
        "Time of a pose: the stamp of its header, or its arrival (for drivers on a machine with "
        "another clock)",
        choices=("header", "arrival"),
    )
    delay: float = param(
        0.0,
        "Delay from capture to the stamp, subtracted from the stamp",
        unit="s",
        low=0.0,
        high=0.5,
    )
    repeats: bool = param(
        False,
        "Accept a pose identical to the previous one; cameras are noisy, but some drivers repeat "
        "the last pose of a lost body",
    )
    offsets: str = param(
        "", "File of the marker offsets (gpc calibrate-mocap); empty for no offsets"
    )


class SystemPose(NamedTuple):
    """A pose from a system: position (3,) [m] and orientation (4,) wxyz in its own axes."""

    name: str
    frame: str
    stamp: float
    position: Array
    orientation: Array


class Offset(NamedTuple):
    """Pose of a body in its marker frame: position (3,) [m], orientation (4,) wxyz."""

    position: Array
    orientation: Array


NO_OFFSET = Offset(np.zeros(3), np.array([1.0, 0.0, 0.0, 0.0]))


class MapPose(NamedTuple):
    """A pose of a body: capture stamp [s], position (3,) [m], orientation (4,) wxyz, map frame."""

    body: str
    stamp: float
    position: Array
    orientation: Array


def topic_token(name: str) -> str:
    """Return the part of a topic that vrpn_mocap makes from the name of a body.

    Each run of other characters than ASCII letters, digits and underscores becomes one underscore.

    Raises:
        ConfigError: the result begins with a digit, which ROS does not allow.
    """
    token = re.sub("[^a-zA-Z0-9]+", "_", name)
    if not token or token[0].isdigit():
        raise ConfigError(
            f"mocap names: '{name}' cannot be part of a ROS topic, which must not begin with a "
            "digit; rename it in the motion capture system so that it begins with a letter"
        )
    return token


class MocapMap:
    """Maps poses of a motion capture system; see the module.

    Args:
        config: parameters.
        bodies: names of the tracked bodies, including the base.
        offsets: marker offsets by body; a missing offset is the identity.

    Attributes:
        names: names in the system, by body.
        unknown: names in the system without a matching body.
        repeated: number of rejected repeated poses, by body.

    Raises:
        ConfigError: a name or an offset belongs to an unknown body, or two bodies share a topic.
    """

    def __init__(
        self, config: MocapMapConfig, bodies: tuple[str, ...], offsets: Mapping[str, Offset]
    ) -> None:
        """Check names and offsets against the bodies."""
        self._config = config
        self._turn = _TURNS[config.axes]
        self._back = quat_conjugate(self._turn)
        given = parse_assignments(config.names, "mocap names")
        for what, known in (("names", given), ("offsets", offsets)):
            for body in known:
                if body not in bodies:
                    raise ConfigError(f"mocap {what}: no body '{body}'; {suggest(body, bodies)}")
        self.names = {body: given.get(body, body) for body in bodies}
        self._bodies = {name: body for body, name in self.names.items()}
        if len(self._bodies) < len(bodies):
            raise ConfigError(f"mocap names: two bodies have the same name: {config.names}")
        self._offsets = offsets
        self._last: dict[str, bytes] = {}
        self.unknown: set[str] = set()
        self.repeated = dict.fromkeys(bodies, 0)

    @property
    def topics(self) -> dict[str, str]:
        """The topic by body; one for all unless the driver has one a body, none without a driver.

        Raises:
            ConfigError: the driver has one topic a body and the given one names no body.
        """
        c = self._config
        if c.driver in SYSTEMS:
            return {}
        topic = c.topic or TOPICS[c.driver]
        if c.driver == "pose_stamped" and "{name}" not in topic and len(self.names) > 1:
            raise ConfigError(f"mocap topic: '{topic}' must hold {{name}}: each body has its own")
        if "{name}" not in topic:
            return dict.fromkeys(self.names, topic)
        found = {b: topic.replace("{name}", topic_token(name)) for b, name in self.names.items()}
        for body, other in itertools.combinations(found, 2):
            if found[body] == found[other]:
                raise ConfigError(
                    f"mocap names: '{self.names[body]}' and '{self.names[other]}' both become the "
                    f"topic '{found[body]}'; rename one of them in the motion capture system"
                )
        return found

    def pose(self, reported: SystemPose, arrival: float) -> MapPose | None:
        """Return the pose of a tracked body; None for an unknown body or a repeated pose.

        Args:
            reported: pose of the marker frame from the system.
            arrival: time of reception [s].

        Raises:
            InputError: the frame differs from the required one.
        """
        c = self._config
        name, frame, stamp, position, wxyz = reported
        body = self._bodies.get(name)
        if body is None:
            self.unknown.add(name)
            return None
        if c.frame and frame.lstrip("/") != c.frame.lstrip("/"):
            raise InputError(f"pose of '{name}': frame '{frame}' is not '{c.frame}'")
        if c.stamp == "header" and stamp == 0.0:
            raise InputError(
                f"pose of '{name}': the stamp is zero, so the driver does not stamp its poses; "
                "set the parameter stamp of the node mocap to arrival"
            )
        values = position.tobytes() + wxyz.tobytes()
        if not c.repeats and values == self._last.get(body):
            self.repeated[body] += 1
            return None
        self._last[body] = values
        offset = self._offsets.get(body, NO_OFFSET)
        turned = quat_multiply(quat_multiply(self._turn, wxyz), self._back)
        return MapPose(
            body,
            (arrival if c.stamp == "arrival" else stamp) - c.delay,
            rotate(self._turn, position) + rotate(turned, offset.position),
            quat_multiply(turned, offset.orientation),
        )
