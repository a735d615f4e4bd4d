"""Data types of a graph: nodes, arguments and the parameters that the arguments set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PACKAGE = "gpc_ros"


@dataclass(frozen=True)
class Argument:
    """One argument ``name:=value`` of a graph.

    Attributes:
        name: name on the command line.
        doc: one sentence for the help.
        default: value when it is not given; for an argument that sets parameters, empty means
            "as in the configuration files".
        choices: the accepted values; empty accepts any.
        sets: the node parameters that it sets, each as ``node.parameter``.
        compute: makes the default from the other values; None if the default is fixed.
        former: former names, which are accepted with a warning for one version.
    """

    name: str
    doc: str
    default: str = ""
    choices: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    compute: Callable[[Mapping[str, str]], str] | None = None
    former: tuple[str, ...] = ()


@dataclass(frozen=True)
class NodeSpec:
    """One node of a graph.

    Attributes:
        name: name of the node; ``config/<name>.yaml`` contains its parameters.
        executable: name of the program.
        remappings: topic renames, from and to.
        required: whether the end of this node ends the graph. Any node that refuses to start
            (exit code 2) ends it too.
        console: whether its output appears without the node's name before each line.
        arguments_parameter: a parameter that receives the text of all arguments; empty for none.
        when: an argument that must be true for the node to start; empty starts it always.
        sets: parameters that this graph fixes, unless an argument overrides them.
        sim_time: whether it uses the topic /clock instead of the system clock.
    """

    name: str
    executable: str
    remappings: tuple[tuple[str, str], ...] = ()
    required: bool = False
    console: bool = False
    arguments_parameter: str = ""
    when: str = ""
    sets: tuple[tuple[str, object], ...] = ()
    sim_time: bool = False


@dataclass(frozen=True)
class Graph:
    """A set of nodes that run together, and the arguments that configure them.

    Attributes:
        name: name on the command line and in launch files.
        doc: one sentence for the help.
        arguments: in the order of the help.
        nodes: in the order of their start.
        environment: variables of every node; variables that are already set take precedence.
        recorded: the argument that names a bag whose parameters the nodes take over, if any.
    """

    name: str
    doc: str
    arguments: tuple[Argument, ...]
    nodes: tuple[NodeSpec, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    recorded: str = ""


# Arguments that every graph has.
COMMON = (
    Argument("namespace", "Namespace of every node and topic"),
    Argument("config", "Folder of the nodes' parameter files; empty: the package's folder"),
    Argument(
        "params",
        "Any other parameters, as node.parameter=value separated by commas "
        "(planner.rate=30,sim.seed=2); gpc config lists them",
    ),
)
# One thread for linear algebra: the planner runs its own thread pool.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
