"""A check that messages cross between processes: a child sends, this process receives."""

from __future__ import annotations

import multiprocessing
import sys
import time

import rclpy
from std_msgs.msg import Header

from gpc_ros.ros import qos
from gpc_ros.ros.middleware import avoid_shared_memory
from gpc_ros.ros.polling import PolledSubscription

_TOPIC = "gpc_doctor"
_TIMEOUT = 15.0


def _send(seconds: float) -> None:
    avoid_shared_memory()
    rclpy.init()
    node = rclpy.create_node("doctor_sender")
    publisher = node.create_publisher(Header, _TOPIC, qos.sensor())
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        publisher.publish(Header(stamp=node.get_clock().now().to_msg()))
        time.sleep(0.02)


def main() -> None:
    """Print how long discovery and one message took; exit 1 if nothing arrives."""
    # A forked child would share the middleware's threads; a fresh one is what nodes are.
    sender = multiprocessing.get_context("spawn").Process(target=_send, args=(_TIMEOUT,))
    sender.start()
    avoid_shared_memory()
    rclpy.init()
    node = rclpy.create_node("doctor_receiver")
    subscription = PolledSubscription(node, Header, _TOPIC, qos.sensor())
    begin = time.monotonic()
    try:
        while time.monotonic() - begin < _TIMEOUT:
            message = subscription.latest()
            if message is not None:
                break
            time.sleep(0.005)
        else:
            print(f"nothing arrived within {_TIMEOUT:.0f} s")
            sys.exit(1)
        print(f"messages cross between processes (found in {time.monotonic() - begin:.1f} s)")
    finally:
        sender.kill()
        sender.join()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
