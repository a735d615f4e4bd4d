"""Keep the DDS domain of the robot apart from that of ROS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gpc_ros.common.errors import ConfigError
from gpc_ros.common.process_environment import ros_domain as ros_domain


def sdk_domain(parameters: Mapping[str, Any]) -> int | None:
    """Return the domain in which a node with these parameters reaches a robot, or None.

    Args:
        parameters: of one node, by dotted name.
    """
    if parameters.get("driver") == "unitree":
        return int(parameters["unitree.sdk_domain"])
    return int(parameters["sdk_domain"]) if "sdk_domain" in parameters else None


def check_domains(domain: int, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse one DDS domain for both ROS and the robot.

    The robot runs Cyclone DDS 0.10.2, which other versions can end (a segmentation fault in type
    discovery) as soon as they share a topic with it; ROS brings other versions.

    Raises:
        ConfigError: ROS uses the SDK's domain.
    """
    ros = ros_domain(environment)
    if ros == domain:
        other = ros + 1
        raise ConfigError(
            f"ROS_DOMAIN_ID is {ros}, and so is the domain of the robot's SDK: ROS on it could end "
            f"processes inside the robot. Put ROS on another: export ROS_DOMAIN_ID={other} (in "
            "every shell that belongs to this robot), or choose sdk_domain:="
        )
