"""``gpc emulate-robot``: emulate a Go2 that speaks Unitree's SDK, and inject faults into it."""

from __future__ import annotations

import argparse
import time

from gpc_ros.cli.graph_command import arguments_help, configure_graph, start_graph
from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.errors import ConfigError
from gpc_ros.common.process_environment import check_namespace
from gpc_ros.graph.graphs import GRAPHS

_GRAPH = "emulator"
# Timeout of discovery and of the answer of a running emulator [s].
_ANSWER = 15.0
_EPILOG = """
examples (in shells with the same ROS_DOMAIN_ID, which is not sdk_domain):
  gpc emulate-robot task:=box_push seed:=3        then, elsewhere: gpc hardware auto_arm:=true
  gpc emulate-robot --set wire.silence=true       the running one goes silent
  gpc emulate-robot --set wire.silence=false
  gpc emulate-robot --set wire.lost_motor=FL_calf_joint"""


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc emulate-robot``."""
    configure_graph(parser, _GRAPH)
    parser.raw_set = True
    parser.description = (
        f"{GRAPHS[_GRAPH].doc} Everything up to the wire is as with the real robot: rt/lowstate "
        "and rt/lowcmd at 500 Hz with CRC, and the sport mode that has to be released first. "
        "Needs the SDK: make hardware."
    )
    parser.usage = f"{parser.prog} [name:=value ...] | --set NAME=VALUE [--namespace NAME]"
    parser.more_help = lambda: (
        arguments_help(
            _GRAPH,
            "--set changes a running emulator instead; its live parameters: gpc config emulator.",
        )
        + _EPILOG
    )


def run(args: argparse.Namespace) -> int:
    """Start the emulator and wait for its end, or change a running one."""
    if not args.raw_sets:
        return start_graph(args, _GRAPH)
    if set(args.own) - {"namespace"} or args.sets:
        raise ConfigError("emulate-robot: --set changes the running emulator; it starts no new one")
    return change(",".join(args.raw_sets), args.own.get("namespace", ""))


def change(text: str, namespace: str) -> int:
    """Set live parameters of the running emulator and print the new values.

    Raises:
        ConfigError: an unknown parameter, a refused value, or no emulator answers.
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
        client = AsyncParameterClient(node, f"{check_namespace(namespace).rstrip('/')}/emulator")
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
