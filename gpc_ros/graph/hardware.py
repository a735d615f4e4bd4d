"""The graphs of a real Go2 and of an emulated one."""

from __future__ import annotations

import dataclasses

from gpc_ros.graph.spec import COMMON, ENVIRONMENT, Argument, Graph, NodeSpec

# Arguments that the hardware graph shares with the simulation's.
_AS_IN_SIM = (
    "duration", "num_rollouts", "horizon", "rate", "optimizer", "proposal", "threads", "record",
    "report", "view", "out",
)  # fmt: skip


def hardware_graph(sim: Graph) -> Graph:
    """Return the graph of a real Go2: the simulation's graph without the simulated robot."""
    shared = {a.name: a for a in sim.arguments}
    return Graph(
        name="hardware",
        doc="Run a real Go2 on a task with live planning.",
        arguments=(
            Argument(
                "task",
                "Name of the task; gpc tasks lists the tasks",
                default="box_push",
                sets=(
                    *(t for t in shared["task"].sets if not t.startswith("sim.")),
                    "mocap.task",
                ),
            ),
            Argument(
                "goal",
                "Goal as x,y,yaw in the map of motion capture [m, m, rad]; none: without a goal",
                default="none",
                sets=("monitor.goal",),
            ),
            Argument(
                "task_params",
                "Parameters of the task (planner.object.mass=3)",
                sets=tuple(t for t in shared["task_params"].sets if not t.startswith("sim.")),
            ),
            Argument(
                "interface",
                "Network interface of the robot; lo: gpc emulate-robot",
                sets=("bridge.unitree.interface",),
            ),
            Argument(
                "sdk_domain",
                "DDS domain of the robot, which must not be ROS_DOMAIN_ID",
                sets=("bridge.unitree.sdk_domain",),
            ),
            Argument(
                "dry_run",
                "Send no commands to the robot; publish them on dry_run/joint_commands",
                "false",
                sets=("bridge.dry_run",),
            ),
            Argument(
                "auto_arm",
                "Stand up automatically; false: on the service arm",
                "false",
                sets=("bridge.auto_arm",),
            ),
            Argument(
                "mocap",
                "Run the node mocap, which publishes mocap/<body>/pose from a driver or a system; "
                "without it another program must publish them",
                "false",
            ),
            Argument(
                "mocap_driver",
                "Message type of the driver, or a system that is read without a driver",
                sets=("mocap.driver",),
            ),
            Argument("mocap_host", "Address of that system", sets=("mocap.host",)),
            Argument(
                "mocap_names",
                "Names of the bodies in the system, as base=Go2,box=Box 1",
                sets=("mocap.names",),
            ),
            Argument("mocap_axes", "Vertical axis of the system", sets=("mocap.axes",)),
            Argument(
                "mocap_offsets",
                "File of gpc calibrate-mocap: poses of the bodies relative to their markers",
                sets=("mocap.offsets",),
            ),
            dataclasses.replace(
                shared["walker"],
                sets=tuple(t for t in shared["walker"].sets if not t.startswith("sim.")),
            ),
            *(shared[name] for name in _AS_IN_SIM),
            *COMMON,
        ),
        nodes=(
            NodeSpec("mocap", "mocap", when="mocap"),
            NodeSpec("estimator", "estimator", remappings=(("/tf", "tf"),)),
            NodeSpec("planner", "planner"),
            NodeSpec("bridge", "bridge", required=True, sets=(("driver", "unitree"),)),
            NodeSpec("recorder", "recorder", arguments_parameter="arguments", when="record"),
            NodeSpec("view", "view", when="view"),
            # Ground truth is missing, and the operator needs time to walk to the robot.
            NodeSpec(
                "monitor",
                "monitor",
                required=True,
                console=True,
                sets=(("truth", "scene_state"), ("start_timeout", 3600.0), ("duration", 600.0)),
            ),
        ),
        # Motion capture may run on another machine, so the discovery range is left unchanged.
        environment=ENVIRONMENT,
    )


EMULATOR = Graph(
    name="emulator",
    doc="An emulated Go2 that speaks Unitree's SDK: physics, sensors, motion capture, faults.",
    arguments=(
        Argument(
            "task", "Task whose objects surround the robot", "box_push", sets=("emulator.task",)
        ),
        Argument("task_params", "Parameters of the task", sets=("emulator.task_params",)),
        Argument("seed", "Seed of start and noise", "0", sets=("emulator.seed",)),
        Argument(
            "walker",
            "Low-level walker; sets the initial joint gains",
            sets=("emulator.walker",),
        ),
        Argument(
            "interface", "Network interface of the emulator's DDS", sets=("emulator.interface",)
        ),
        Argument(
            "sdk_domain",
            "DDS domain; must differ from ROS_DOMAIN_ID",
            sets=("emulator.sdk_domain",),
        ),
        Argument(
            "mocap_noise",
            "Standard deviation of motion capture position [m]",
            sets=("emulator.mocap.position_noise",),
        ),
        *COMMON,
    ),
    nodes=(NodeSpec("emulator", "emulator", required=True, console=True),),
    environment={**ENVIRONMENT, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
)
