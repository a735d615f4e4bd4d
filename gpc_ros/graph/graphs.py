"""The graphs of nodes as data: their nodes, parameters and arguments.

Each graph is defined once, here. ``launch/*.launch.py`` translate it for ``ros2 launch`` and
``gpc_ros/graph/launcher.py`` starts it as plain processes without a ROS installation. Both resolve
it with ``gpc_ros/graph/resolve.py``, and a test compares them.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from gpc_ros.common.errors import REFUSED
from gpc_ros.graph.hardware import EMULATOR, hardware_graph
from gpc_ros.graph.spec import COMMON, ENVIRONMENT, PACKAGE, Argument, Graph, NodeSpec
from gpc_ros.locomotion.registry import WALKER_CHOICE

__all__ = ["GRAPHS", "PACKAGE", "REFUSED", "Argument", "Graph", "NodeSpec"]


def _run_folder(values: Mapping[str, str]) -> str:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return f"runs/{stamp}_{values['task'] or 'run'}"


_SIM = Graph(
    name="sim",
    doc="Simulate a Go2 that performs a task with live planning, until success or a time limit.",
    arguments=(
        Argument(
            "task",
            "Name of the task; gpc tasks lists the tasks",
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
        Argument(
            "goal",
            "Goal as x,y,yaw [m, m, rad]; empty: drawn from the seed",
            sets=("monitor.goal",),
        ),
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
        Argument("duration", "Time limit of the episode [s]", sets=("monitor.duration",)),
        Argument(
            "num_rollouts",
            "Candidates in one planning cycle",
            sets=("planner.num_rollouts",),
            former=("samples",),
        ),
        Argument("horizon", "How far a candidate looks ahead [s]", sets=("planner.horizon",)),
        Argument("rate", "Plans per second [Hz]", sets=("planner.rate",)),
        Argument(
            "optimizer",
            "Search method",
            choices=("cem", "mppi", "predictive_sampling"),
            sets=("planner.optimizer",),
        ),
        Argument(
            "walker",
            WALKER_CHOICE,
            sets=tuple(f"{node}.walker" for node in ("sim", "planner", "bridge", "view")),
        ),
        Argument(
            "proposal",
            "Card of the learned proposal (.json), shipped (the task's default), or none",
            sets=("planner.proposal.file",),
        ),
        Argument("threads", "Simulation threads of the planner", sets=("planner.threads",)),
        Argument("mocap_rate", "Frame rate of motion capture [Hz]", sets=("sim.mocap.rate",)),
        Argument(
            "mocap_noise",
            "Standard deviation of motion capture position [m]",
            sets=("sim.mocap.position_noise",),
        ),
        Argument(
            "mocap_delay",
            "Delay of motion capture from capture to delivery [s]",
            sets=("sim.mocap.delay",),
        ),
        Argument(
            "mocap_dropout",
            "Probability per frame that a body's markers are occluded",
            sets=("sim.mocap.dropout_probability",),
        ),
        Argument("auto_arm", "Arm automatically", "true", sets=("bridge.auto_arm",)),
        Argument("record", "Record a bag", "true", sets=("monitor.record",)),
        Argument("report", "Make a video and a report from the bag", sets=("monitor.report",)),
        Argument("view", "Show the run in a browser; needs the extra gpc_ros[view]", "false"),
        Argument(
            "out",
            "Folder for bag, video and report; empty: a new one under runs/",
            sets=("recorder.folder", "monitor.folder"),
            compute=_run_folder,
        ),
        *COMMON,
    ),
    nodes=(
        NodeSpec("sim", "sim", required=True),
        # The transform topics are absolute by convention; the remapping puts them into the
        # namespace.
        NodeSpec("estimator", "estimator", remappings=(("/tf", "tf"),)),
        NodeSpec("planner", "planner"),
        NodeSpec("bridge", "bridge"),
        NodeSpec("recorder", "recorder", arguments_parameter="arguments", when="record"),
        NodeSpec("view", "view", when="view"),
        NodeSpec("monitor", "monitor", required=True, console=True),
    ),
    # A simulation stays on this machine; see docs/security.md.
    environment={**ENVIRONMENT, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
)


def _replay_folder(values: Mapping[str, str]) -> str:
    return f"runs/{datetime.datetime.now().strftime('%Y%m%d-%H%M%S')}_replay"


# Outputs of the bridge in a replay, kept apart from the recorded ones.
_DRY = tuple(
    (topic, f"dry_run/{topic}")
    for topic in ("joint_states", "imu/data", "walker_state", "supervisor")
)
_REPLAY = Graph(
    name="replay",
    doc="Play a recorded run into estimator, planner and a bridge that sends no commands.",
    arguments=(
        Argument("bag", "Folder of the run or the bag", sets=("player.bag",)),
        Argument("speed", "Playback rate: bag time per second", sets=("player.speed",)),
        Argument("start", "Start time in the bag [s]", sets=("player.start",)),
        Argument(
            "num_rollouts",
            "Candidates in one planning cycle",
            sets=("planner.num_rollouts",),
            former=("samples",),
        ),
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
            "Folder for the new bag; empty: a new folder under runs/",
            sets=("recorder.folder",),
            compute=_replay_folder,
        ),
        *COMMON,
    ),
    nodes=(
        NodeSpec("player", "player", required=True),
        NodeSpec(
            "estimator",
            "estimator",
            remappings=(("/tf", "tf"),),
            sets=(("exclusivity_wait", 0.0),),
            sim_time=True,
        ),
        NodeSpec("planner", "planner", sets=(("exclusivity_wait", 0.0),), sim_time=True),
        NodeSpec(
            "bridge",
            "bridge",
            remappings=_DRY,
            # In a replay the readings arrive over topics, whichever driver the recorded run used.
            sets=(
                ("dry_run", True),
                ("driver", "sim"),
                ("auto_arm", True),
                ("exclusivity_wait", 0.0),
            ),
            sim_time=True,
        ),
        NodeSpec(
            "recorder", "recorder", arguments_parameter="arguments", when="record", sim_time=True
        ),
    ),
    environment={**ENVIRONMENT, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
    recorded="bag",
)

_VIEW = Graph(
    name="view",
    doc="Show a running graph in a browser, with sliders for its planner.",
    arguments=(
        Argument("task", "Task of the running graph", default="box_push", sets=("view.task",)),
        Argument(
            "task_params",
            "Task parameters that the graph was started with",
            sets=("view.task_params",),
        ),
        Argument("host", "Address to listen on", sets=("view.host",)),
        Argument("port", "Port of the page", sets=("view.port",)),
        Argument("rate", "Frame rate [Hz]", sets=("view.rate",)),
        Argument("paths", "Largest number of displayed candidates", sets=("view.paths",)),
        *COMMON,
    ),
    nodes=(NodeSpec("view", "view", required=True, console=True),),
    # Suits a simulation on this machine; the graph of a robot on another machine needs SUBNET.
    environment={**ENVIRONMENT, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
)

_ALL = (_SIM, hardware_graph(_SIM), _REPLAY, _VIEW, EMULATOR)
GRAPHS: dict[str, Graph] = {graph.name: graph for graph in _ALL}
