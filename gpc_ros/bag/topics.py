"""Topics of the recorder and the report: name, type and quality of service."""

from __future__ import annotations

from dataclasses import dataclass, field

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import Qos

_MSGS = "gpc_msgs/msg/"
_SENSOR = Qos("best_effort", "volatile", 5)
_COMMAND = Qos("reliable", "volatile", 1)
_LATCHED = Qos("reliable", "transient_local", 1)


@dataclass(frozen=True)
class Topic:
    """One topic.

    Attributes:
        name: relative name.
        type: name of the message type.
        qos: quality of service of its publisher.
    """

    name: str
    type: str
    qos: Qos = field(default_factory=Qos)


STATE = Topic("scene_state", _MSGS + "SceneState", _SENSOR)
TRUTH = Topic("ground_truth", _MSGS + "SceneState", _SENSOR)
PLAN = Topic("plan", _MSGS + "Plan", _COMMAND)
STATUS = Topic("planner/status", _MSGS + "PlannerStatus")
WALKER = Topic("walker_state", _MSGS + "WalkerState", _SENSOR)
SUPERVISOR = Topic("supervisor", _MSGS + "SupervisorState")
COMMANDS = Topic("joint_commands", _MSGS + "JointCommand", _SENSOR)
JOINTS = Topic("joint_states", "sensor_msgs/msg/JointState", _SENSOR)
IMU = Topic("imu/data", "sensor_msgs/msg/Imu", _SENSOR)
READINGS = Topic("robot_reading", _MSGS + "RobotReading", _SENSOR)
CYCLE = Topic("planner/cycle", _MSGS + "PlannerCycle")
PARAMETERS = Topic("parameters", "std_msgs/msg/String", Qos("reliable", "transient_local", 1))
GOAL = Topic("goal", "geometry_msgs/msg/PoseStamped", _LATCHED)

FIXED = (
    STATE, TRUTH, PLAN, STATUS, WALKER, SUPERVISOR, COMMANDS, JOINTS, GOAL,
    CYCLE, PARAMETERS,
    IMU, READINGS,
    Topic("goal_pose", "geometry_msgs/msg/PoseStamped"),
    Topic("emergency_stop", "std_msgs/msg/Bool"),
    Topic("odom", "nav_msgs/msg/Odometry", _SENSOR),
    Topic("tf", "tf2_msgs/msg/TFMessage", Qos(depth=100)),
    Topic("diagnostics", "diagnostic_msgs/msg/DiagnosticArray"),
)  # fmt: skip


def mocap(body: str) -> Topic:
    """Return the topic of a body's motion capture pose."""
    return Topic(f"mocap/{body}/pose", "geometry_msgs/msg/PoseStamped", _SENSOR)


def topic_body(name: str) -> str:
    """Return the body of a motion capture topic in any namespace; empty for other topics."""
    parts = name.split("/")
    return parts[-2] if len(parts) >= 3 and parts[-3] == "mocap" and parts[-1] == "pose" else ""


def recorded(bodies: tuple[str, ...]) -> tuple[Topic, ...]:
    """Return the topics of the recorder.

    Args:
        bodies: names of the task's objects; the robot's base is added.
    """
    return (*FIXED, *(mocap(body) for body in ("base", *bodies)))


def find(reader: BagReader, wanted: Topic) -> str:
    """Return the bag's name of a topic, in any namespace; empty if the bag lacks the topic."""
    matches = [
        name
        for name, topic in reader.topics.items()
        if f"/{name}".endswith(f"/{wanted.name}") and topic.type == wanted.type
    ]
    return min(matches, key=len, default="")
