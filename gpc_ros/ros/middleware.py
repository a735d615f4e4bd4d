"""Choose UDP as the transport of this process; shared memory stops the control loop.

The shared-memory transport of Fast DDS (the default middleware) checks a peer's port when it opens
it. If the peer's listener is busy or was killed, the check sleeps for a third of a second, inside
``publish`` (eProsima Fast-DDS, ``SharedMemGlobal.hpp``, ``healthy_check``): a control loop of
500 Hz misses 167 cycles, and the robot falls. UDP to a killed peer costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from gpc_ros.common.paths import share

_FAST_DDS = ("", "rmw_fastrtps_cpp", "rmw_fastrtps_dynamic_cpp")
_RANGE = "ROS_AUTOMATIC_DISCOVERY_RANGE"
# The old name and the new one of the same variable.
_PROFILES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
_TRANSPORTS = "FASTDDS_BUILTIN_TRANSPORTS"
_UDP = "UDPv4"


def avoid_shared_memory(environment: MutableMapping[str, str] = os.environ) -> None:
    """Change the environment so that Fast DDS uses UDP only; call it before ``rclpy.init``.

    The user's own settings for Fast DDS stay: a profile file, or other transports than UDP alone.
    Another middleware is not changed.

    Args:
        environment: the variables to change.
    """
    if environment.get("RMW_IMPLEMENTATION", "") not in _FAST_DDS:
        return
    ours = str(share("config", "fastdds_loopback.xml"))
    # Values that this function has set are inherited by child processes; they are not the user's
    # choice, and with the range LOCALHOST they would not keep shared memory out.
    chosen = environment.get(_TRANSPORTS, _UDP) != _UDP
    if chosen or any(environment.get(name, ours) != ours for name in _PROFILES):
        return
    if environment.get(_RANGE) == "LOCALHOST" or any(name in environment for name in _PROFILES):
        # The range LOCALHOST includes shared memory (rmw_fastrtps, participant.cpp). The profile
        # replaces it and takes effect only in the range SYSTEM_DEFAULT.
        environment[_RANGE] = "SYSTEM_DEFAULT"
        environment.pop(_TRANSPORTS, None)
        for name in _PROFILES:
            environment[name] = ours
    else:
        environment[_TRANSPORTS] = _UDP
