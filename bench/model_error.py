"""Measure the error of the planner model against the plant while the robot pushes a box.

    python bench/model_error.py [--states 160] [--seconds 1.2]

Both models follow the same random walking commands from the same states near a box. Prints the
distance between the final states, for the planner model and for other solver settings.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import wrap_angle, yaw_from_quat
from gpc_ros.evaluation.agreement import Scene, follow
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.locomotion.walker import Walker
from gpc_ros.tasks import build_model, make_task

# Limits of the random commands [m/s, m/s, rad/s].
_LOW, _HIGH = np.array([-0.2, -0.3, -0.8]), np.array([0.6, 0.3, 0.8])


def near_box(plant: mujoco.MjModel, walker: Walker, seed: int) -> Scene:
    """Return a scene in which the robot has walked for 0.8 s towards a box in front of it."""
    rng = np.random.default_rng(seed)
    qpos = make_task("box_push").sample_episode(seed).qpos.copy()
    yaw = float(yaw_from_quat(qpos[3:7]))
    ahead, left = np.array([np.cos(yaw), np.sin(yaw)]), np.array([-np.sin(yaw), np.cos(yaw)])
    qpos[19:21] = qpos[:2] + 0.6 * ahead + rng.uniform(-0.15, 0.15) * left
    command = rng.uniform([0.2, -0.2, -0.4], [0.5, 0.2, 0.4])
    start = Scene(qpos, np.zeros(plant.nv), walker.initial_state(1))
    return follow(plant, walker, start, np.tile(command, (40, 1)))


def main() -> None:
    """Print one line for each model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--states", type=int, default=160)
    parser.add_argument("--seconds", type=float, default=1.2)
    parser.add_argument("--walker", default=DEFAULT_WALKER)
    options = parser.parse_args()
    task, walker = make_task("box_push"), make_walker(options.walker)
    plant = build_model(task, "plant", walker.gains)
    steps = round(options.seconds * walker.rate)
    cases: list[tuple[Scene, Array, Scene]] = []
    for seed in range(options.states):
        rng = np.random.default_rng(10_000 + seed)
        commands = np.linspace(rng.uniform(_LOW, _HIGH), rng.uniform(_LOW, _HIGH), steps)
        scene = near_box(plant, walker, seed)
        cases.append((scene, commands, follow(plant, walker, scene, commands)))

    def report(name: str, change: Callable[[mujoco.MjOption], None]) -> None:
        model = copy.copy(build_model(task, "planner", walker.gains))
        change(model.opt)
        rows = []
        for scene, commands, truth in cases:
            end = follow(model, walker, scene, commands).qpos
            row: list[float] = []
            for at in (0, 19):
                row.append(float(np.linalg.norm(end[at : at + 2] - truth.qpos[at : at + 2])))
                turn = yaw_from_quat(end[at + 3 : at + 7]) - yaw_from_quat(
                    truth.qpos[at + 3 : at + 7]
                )
                row.append(abs(float(wrap_angle(turn))))
            rows.append(row)
        mean, worst = np.mean(rows, axis=0), np.percentile(rows, 95, axis=0)
        figures = "  ".join(f"{m:.3f} ({w:.3f})" for m, w in zip(mean, worst, strict=True))
        print(f"{name:24} {figures}")

    print(f"{options.states} states, {options.seconds} s; mean (95th percentile)")
    print(f"{'':24} base [m]       base [rad]     box [m]        box [rad]")

    def newton(option: mujoco.MjOption) -> None:
        option.solver = mujoco.mjtSolver.mjSOL_NEWTON

    def converged(option: mujoco.MjOption) -> None:
        newton(option)
        option.iterations, option.ls_iterations = 50, 50

    def implicit(option: mujoco.MjOption) -> None:
        option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST

    report("as it is", lambda option: None)
    report("Newton, 3 iterations", newton)
    report("Newton, converged", converged)
    report("implicit integrator", implicit)


if __name__ == "__main__":
    main()
