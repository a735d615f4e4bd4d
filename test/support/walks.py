"""A walk of the simulated robot, with the estimator running on its noisy sensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from gpc_ros.common.geometry import quat_conjugate, quat_log, quat_multiply
from gpc_ros.estimation.estimator import Estimator, EstimatorConfig
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.types import JointCommand, RobotReading, SceneState
from gpc_ros.simulation.mocap_sensor import MocapConfig, PoseSample
from gpc_ros.simulation.plant import Plant, PlantConfig
from gpc_ros.tasks import build_model, make_task

# The command (vx, vy [m/s], yaw rate [rad/s]) at a time [s].
Commands = Callable[[float], tuple[float, float, float]]


@dataclass
class Walk:
    """Estimated and true states at 100 Hz."""

    estimator: Estimator
    times: list[float] = field(default_factory=list)
    estimates: list[SceneState | None] = field(default_factory=list)
    covariances: list[np.ndarray | None] = field(default_factory=list)  # (9, 9) each
    truths: list[SceneState] = field(default_factory=list)
    readings: list[RobotReading] = field(default_factory=list)
    poses: list[PoseSample] = field(default_factory=list)

    def errors(self, since: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return position, rotation and velocity errors (T, 3) and their normalised square (T,)."""
        position, rotation, velocity, nees = [], [], [], []
        for time, e, t, c in zip(
            self.times, self.estimates, self.truths, self.covariances, strict=True
        ):
            if time < since or e is None or c is None:
                continue
            position.append(e.position - t.position)
            rotation.append(quat_log(quat_multiply(quat_conjugate(t.orientation), e.orientation)))
            velocity.append(e.linear_velocity - t.linear_velocity)
            np.testing.assert_allclose(e.covariance[:9], c.diagonal())
            error = np.concatenate([position[-1], rotation[-1], velocity[-1]])
            nees.append(float(error @ np.linalg.solve(c, error)))
        return np.array(position), np.array(rotation), np.array(velocity), np.array(nees)


@pytest.fixture
def walk() -> Callable[..., Walk]:
    def run(
        seconds: float = 6.0,
        hide: tuple[float, float] | None = None,
        command: tuple[float, float, float] | Commands = (0.4, 0.1, 0.4),
        config: EstimatorConfig | None = None,
        seed: int = 0,
        mocap: Mapping[str, float] | None = None,
        still: float = 0.0,
    ) -> Walk:
        task, walker = make_task("box_push"), make_walker("trot")
        noise = replace(PlantConfig(), mocap=replace(MocapConfig(), **(mocap or {})))
        model = build_model(task, "plant", walker.gains)
        plant = Plant(model, task.bodies, noise, seed=seed)
        qpos = task.sample_episode(0).qpos.copy()
        qpos[19:21] = [-2.0, -2.0]  # the box is out of the way
        plant.reset(qpos)
        state = walker.initial_state(1)
        result = Walk(Estimator(task.bodies, config))
        no_effort = np.zeros(12)
        for k in range(round(seconds * 500)):
            if hide and k == round(hide[0] * 500):
                plant.mocap.hide("base", plant.time + hide[1])
            if k < still * 500:
                joint = JointCommand(STAND, no_effort, no_effort, walker.gains.kp, walker.gains.kd)
            elif k % 10 == 0:
                data = plant.data
                wanted = command(k / 500 - still) if callable(command) else command
                targets = walker.step(data.qpos[None], data.qvel[None], np.array([wanted]), state)
                joint = JointCommand(
                    targets.position[0], targets.velocity[0], no_effort,
                    walker.gains.kp, walker.gains.kd,
                )  # fmt: skip
            plant.step(joint)
            if k % 2 == 0:
                result.readings.append(plant.reading())
                result.estimator.on_reading(result.readings[-1], plant.time)
            for pose in plant.poses():
                result.poses.append(pose)
                result.estimator.on_mocap(
                    pose.body, pose.stamp, pose.position, pose.quaternion, plant.time
                )
            if k % 5 == 4:
                # The newest reading is one period old at odd cycles: compare at its own time.
                estimate = result.estimator.estimate()
                if estimate is None or abs(estimate.stamp - plant.time) < 1e-9:
                    result.times.append(plant.time)
                    result.estimates.append(estimate)
                    full = result.estimator.covariance()[:9, :9] if estimate else None
                    result.covariances.append(full)
                    result.truths.append(plant.truth())
        return result

    return run
