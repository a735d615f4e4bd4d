"""Parameters of every node, without ROS, for parameter files, help and docs.

Each class extends the parameters of the core object that its node runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from gpc_ros.bag.bag_recorder import RecorderConfig
from gpc_ros.bridge.controller import ControllerConfig
from gpc_ros.common.config import param
from gpc_ros.common.scheduling import Scheduling
from gpc_ros.estimation.estimator import EstimatorConfig
from gpc_ros.locomotion.registry import DEFAULT_WALKER, WALKER_CHOICE
from gpc_ros.mocap.mocap_map import MocapMapConfig
from gpc_ros.planning.optimizers.cem import CemConfig
from gpc_ros.planning.optimizers.mppi import MppiConfig
from gpc_ros.planning.optimizers.predictive_sampling import PredictiveSamplingConfig
from gpc_ros.planning.planner import PlannerConfig
from gpc_ros.settings.viewer_settings import ViewConfig
from gpc_ros.simulation.plant import PlantConfig
from gpc_ros.unitree.firmware import FirmwareConfig
from gpc_ros.unitree.low_level_driver import UnitreeConfig
from gpc_ros.unitree.wire_faults import WireFaultConfig

_TASK = "Task to run; gpc tasks lists them"
_TASK_PARAMS = "Parameters of the task, such as plant.object.mass=5,planner.object.mass=3"


@dataclass(frozen=True)
class SimSettings(PlantConfig):
    """The simulated robot: plant at 500 Hz, its sensors and motion capture."""

    scheduling: Scheduling = Scheduling("upper", 20)
    task: str = param("box_push", _TASK)
    task_params: str = param("", _TASK_PARAMS)
    walker: str = param(
        DEFAULT_WALKER, WALKER_CHOICE + ", for the joint gains that the model starts with"
    )
    seed: int = param(0, "Seed of the start pose and of the sensor noise", low=0, high=2**31)
    exclusivity_wait: float = param(
        1.5, "Time to look for another simulation before publishing", unit="s", low=0.0, high=20.0
    )


@dataclass(frozen=True)
class EmulatorSettings(SimSettings):
    """Emulates the robot behind Unitree's SDK: LowState, LowCmd, motion switcher, faults."""

    # All cores: with four nodes of this priority on one core the kernel throttles all of them, and
    # a real robot takes no time of this machine.
    scheduling: Scheduling = Scheduling("all", 20)
    interface: str = param("lo", "Network interface of the robot's DDS")
    sdk_domain: int = param(0, "DDS domain of the robot; not that of ROS", low=0, high=230)
    firmware: FirmwareConfig = FirmwareConfig()
    wire: WireFaultConfig = WireFaultConfig()


@dataclass(frozen=True)
class EstimatorSettings(EstimatorConfig):
    """Fuses motion capture, IMU and encoders into one scene state."""

    # All cores: on a slow machine simulation and bridge leave too little time on the upper half.
    # Time taken from the planner costs samples only.
    scheduling: Scheduling = Scheduling("all", 10)
    task: str = param("box_push", _TASK)
    rate: float = param(200.0, "States per second", unit="Hz", low=20, high=500)
    exclusivity_wait: float = param(
        1.5, "Time to look for another estimator before publishing", unit="s", low=0.0, high=20.0
    )


@dataclass(frozen=True)
class MocapSettings(MocapMapConfig):
    """Maps the bodies of a motion capture system to robot and objects."""

    scheduling: Scheduling = Scheduling("upper", 10)
    task: str = param("box_push", _TASK + "; its objects are looked for")
    exclusivity_wait: float = param(
        1.5, "Time to look for another publisher of poses first", unit="s", low=0.0, high=20.0
    )


@dataclass(frozen=True)
class PlannerSettings(PlannerConfig):
    """Plans walking commands by sampling, with a deadline."""

    FORMER_NAMES: ClassVar[dict[str, str]] = {
        **getattr(PlannerConfig, "FORMER_NAMES", {}),
        "deadline": "deadline_fraction",
        "discovery": "exclusivity_wait",
    }

    scheduling: Scheduling = Scheduling("lower")
    # Live defaults for one of two cores, since the other nodes need the other core. They rely on
    # the shipped proposals; without a proposal, 3 rollouts of 2.0 s are better.
    num_rollouts: int = param(4, "Candidates rolled out in one cycle", low=1, high=1024, live=True)
    horizon: float = param(0.8, "Length of a rollout", unit="s", low=0.1, high=10.0, live=True)
    threads: int = param(1, "Simulation threads", low=1, high=64)
    task: str = param("box_push", _TASK)
    task_params: str = param("", _TASK_PARAMS + "; those below 'cost.' are live", live=True)
    walker: str = param(DEFAULT_WALKER, WALKER_CHOICE)
    rate: float = param(20.0, "Plans per second", unit="Hz", low=1, high=100)
    deadline_fraction: float = param(
        0.95, "Fraction of the period after which the best plan so far is used", low=0.1, high=1.0
    )
    max_state_age: float = param(
        0.1, "Maximum age of the state to plan from", unit="s", low=0.01, high=1.0
    )
    max_object_age: float = param(
        1.0, "Maximum time since an object was seen; hold after it", unit="s", low=0.05, high=10.0
    )
    record_candidates: int = param(
        16, "Scored candidates in the record of a cycle, half of them the best", low=0, high=1024
    )
    exclusivity_wait: float = param(
        2.5, "Time to look for another planner before the first plan", unit="s", low=0.0, high=20.0
    )
    cem: CemConfig = field(default_factory=CemConfig)
    mppi: MppiConfig = field(default_factory=MppiConfig)
    predictive_sampling: PredictiveSamplingConfig = field(default_factory=PredictiveSamplingConfig)


