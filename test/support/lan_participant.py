"""Two programs for the network test: one offers a service, the other searches for it.

``lan_participant.py offer`` starts as the nodes of a graph do. ``lan_participant.py seek ADDRESS``
uses one network address only and prints whether it finds the service.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

SERVICE = "arm"
_PROFILE = """<?xml version="1.0"?>
<dds xmlns="http://www.eprosima.com"><profiles>
  <transport_descriptors><transport_descriptor>
    <transport_id>lan</transport_id><type>UDPv4</type>
    <interfaceWhiteList><address>{address}</address></interfaceWhiteList>
    <maxInitialPeersRange>32</maxInitialPeersRange>
  </transport_descriptor></transport_descriptors>
  <participant profile_name="lan" is_default_profile="true"><rtps>
    <useBuiltinTransports>false</useBuiltinTransports>
    <userTransports><transport_id>lan</transport_id></userTransports>
    <builtin><initialPeersList>
      <locator><udpv4><address>{address}</address></udpv4></locator>
    </initialPeersList></builtin>
  </rtps></participant>
</profiles></dds>
"""


def offer() -> None:
    """Offer the service until the process is ended."""
    from gpc_ros.ros.middleware import avoid_shared_memory

    avoid_shared_memory()
    import rclpy
    from std_srvs.srv import Trigger

    rclpy.init()
    node = rclpy.create_node("offers")
    node.create_service(Trigger, SERVICE, lambda request, response: response)
    print("ready", flush=True)
    rclpy.spin(node)


def seek(address: str, seconds: float = 6.0) -> None:
    """Print whether the service is found from a network address."""
    profile = Path(tempfile.mkdtemp()) / "lan.xml"
    profile.write_text(_PROFILE.format(address=address), encoding="utf-8")
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        os.environ[name] = str(profile)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "SYSTEM_DEFAULT"
    import rclpy
    from std_srvs.srv import Trigger

    rclpy.init()
    node = rclpy.create_node("seeks")
    client = node.create_client(Trigger, SERVICE)
    end = time.monotonic() + seconds
    while not client.service_is_ready() and time.monotonic() < end:
        time.sleep(0.05)
    print("found" if client.service_is_ready() else "not found", flush=True)


if __name__ == "__main__":
    offer() if sys.argv[1] == "offer" else seek(sys.argv[2])
