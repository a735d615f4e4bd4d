"""``gpc estop``: the emergency stop at the keyboard; arming the robot needs its heartbeat."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.config import param
from gpc_ros.common.process_environment import check_namespace

_HELP = "Enter presses and releases; Ctrl-C, or the end of the input, presses and ends."


@dataclass(frozen=True)
class Options:
    """Options of ``gpc estop``."""

    namespace: str = param("", "Namespace of the robot's nodes")
    name: str = param("emergency_stop", "Name of this stop in reasons and diagnostics")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc estop``."""
    parser.description = f"Publishes the heartbeat of the emergency stop at 10 Hz. {_HELP}"
    parser.add_options(Options())


def run(args: argparse.Namespace) -> int:
    """Publish the heartbeat until the end of the input."""
    import rclpy
    from rclpy.node import Node

    from gpc_ros.ros.heartbeat import Heartbeat
    from gpc_ros.ros.middleware import avoid_shared_memory

    avoid_shared_memory()
    rclpy.init(args=[])
    node = Node(
        args.options.name,
        namespace=check_namespace(args.options.namespace),
        start_parameter_services=False,
    )
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
    print("pressed; the heartbeat has ended")
    return 0
