"""Faults at the start and other programs in the domain: rows 18, 21, 22."""

from __future__ import annotations

from typing import Any

from fault_injection.cases import ACTIVE, NO_DELAY, ReactionError, case, check, exit_code
from fault_injection.live_graph import LiveGraph
from fault_injection.proposals import write_shuffled
from gpc_msgs.msg import JointCommand as JointCommandMsg
from gpc_msgs.msg import SupervisorState
from gpc_ros.common.errors import REFUSED, ConfigError
from gpc_ros.graph.graphs import GRAPHS
from gpc_ros.graph.resolve import parse_arguments, resolve
from gpc_ros.robot.types import JointCommand
from gpc_ros.ros import qos
from gpc_ros.ros.convert import robot_msgs

_INTRUDER = "intruder"


@case(18, "refuses to start, names it", walking=False)  # fmt: skip
def model_file_wrong(g: LiveGraph) -> float:
    """Model file missing, corrupt, of other dimensions, of another task."""
    folder = g.folder
    missing = folder / "nowhere.json"
    corrupt = write_shuffled(folder / "corrupt.json")
    corrupt.with_suffix(".safetensors").write_bytes(b"\x00" * 100)
    for card, words in (
        (missing, "nowhere.json"),
        (corrupt, "corrupt"),
        (write_shuffled(folder / "other.json", task="navigate"), "navigate"),
    ):
        _refuses(g, "planner", words, proposal__file=str(card))
    return NO_DELAY


def _refuses(g: LiveGraph, name: str, words: str, **parameters: Any) -> None:
    """Start a node with wrong parameters and check that it ends with a reason."""
    if g.runs(name):
        g.kill(name)
    process = g.start(name, **parameters)
    code = exit_code(g, process)
    check(code == REFUSED, f"{name} ended with {code}, not with {REFUSED}")
    sentence = g.output(name).strip().splitlines()[-1]
    check(words in sentence, f"{name} does not name '{words}': {sentence}")
    check("Traceback" not in sentence, f"{name} ended with a traceback")


@case(21, "refuses to start, names it",
      walking=False)  # fmt: skip
def parameter_wrong(g: LiveGraph) -> float:
    """Parameter misspelt, of a wrong type, out of range."""
    _refuses(g, "bridge", "did you mean 'supervisor.tilt'", supervisor__titl=1.0)
    _refuses(g, "bridge", "supervisor.tilt", supervisor__tilt=99.0)
    # A wrong type never reaches a node: the resolver of the graph rejects it.
    graph = GRAPHS["sim"]
    try:
        resolve(graph, parse_arguments(["params:=bridge.supervisor.tilt=much"], graph))
    except ConfigError as error:
        check("supervisor.tilt: expected float" in str(error), f"the error was: {error}")
        return NO_DELAY
    raise ReactionError("a text was accepted as a number")


@case(22, "refuses to start; the first continues")
def second_bridge(g: LiveGraph) -> float:
    """Second bridge."""
    return _another(g, "bridge")


@case(22, "refuses to start; the first continues")
def second_planner(g: LiveGraph) -> float:
    """Second planner."""
    return _another(g, "planner")


def _another(g: LiveGraph, node: str) -> float:
    """Start a second instance of a node; check that it refuses and that the first continues."""
    code = exit_code(g, g.another(node))
    check(code == REFUSED, f"the second {node} ended with {code}")
    check("already publishes" in g.output(f"{node}_again"), "it does not name the reason")
    g.supervisor(ACTIVE)
    return NO_DELAY


@case(22, "ERROR, the robot stands, the stream moves nothing",
      0.5, "its first command to the bridge's error")  # fmt: skip
def foreign_stream(g: LiveGraph) -> float:
    """Joint commands of another publisher."""
    intruder = JointCommandMsg(source=_INTRUDER)
    begin = g.observer.now()
    robot_msgs.command_to_msg(JointCommand.damping(0.0), intruder, begin, 1)

    def intrude() -> None:
        g.observer.publish("joint_commands", intruder, qos.stream())

    try:
        reported = g.observer.wait(
            "supervisor",
            lambda m: (
                m.state == SupervisorState.HOLDING and "another bridge" in "; ".join(m.reasons)
            ),
            begin,
            intrude,
        )
        g.observer.pass_time(0.2, intrude)
        height = g.observer.last("ground_truth").message.pose.position.z
        check(height > 0.2, f"the foreign stream moved the robot: the base is at {height:.2f} m")
    finally:  # the robot cannot recover while another publisher exists
        g.observer.silence("joint_commands")
    first = next(h for h in g.observer.kept("joint_commands", begin)
                 if h.message.source == _INTRUDER)  # fmt: skip
    return reported.sent - first.sent
