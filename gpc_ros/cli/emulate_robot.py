"""``gpc emulate-robot``: a Go2 behind Unitree's SDK that is none, and faults of a running one."""

from __future__ import annotations

import argparse
import time
from typing import Any

from gpc_ros.cli.sim import arguments_help, start_graph
from gpc_ros.common.errors import ConfigError
from gpc_ros.graph.graphs import GRAPHS

_NAME = "emulator"
# How long a running emulator may take to be found and to answer [s].
_ANSWER = 15.0
_EPILOG = """
examples (in shells with the same ROS_DOMAIN_ID, which is not sdk_domain):
  gpc emulate-robot task:=box_push seed:=3        then, elsewhere: gpc hardware auto_arm:=true
  gpc emulate-robot --set wire.silence=true       the running one says nothing more
  gpc emulate-robot --set wire.silence=false
  gpc emulate-robot --set wire.lost_motor=FL_calf_joint"""


def add_parser(subparsers: Any) -> None:
    """Add ``emulate-robot`` to the command."""
    graph = GRAPHS[_NAME]
    parser = subparsers.add_parser(
        "emulate-robot",
        help="emulate a Go2 behind Unitree's SDK; make a running one fail",
        description=f"{graph.doc} Everything up to the wire is as with the real robot: rt/lowstate "
        "and rt/lowcmd at 500 Hz with CRC, and the sport mode that has to be released first. Needs "
        "the SDK: make hardware.",
        usage="gpc emulate-robot [name:=value ...] | --set NAME=VALUE",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.more_help = lambda: arguments_help(_NAME) + "\n" + _EPILOG
    parser.add_argument("arguments", nargs="*", metavar="name:=value", help="see below")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be started")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="change a live parameter of the emulator that runs; gpc config emulator lists them",
    )  # fmt: skip
    parser.add_argument("--namespace", default="", help="with --set: of the running emulator")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start the emulator and wait for its end, or change a running one."""
    if not args.set:
        return start_graph(_NAME, args.arguments, args.dry_run)
    if args.arguments:
        raise ConfigError("emulate-robot: --set changes the emulator that runs; it starts none")
    return change(",".join(args.set), args.namespace)


def change(text: str, namespace: str) -> int:
    """Set live parameters of the running emulator and say what became of it.

    Raises:
        ConfigError: an unknown parameter, a value that it refuses, or no emulator answers.
    """
    from gpc_ros.common import config
    from gpc_ros.common.assignments import parse_assignments
    from gpc_ros.settings.node_settings import EmulatorSettings

    given = parse_assignments(text, "--set")
    values = config.flatten(config.replace(EmulatorSettings(), given, "--set"))

    import rclpy
    from rclpy.node import Node
    from rclpy.parameter import Parameter
    from rclpy.parameter_client import AsyncParameterClient

    from gpc_ros.ros.middleware import avoid_shared_memory

    avoid_shared_memory()
    rclpy.init()
    try:
        node = Node("emulate_robot_set")
        client = AsyncParameterClient(node, f"/{namespace}/emulator".replace("//", "/"))
        if not client.wait_for_services(_ANSWER):
            raise ConfigError(
                "no emulator answers: is one running, with the same ROS_DOMAIN_ID as here?"
            )
        future = client.set_parameters([Parameter(name, value=values[name]) for name in given])
        end = time.monotonic() + _ANSWER
        while not future.done() and time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.1)
        if not future.done():
            raise ConfigError("the emulator does not answer")
        for result in future.result().results:
            if not result.successful:
                raise ConfigError(f"the emulator refuses: {result.reason}")
    finally:
        rclpy.shutdown()
    print(", ".join(f"{name} = {values[name]}" for name in given))
    return 0
