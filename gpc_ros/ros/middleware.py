"""How this process talks to the others: over UDP, since shared memory stops the control loop.

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

    What the user has set for Fast DDS stays: a profile file, or other transports than UDP alone.
    Another middleware is left alone.

    Args:
        environment: the variables to change.
    """
    if environment.get("RMW_IMPLEMENTATION", "") not in _FAST_DDS:
        return
    ours = str(share("config", "fastdds_loopback.xml"))
    # What this sets itself is no choice of the user's: a process that was started by another of
    # ours inherits it, and with a range of this machine only it would not keep shared memory out.
    theirs = environment.get(_TRANSPORTS, _UDP) != _UDP
    if theirs or any(environment.get(name, ours) != ours for name in _PROFILES):
        return
    if environment.get(_RANGE) == "LOCALHOST" or any(name in environment for name in _PROFILES):
        # This range brings shared memory with it (rmw_fastrtps, participant.cpp); our file says
        # the same without, and takes effect in the range that leaves things as they are.
        environment[_RANGE] = "SYSTEM_DEFAULT"
        environment.pop(_TRANSPORTS, None)
        for name in _PROFILES:
            environment[name] = ours
    else:
        environment[_TRANSPORTS] = _UDP
