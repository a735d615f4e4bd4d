"""Parameters of the training of a walker."""

from __future__ import annotations

from dataclasses import dataclass

from gpc_ros.common.config import param


@dataclass(frozen=True)
class RandomConfig:
    """Ranges of the randomisation of worlds, sensors and motors."""

    mass: float = param(0.2, "Relative change of the base mass", low=0.0, high=0.9)
    payload: float = param(3.0, "Largest payload on the base", unit="kg", low=0.0, high=15.0)
    centre: float = param(
        0.03, "Offset of the centre of mass of the base", unit="m", low=0, high=0.2
    )
    friction_low: float = param(0.35, "Minimum friction of the floor", low=0.05, high=2.0)
    friction_high: float = param(1.3, "Maximum friction of the floor", low=0.05, high=3.0)
    strength: float = param(0.1, "Relative change of the motor strength", low=0, high=0.9)
    gains: float = param(0.1, "Relative change of the joint gains", low=0.0, high=0.9)
    damping_low: float = param(0.3, "Least joint damping", unit="N m s/rad", low=0, high=5)
    damping_high: float = param(0.9, "Most joint damping", unit="N m s/rad", low=0, high=5)
    delay: float = param(0.03, "Longest delay of an action", unit="s", low=0.0, high=0.04)
    sensing: bool = param(True, "Delay the sensors of half of the robots by one simulation step")
    gyro: float = param(0.15, "Noise of the gyro", unit="rad/s", low=0.0, high=5.0)
    gravity: float = param(0.03, "Noise of the direction of gravity", low=0.0, high=0.5)
    position: float = param(0.01, "Noise of the joint positions", unit="rad", low=0.0, high=0.5)
    velocity: float = param(0.7, "Noise of the joint velocities", unit="rad/s", low=0, high=10)
    push: float = param(2.3, "Hardest push at full difficulty", unit="m/s", low=0.0, high=5.0)
    push_interval: float = param(6.0, "Mean time between pushes", unit="s", low=0.1, high=1e3)
    resisting: float = param(
        0.4, "Fraction of the robots that push against a resistance at the chest", low=0.0, high=1.0
    )
    resistance: float = param(55.0, "Maximum resistance", unit="N", low=0.0, high=500.0)


@dataclass(frozen=True)
class RewardConfig:
    """Weights of the reward terms, per second."""

    speed: float = param(2.0, "Tracking of vx and vy", low=0.0, high=100.0)
    speed_scale: float = param(0.25, "Speed error with a third of the reward", unit="m/s", low=0.01)
    far: float = param(0.3, "Fraction of the speed reward with a wide kernel", low=0.0, high=1.0)
    far_scale: float = param(
        1.0, "Speed error with a third of the wide kernel", unit="m/s", low=0.01
    )
    turning: float = param(1.0, "Tracking of the yaw rate", low=0.0, high=100.0)
    turning_scale: float = param(
        0.4, "Yaw rate error with a third of the reward", unit="rad/s", low=0.01
    )
    alive: float = param(0.5, "Not having fallen", low=0.0, high=100.0)
    fall: float = param(8.0, "Cost of a fall, once", low=0.0, high=1000.0)
    bounce: float = param(1.0, "Vertical speed squared", low=0.0, high=100.0)
    rocking: float = param(0.05, "Squared roll and pitch rate", low=0.0, high=100.0)
    tilt: float = param(2.0, "Tilt squared", low=0.0, high=100.0)
    height: float = param(25.0, "Squared error of the base height", low=0.0, high=1000.0)
    torque: float = param(1e-4, "Torques squared", low=0.0, high=1.0)
    power: float = param(5e-4, "Mechanical power", low=0.0, high=1.0)
    acceleration: float = param(1e-7, "Squared joint accelerations", low=0.0, high=1.0)
    change: float = param(0.02, "Squared change of the action", low=0.0, high=10.0)
    jerk: float = param(0.01, "Squared second difference of the action", low=0.0, high=10.0)
    recovery: float = param(
        0.6, "Speed error after a push that fades the gait terms", unit="m/s", low=0.01
    )
    lift: float = param(2.0, "Error of the foot heights, relative to the lift", low=0, high=100)
    slip: float = param(0.3, "Squared speed of feet in stance", low=0.0, high=100.0)
    hips: float = param(0.3, "Hip angles squared", low=0.0, high=100.0)
    stance: float = param(1.0, "Distance from the standing pose while standing", low=0, high=100)


@dataclass(frozen=True)
class GaitConfig:
    """Gait clock and joint gains."""

    cycle: int = param(14, "Walker periods in one cycle", low=8, high=60)
    duty: float = param(0.55, "Stance fraction of a cycle", low=0.3, high=0.9)
    lift: float = param(0.07, "Height of a swinging foot", unit="m", low=0.0, high=0.3)
    kp: float = param(40.0, "Joint stiffness", unit="N m/rad", low=1.0, high=200.0)
    kd: float = param(
        1.0, "Joint damping of the motor controller", unit="N m s/rad", low=0, high=10
    )
    scale: float = param(0.25, "Joint angle of a unit action", unit="rad", low=0.01, high=2.0)


@dataclass(frozen=True)
class WalkConfig:
    """Configuration of the training of a walker."""

    robots: int = param(1536, "Number of simulated robots", low=2, high=100_000)
    steps: int = param(24, "Steps of each robot per update", low=2, high=1000)
    iterations: int = param(600, "Number of updates", low=1, high=1_000_000)
    hidden: tuple[int, ...] = param((64, 64), "Width of each hidden layer", low=1, high=4096)
    critic: tuple[int, ...] = param(
        (128, 128), "Width of each layer of the critic", low=1, high=4096
    )
    rate: float = param(
        1e-3, "Initial learning rate of the walker; decays to zero", low=1e-7, high=1.0
    )
    critic_rate: float = param(1e-3, "Learning rate of the critic", low=1e-7, high=1.0)
    epochs: int = param(4, "Passes over the data in an update", low=1, high=100)
    batches: int = param(4, "Batches of a pass", low=1, high=1000)
    entropy: float = param(1e-3, "Weight of the entropy", low=0.0, high=1.0)
    warm_start: bool = param(True, "Start from the analytic trot")
    spread: float = param(0.35, "Initial standard deviation of the actions", low=0.01, high=5.0)
    discount: float = param(0.99, "Discount of a step", low=0.5, high=1.0)
    warm_up: int = param(150, "Updates until pushes reach full difficulty", low=1, high=10**6)
    judge_interval: int = param(
        75, "Updates between two validations at full difficulty; the best validated network is "
        "written", low=1, high=10**6,
    )  # fmt: skip
    episode: float = param(20.0, "Maximum length of an episode", unit="s", low=0.5, high=1e3)
    threads: int = param(0, "Simulation threads; 0 for one per core", low=0, high=256)
    device: str = param("auto", "Where the networks run", choices=("auto", "cpu", "cuda"))
    seed: int = param(0, "Seed of everything", low=0, high=2**31)
    gait: GaitConfig = GaitConfig()
    random: RandomConfig = RandomConfig()
    reward: RewardConfig = RewardConfig()
