"""Measure plan time over rollouts and horizon, and rollout throughput relative to open loop.

    python bench/planner.py [--threads 2] [--repeats 9] [--out FILE.json]

The ratio divides the steps per second of the planner (walker in the loop, Python between control
intervals) by the steps per second of ``mujoco.rollout`` with the same recorded controls, model,
batch and thread count. Both alternate in one run; medians over the repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from mujoco import rollout as mujoco_rollout

import gpc_ros  # noqa: F401  (one BLAS thread, before numpy is imported)
from gpc_ros.common.arrays import Array
from gpc_ros.common.files import write_atomic
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.locomotion.walker import JointTargets
from gpc_ros.planning.planner import Planner, PlannerConfig
from gpc_ros.planning.rollout import RolloutPool
from gpc_ros.robot.types import SceneState
from gpc_ros.tasks import build_model, make_task

SAMPLES = (4, 8, 16, 32, 64)
HORIZONS = (0.4, 0.8, 1.2, 2.0)


def seconds(run: Callable[[], object]) -> float:
    """Return the duration of a call [s]."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def plan_times(
    name: str, samples: int, horizon: float, threads: int, repeats: int
) -> dict[str, float]:
    """Return median and maximum cycle time [ms] and the fraction spent in the walker."""
    task, walker = make_task("box_push"), _Stopwatch(name)
    planner = Planner(
        task,
        walker,
        PlannerConfig(num_rollouts=samples, horizon=horizon, threads=threads),
    )
    episode = task.sample_episode(0)
    state = SceneState.from_arrays(0.0, episode.qpos, np.zeros(planner.model.nv), task.bodies)
    memory = walker.initial_state(1)[0]
    times, shares = [], []
    for _ in range(repeats + 2):
        walker.spent = 0.0
        _, report = planner.plan(state, memory, episode.goal, 0.0)
        times.append(1e3 * report.plan_time)
        shares.append(walker.spent / report.plan_time)
    return {
        "median_ms": float(np.median(times[2:])),
        "max_ms": max(times[2:]),
        "walker_share": float(np.median(shares[2:])),
    }


class _Stopwatch:
    """A walker that measures the time of its steps."""

    def __init__(self, name: str) -> None:
        self._walker = make_walker(name)
        self.spent = 0.0  # [s]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._walker, name)

    def step(self, qpos: Array, qvel: Array, command: Array, state: Array) -> JointTargets:
        begin = time.perf_counter()
        targets = self._walker.step(qpos, qvel, command, state)
        self.spent += time.perf_counter() - begin
        return targets


class _Recorder:
    """A walker that records the controls of every interval."""

    def __init__(self, name: str) -> None:
        self._walker = make_walker(name)
        self.controls: list[Array] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._walker, name)

    def step(self, qpos: Array, qvel: Array, command: Array, state: Array) -> JointTargets:
        targets = self._walker.step(qpos, qvel, command, state)
        gains = self._walker.gains
        self.controls.append(targets.position * gains.kp + targets.velocity * gains.kd)
        return targets


def throughput(
    name: str, samples: int, horizon: float, threads: int, repeats: int
) -> dict[str, float]:
    """Return steps per second in closed and open loop, and their ratio."""
    task, walker, recorder = make_task("box_push"), make_walker(name), _Recorder(name)
    model = build_model(task, "planner", walker.gains)
    episode = task.sample_episode(0)
    steps = round(horizon * walker.rate)
    rest, memory = np.zeros(model.nv), walker.initial_state(1)[0]
    rng = np.random.default_rng(0)
    low, high = walker.command_low, walker.command_high
    commands = np.repeat(rng.uniform(low, high, (samples, 1, 3)), steps, axis=1)
    spy = RolloutPool(model, recorder, samples, steps, threads)  # type: ignore[arg-type]
    spy.run(episode.qpos, rest, memory, commands)
    substeps = round(1.0 / walker.rate / model.opt.timestep)
    control = np.repeat(np.stack(recorder.controls, axis=1), substeps, axis=1)
    initial = np.tile(np.concatenate([[0.0], episode.qpos, rest]), (samples, 1))
    data = [mujoco.MjData(model) for _ in range(threads)]
    pool = RolloutPool(model, walker, samples, steps, threads)
    closed, opened = [], []
    with mujoco_rollout.Rollout(nthread=threads) as open_loop:
        for _ in range(repeats):
            closed.append(seconds(lambda: pool.run(episode.qpos, rest, memory, commands)))
            opened.append(seconds(lambda: open_loop.rollout(model, data, initial, control)))
    total = samples * steps * substeps
    return {
        "closed_loop_steps_per_s": total / float(np.median(closed)),
        "open_loop_steps_per_s": total / float(np.median(opened)),
        "ratio": float(np.median(np.array(opened) / np.array(closed))),
    }


def main() -> None:
    """Measure, print two tables and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--walker", default=DEFAULT_WALKER)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    times: dict[str, dict[str, float]] = {}
    print(
        f"median plan time [ms] and the walker's share, box_push, {args.walker}, "
        f"{args.threads} threads, {args.repeats} repeats"
    )
    print("  N \\ H  " + "".join(f"{h:>8.1f} s" for h in HORIZONS))
    for samples in SAMPLES:
        row = [plan_times(args.walker, samples, h, args.threads, args.repeats) for h in HORIZONS]
        times.update({f"N={samples} H={h}": r for h, r in zip(HORIZONS, row, strict=True)})
        print(
            f"  {samples:>5}  "
            + "".join(f"{r['median_ms']:>6.1f} {r['walker_share']:>3.0%}" for r in row)
        )
    print("\nsteps per second, H = 1.2 s: closed loop with the walker, open loop, ratio")
    ratios = {}
    for samples in SAMPLES:
        r = throughput(args.walker, samples, 1.2, args.threads, args.repeats)
        ratios[f"N={samples}"] = r
        print(
            f"  N={samples:<4} {r['closed_loop_steps_per_s']:>9.0f} "
            f"{r['open_loop_steps_per_s']:>9.0f}   {r['ratio']:.2f}"
        )
    if args.out:
        machine = f"{platform.machine()}, {os.cpu_count()} cores, mujoco {mujoco.__version__}"
        document = {
            "machine": machine, "walker": args.walker, "threads": args.threads,
            "plan_time": times, "throughput": ratios,
        }  # fmt: skip
        write_atomic(args.out, json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