@dataclass(frozen=True)
class BridgeSettings(ControllerConfig):
    """Walks the robot along the plan: walker, supervisor and limits at 500 Hz."""

    FORMER_NAMES: ClassVar[dict[str, str]] = {
        **getattr(ControllerConfig, "FORMER_NAMES", {}),
        "discovery": "exclusivity_wait",
    }

    scheduling: Scheduling = Scheduling("upper", 30)
    driver: str = param(
        "sim", "How the robot is reached: over topics, or by Unitree's SDK",
        choices=("sim", "unitree"),
    )  # fmt: skip
    unitree: UnitreeConfig = UnitreeConfig()
    task: str = param("box_push", _TASK + "; plans of another task are refused")
    walker: str = param(DEFAULT_WALKER, WALKER_CHOICE)
    dry_run: bool = param(
        False, "Read the robot but send no commands; they go to dry_run/joint_commands"
    )
    auto_arm: bool = param(False, "Arm automatically once the scene state is valid")
    exclusivity_wait: float = param(
        2.5, "Time to look for another bridge before commanding", unit="s", low=0.0, high=20.0
    )


@dataclass(frozen=True)
class RecorderSettings(RecorderConfig):
    """Writes every topic of the graph into an MCAP bag."""

    # Beside the control loop it starves at times, and a killed run loses more than one second.
    scheduling: Scheduling = Scheduling("lower", nice=10)
    task: str = param("box_push", _TASK + "; its objects are recorded")
    task_params: str = param("", _TASK_PARAMS)
    seed: int = param(0, "Seed of the run, for the report", low=0, high=2**31)
    arguments: str = param("", "Launch arguments of the run, for the report")
    folder: str = param("runs/latest", "Folder of the run; the bag is its subfolder 'bag'")


@dataclass(frozen=True)
class MonitorSettings:
    """Sets the goal, shows the episode, detects success and writes video and report."""

    scheduling: Scheduling = Scheduling("lower", nice=10)
    task: str = param("box_push", _TASK)
    task_params: str = param("", _TASK_PARAMS)
    goal: str = param(
        "", "Goal as x,y,yaw [m, m, rad]; empty takes the seed's goal; none sets no goal"
    )
    seed: int = param(0, "Seed of the goal", low=0, high=2**31)
    duration: float = param(60.0, "Give up after this time", unit="s", low=1, high=3600)
    start_timeout: float = param(
        30.0, "Give up if the graph is not ready in this time", unit="s", low=1, high=86400
    )
    truth: str = param("ground_truth", "Topic of the state that decides success")
    record: bool = param(True, "Close the bag at the end")
    report: bool = param(True, "Make video and report from the bag")
    folder: str = param("runs/latest", "Folder of the run")


@dataclass(frozen=True)
class PlayerSettings:
    """Plays the inputs of a recorded run, and its clock, to the other nodes."""

    scheduling: Scheduling = Scheduling("upper")
    bag: str = param("runs/latest", "Folder of the run or of the bag")
    speed: float = param(1.0, "Playback speed: bag time per second", low=0.01, high=100.0)
    start: float = param(0.0, "Start time within the bag", unit="s", low=0.0, high=1e6)
    lead: float = param(
        1.5, "Bag time in which only the clock runs, so that the nodes settle", unit="s", low=0.0,
        high=60.0,
    )  # fmt: skip
    wait: float = param(
        30.0, "Give up if no node subscribes in this time", unit="s", low=1.0, high=600.0
    )
    exclusivity_wait: float = param(
        1.5, "Time to look for a running graph before publishing", unit="s", low=0.0, high=20.0
    )


@dataclass(frozen=True)
class ViewSettings(ViewConfig):
    """Shows the graph in a browser, at lower priority than every other node."""

    scheduling: Scheduling = Scheduling("lower", nice=15)
    task: str = param("box_push", _TASK)
    task_params: str = param("", _TASK_PARAMS)
    walker: str = param(DEFAULT_WALKER, WALKER_CHOICE)


SETTINGS: dict[str, type[Any]] = {
    "sim": SimSettings,
    "emulator": EmulatorSettings,
    "mocap": MocapSettings,
    "estimator": EstimatorSettings,
    "planner": PlannerSettings,
    "bridge": BridgeSettings,
    "recorder": RecorderSettings,
    "monitor": MonitorSettings,
    "player": PlayerSettings,
    "view": ViewSettings,
}
