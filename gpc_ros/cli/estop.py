"""``gpc estop``: the emergency stop at the keyboard; its heartbeat lets the robot be armed."""

from __future__ import annotations

import argparse
import sys
from typing import Any

_HELP = "Enter presses and releases; Ctrl-C, or the end of the input, presses and ends."


def add_parser(subparsers: Any) -> None:
    """Add ``estop`` to the command."""
    parser = subparsers.add_parser(
        "estop",
        help="be the emergency stop: Enter stops the robot",
        description=f"Says ten times a second that the emergency stop is there. {_HELP}",
    )
    parser.add_argument("--namespace", default="", help="of the robot's nodes")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Be the emergency stop until the end of the input."""
    import rclpy
    from rclpy.node import Node

    from gpc_ros.ros.heartbeat import Heartbeat
    from gpc_ros.ros.middleware import avoid_shared_memory

    avoid_shared_memory()
    rclpy.init(args=[])
    node = Node("emergency_stop", namespace="/" + args.namespace.strip("/"))
    stop, pressed = Heartbeat(node), False
    print(f"released. {_HELP}", flush=True)
    try:
        for _line in sys.stdin:
            pressed = not pressed
            stop.press(pressed)
            print("PRESSED: the robot brakes to the ground" if pressed else "released", flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        stop.press()
        stop.close()
        node.destroy_node()
        rclpy.try_shutdown()
    print("pressed, and gone")
    return 0
