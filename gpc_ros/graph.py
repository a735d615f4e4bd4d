"""The graphs of nodes as data: which nodes run, with which parameters, set by which arguments.

A graph is written once, here. ``launch/*.launch.py`` translate it for ``ros2 launch`` and
``gpc_ros/launcher.py`` starts it as plain processes where there is no ROS installation; both
take what they start from ``gpc_ros/resolve.py``, and a test holds them equal.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PACKAGE = "gpc_ros"
# With this code a node says that it refused to start; see nodes/runner.py.
REFUSED = 2


@dataclass(frozen=True)
class Argument:
    """One argument ``name:=value`` of a graph.

    Attributes:
        name: how the user writes it.
        doc: one sentence for the help.
        default: value when it is not given; for an argument that sets parameters, empty means
            "as in the configuration files".
        choices: the accepted values; empty accepts any.
        sets: the node parameters that it sets, each as ``node.parameter``.
        compute: makes the default from the other values, where none is fixed.
    """

    name: str
    doc: str
    default: str = ""
    choices: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    compute: Callable[[Mapping[str, str]], str] | None = None


@dataclass(frozen=True)
class NodeSpec:
    """One node of a graph.

    Attributes:
        name: name of the node; its parameters stand in ``config/<name>.yaml``.
        executable: name of the program.
        remappings: topic renames, from and to.
        required: whether the end of this node ends the graph. Any node that refuses to start
            (exit code 2) ends it too.
        console: whether its output is the graph's own, without the node's name before each line.
        told: a parameter that gets the text of all arguments; empty for none.
        when: an argument that must be true for the node to start; empty starts it always.
        sets: parameters that this graph fixes, unless an argument says otherwise.
        sim_time: whether it lives by the topic /clock instead of the system's clock.
    """

    name: str
    executable: str
    remappings: tuple[tuple[str, str], ...] = ()
    required: bool = False
    console: bool = False
    told: str = ""
    when: str = ""
    sets: tuple[tuple[str, object], ...] = ()
    sim_time: bool = False


@dataclass(frozen=True)
class Graph:
    """A set of nodes that run together, and the arguments that configure them.

    Attributes:
        name: how it is chosen.
        doc: one sentence for the help.
        arguments: in the order of the help.
        nodes: in the order of their start.
        environment: variables of every node, unless they are set.
        recorded: the argument that names a bag whose parameters the nodes take over; empty: none.
    """

    name: str
    doc: str
    arguments: tuple[Argument, ...]
    nodes: tuple[NodeSpec, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    recorded: str = ""


def _run_folder(values: Mapping[str, str]) -> str:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return f"runs/{stamp}_{values['task'] or 'run'}"


# Arguments that every graph has.
_COMMON = (
    Argument("namespace", "Namespace of every node and topic"),
    Argument("config", "Folder of the nodes' parameter files; empty: the one of the package"),
    Argument(
        "params",
        "Any other parameters, as node.parameter=value separated by commas "
        "(planner.rate=30,sim.seed=2); gpc config lists them",
    ),
)
# One thread for linear algebra: the planner has threads of its own.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

_SIM = Graph(
    name="sim",
    doc="A simulated Go2 does a task, planned live; ends by itself.",
    arguments=(
        Argument(
            "task",
            "What to do; gpc tasks lists the tasks",
            default="box_push",
            sets=tuple(
                f"{node}.task"
                for node in (
                    "sim",
                    "estimator",
                    "planner",
                    "bridge",
                    "recorder",
                    "monitor",
                    "view",
                )
            ),
        ),
        Argument("goal", "Goal as x,y,yaw [m, m, rad]; empty: the seed's", sets=("monitor.goal",)),
        Argument(
            "task_params",
            "Parameters of the task (plant.object.mass=5,planner.object.mass=3)",
            sets=tuple(
                f"{n}.task_params" for n in ("sim", "planner", "recorder", "monitor", "view")
            ),
        ),
        Argument(
            "seed",
            "Seed of start, goal, sensor noise and samples",
            default="0",
            sets=tuple(f"{n}.seed" for n in ("sim", "planner", "recorder", "monitor")),
        ),
        Argument("duration", "Time to give up after [s]", sets=("monitor.duration",)),
        Argument("samples", "Candidates in one planning cycle", sets=("planner.samples",)),
        Argument("horizon", "How far a candidate looks ahead [s]", sets=("planner.horizon",)),
        Argument("rate", "Plans per second [Hz]", sets=("planner.rate",)),
        Argument(
            "optimizer",
            "Search method",
            choices=("cem", "mppi", "predictive_sampling"),
            sets=("planner.optimizer",),
        ),
        Argument(
            "proposal",
            "Card of the learned proposal (.json), shipped for the task's own, or none",
            sets=("planner.proposal.file",),
        ),
        Argument("threads", "Simulation threads of the planner", sets=("planner.threads",)),
        Argument("mocap_rate", "Motion capture frames per second [Hz]", sets=("sim.mocap.rate",)),
        Argument(
            "mocap_noise",
            "Motion capture noise of each coordinate [m]",
            sets=("sim.mocap.position_noise",),
        ),
        Argument(
            "mocap_delay",
            "Motion capture delay, capture to delivery [s]",
            sets=("sim.mocap.delay",),
        ),
        Argument(
            "mocap_dropout",
            "Chance that a body's markers hide, per frame",
            sets=("sim.mocap.dropout_probability",),
        ),
        Argument(
            "auto_arm", "Whether the bridge arms by itself", "true", sets=("bridge.auto_arm",)
        ),
        Argument("record", "Whether to leave a bag", "true", sets=("monitor.record",)),
        Argument(
            "report", "Whether to make video and report from the bag", sets=("monitor.report",)
        ),
        Argument("view", "Whether to show it in a browser; needs the extra gpc_ros[view]", "false"),
        Argument(
            "out",
            "Folder for what the run leaves; empty: a new one under runs/",
            sets=("recorder.folder", "monitor.folder"),
            compute=_run_folder,
        ),
        *_COMMON,
    ),
    nodes=(
        NodeSpec("sim", "sim", required=True),
        # The transform topics are absolute by custom; renamed, they follow the namespace.
        NodeSpec("estimator", "estimator", remappings=(("/tf", "tf"),)),
        NodeSpec("planner", "planner"),
        NodeSpec("bridge", "bridge"),
        NodeSpec("recorder", "recorder", told="arguments", when="record"),
        NodeSpec("view", "view", when="view"),
        NodeSpec("monitor", "monitor", required=True, console=True),
    ),
    # A simulation stays on this machine: two of them in one network must not meet.
    environment={**_ENVIRONMENT, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
)


def _replay_folder(values: Mapping[str, str]) -> str:
    return f"runs/{datetime.datetime.now().strftime('%Y%m%d-%H%M%S')}_replay"


# What the bridge says in a replay, so that it does not meet what the bag says.
_DRY = tuple(
    (topic, f"dry_run/{topic}")
    for topic in ("joint_states", "imu/data", "walker_state", "supervisor")
)
_REPLAY = Graph(
    name="replay",
    doc="Plays a recorded run into estimator, planner and a bridge that sends nothing.",
    arguments=(
        Argument("bag", "Folder of the run or of the bag", sets=("player.bag",)),
        Argument("speed", "Bag time that goes by in a second", sets=("player.speed",)),
        Argument("start", "How far into the bag to begin [s]", sets=("player.start",)),
        Argument("samples", "Candidates in one planning cycle", sets=("planner.samples",)),
        Argument("horizon", "How far a candidate looks ahead [s]", sets=("planner.horizon",)),
        Argument("rate", "Plans per second [Hz]", sets=("planner.rate",)),
        Argument(
            "optimizer",
            "Search method",
            choices=("cem", "mppi", "predictive_sampling"),
            sets=("planner.optimizer",),
        ),
        Argument("threads", "Simulation threads of the planner", sets=("planner.threads",)),
        Argument("record", "Whether to leave a bag", "true"),
        Argument(
            "out",
            "Folder for that bag; empty: a new one under runs/",
            sets=("recorder.folder",),
            compute=_replay_folder,
        ),
        *_COMMON,
    ),
    nodes=(
        NodeSpec("player", "player", required=True),
        NodeSpec("estimator", "estimator", remappings=(("/tf", "tf"),), sim_time=True),
        NodeSpec("planner", "planner", sets=(("discovery", 0.0),), sim_time=True),
        NodeSpec(
            "bridge",
            "bridge",
            remappings=_DRY,
            # Readings come over topics, whatever the robot was reached by.
            sets=(("dry_run", True), ("driver", "sim"), ("auto_arm", True), ("discovery", 0.0)),
            sim_time=True,
        ),
        NodeSpec("recorder", "recorder", told="arguments", when="record", sim_time=True),
    ),
    environment={**_ENVIRONMENT, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
    recorded="bag",
)

_VIEW = Graph(
    name="view",
    doc="Shows a running graph in a browser, with sliders for its planner.",
    arguments=(
        Argument("task", "What is being done", default="box_push", sets=("view.task",)),
        Argument(
            "task_params", "Parameters of the task that it began with", sets=("view.task_params",)
        ),
        Argument("host", "Address to listen on", sets=("view.host",)),
        Argument("port", "Port of the page", sets=("view.port",)),
        Argument("rate", "Pictures per second [Hz]", sets=("view.rate",)),
        Argument("paths", "Candidates that are drawn at most", sets=("view.paths",)),
        *_COMMON,
    ),
    nodes=(NodeSpec("view", "view", required=True, console=True),),
    # Where the simulation is; a robot's graph on another machine needs SUBNET.
    environment={**_ENVIRONMENT, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
)

# What the hardware graph takes over from the simulation's, word for word.
_SHARED = {a.name: a for a in _SIM.arguments}
_AS_IN_SIM = (
    "duration", "samples", "horizon", "rate", "optimizer", "proposal", "threads", "record",
    "report", "view", "out",
)  # fmt: skip
_HARDWARE = Graph(
    name="hardware",
    doc="A Go2 does a task, planned live: everything but a simulated robot.",
    arguments=(
        Argument(
            "task",
            "What to do; gpc tasks lists the tasks",
            default="box_push",
            sets=tuple(t for t in _SHARED["task"].sets if not t.startswith("sim.")),
        ),
        Argument(
            "goal",
            "Goal as x,y,yaw in the map of motion capture [m, m, rad]; none: nobody sets one",
            default="none",
            sets=("monitor.goal",),
        ),
        Argument(
            "task_params",
            "Parameters of the task (planner.object.mass=3)",
            sets=tuple(t for t in _SHARED["task_params"].sets if not t.startswith("sim.")),
        ),
        Argument(
            "interface",
            "Network interface that the robot is on; lo: gpc emulate-robot",
            sets=("bridge.unitree.interface",),
        ),
        Argument(
            "sdk_domain",
            "DDS domain of the robot, which must not be ROS_DOMAIN_ID",
            sets=("bridge.unitree.sdk_domain",),
        ),
        Argument(
            "dry_run",
            "Do everything but send to the robot; commands go to dry_run/joint_commands",
            "false",
            sets=("bridge.dry_run",),
        ),
        Argument(
            "auto_arm",
            "Whether the robot stands up by itself; else the service arm does it",
            "false",
            sets=("bridge.auto_arm",),
        ),
        *(_SHARED[name] for name in _AS_IN_SIM),
        *_COMMON,
    ),
    nodes=(
        NodeSpec("estimator", "estimator", remappings=(("/tf", "tf"),)),
        NodeSpec("planner", "planner"),
        NodeSpec("bridge", "bridge", required=True, sets=(("driver", "unitree"),)),
        NodeSpec("recorder", "recorder", told="arguments", when="record"),
        NodeSpec("view", "view", when="view"),
        # Nobody knows the truth here; people need time for the way to the robot.
        NodeSpec(
            "monitor",
            "monitor",
            required=True,
            console=True,
            sets=(("truth", "state"), ("start_timeout", 3600.0), ("duration", 600.0)),
        ),
    ),
    # Motion capture may come from another machine, so the network stays as it is set.
    environment=_ENVIRONMENT,
)

_EMULATOR = Graph(
    name="emulator",
    doc="A Go2 behind Unitree's SDK that is none: physics, sensors, motion capture, faults.",
    arguments=(
        Argument("task", "What stands around the robot", "box_push", sets=("emulator.task",)),
        Argument("task_params", "Parameters of the task", sets=("emulator.task_params",)),
        Argument("seed", "Seed of start and noise", "0", sets=("emulator.seed",)),
        Argument("interface", "Network interface of its DDS", sets=("emulator.interface",)),
        Argument("sdk_domain", "DDS domain; not that of ROS", sets=("emulator.sdk_domain",)),
        Argument(
            "mocap_noise",
            "Motion capture noise of each coordinate [m]",
            sets=("emulator.mocap.position_noise",),
        ),
        *_COMMON,
    ),
    nodes=(NodeSpec("emulator", "emulator", required=True, console=True),),
    environment={**_ENVIRONMENT, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
)

GRAPHS: dict[str, Graph] = {
    graph.name: graph for graph in (_SIM, _HARDWARE, _REPLAY, _VIEW, _EMULATOR)
}
