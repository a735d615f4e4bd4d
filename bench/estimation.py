"""Measure the estimator against the true state and beside raw motion capture.

    python bench/estimation.py [--seeds 0:10] [--seconds 14] [--out docs/results/estimation.json]

The simulated robot walks freely or pushes a box; its sensors have noise, delay and biases. The
recorded measurements feed the estimator in lockstep, with complete motion capture and with gaps of
0.1, 0.5 and 2 s. The baseline without an estimator uses the newest pose and its low-pass filtered
differences. Prints root mean square errors over all samples and seeds, and for the estimator the
consistency of its covariance (NEES: the mean should be near the number of dimensions, with 95 % of
the samples inside the bounds). All results follow from the seeds, independent of machine load.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.files import write_atomic
from gpc_ros.common.geometry import (
    quat_conjugate,
    quat_log,
    quat_multiply,
    wrap_angle,
    yaw_from_quat,
)
from gpc_ros.estimation.estimator import BASE, Estimator
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.robot.types import JointCommand, ObjectState, RobotReading, SceneState
from gpc_ros.simulation.mocap_sensor import MocapConfig, PoseSample
from gpc_ros.simulation.plant import PERIOD, Plant, PlantConfig
from gpc_ros.tasks import build_model, make_task

BOX = "box"
GAPS = (0.0, 0.1, 0.5, 2.0)  # [s]; 0 is complete motion capture
# The first gap, and the time from the end of one to the next [s].
FIRST_GAP, BETWEEN = 3.0, 2.0
# Errors count from this time on; biases and velocity must converge first [s].
SETTLED = 2.0
# Control periods between two comparisons with the truth. It is not a multiple of the walker period
# of ten, so that all gait phases are sampled.
EVERY = 14
# Cut-off frequencies of the low-pass on pose differences [Hz], chosen from 2, 5, 8, 12, 20, 30 and
# 60 Hz for the smallest velocity error on seeds 100 and 101.
CUT_OFF = {BASE: 20.0, BOX: 12.0}


class Arrival(NamedTuple):
    """A pose and its time of arrival [s]."""

    time: float
    sample: PoseSample


@dataclass
class Recording:
    """The sensor data of one run, and the true state every few periods."""

    readings: list[RobotReading] = field(default_factory=list)
    poses: list[Arrival] = field(default_factory=list)
    truths: list[SceneState] = field(default_factory=list)


def simulate(pushes: bool, seed: int, seconds: float, delay: float) -> Recording:
    """Simulate one run, walking or pushing a box; the seed defines the commands."""
    task, walker = make_task("box_push"), make_walker(DEFAULT_WALKER)
    # Marker gaps are applied later, identical for both methods.
    mocap = MocapConfig(dropout_probability=0.0, delay=delay)
    model = build_model(task, "plant", walker.gains)
    plant = Plant(model, (BOX,), PlantConfig(mocap=mocap), seed)
    rng = np.random.default_rng(seed)
    qpos = task.sample_episode(seed).qpos.copy()
    yaw = float(yaw_from_quat(qpos[3:7]))
    ahead, left = np.array([np.cos(yaw), np.sin(yaw)]), np.array([-np.sin(yaw), np.cos(yaw)])
    near = 0.6 * ahead + rng.uniform(-0.1, 0.1) * left
    qpos[19:21] = qpos[:2] + (near if pushes else -3.0 * ahead)
    plant.reset(qpos)
    memory, zero, run = walker.initial_state(1), np.zeros(12), Recording()
    command = np.zeros(3)
    for k in range(round(seconds / PERIOD)):
        if k % round(1.5 / PERIOD) == 0:
            command = rng.uniform([-0.1, -0.15, -0.6], [0.5, 0.15, 0.6])
        if k % 10 == 0:
            wanted = towards_box(plant.truth(), command) if pushes else command
            targets = walker.step(
                plant.data.qpos[None], plant.data.qvel[None], wanted[None], memory
            )
            joints = JointCommand(
                targets.position[0], targets.velocity[0], zero, walker.gains.kp, walker.gains.kd
            )
        plant.step(joints)
        if k % 2:
            run.readings.append(plant.reading())
        run.poses += [Arrival(plant.time, sample) for sample in plant.poses()]
        if k % EVERY == EVERY - 1:
            run.truths.append(plant.truth())
    if run.truths[-1].position[2] < 0.2:
        raise RuntimeError(f"seed {seed}: the robot fell")
    return run


def towards_box(state: SceneState, wander: Array) -> Array:
    """Return a command (3,) that pushes the box with a random disturbance."""
    away = state.objects[BOX].position - state.position
    bearing = float(
        wrap_angle(math.atan2(away[1], away[0]) - float(yaw_from_quat(state.orientation)))
    )
    return np.array([0.25 + 0.4 * abs(wander[0]), 0.5 * bearing, bearing + 0.3 * wander[2]])


def hidden(stamp: float, gap: float) -> bool:
    """Return whether markers are hidden at a time [s]."""
    return gap > 0.0 and stamp >= FIRST_GAP and (stamp - FIRST_GAP) % (gap + BETWEEN) < gap


class Guess(NamedTuple):
    """The estimate of base or object at one time, with a covariance (9, 9) if available."""

    position: Array
    orientation: Array
    velocity: Array
    covariance: Array | None = None


class Filtered:
    """The estimator as it runs live."""

    def __init__(self) -> None:
        """Start without a pose."""
        self.estimator = Estimator((BOX,))

    def read(self, reading: RobotReading) -> None:
        """Take in a reading."""
        self.estimator.on_reading(reading, reading.stamp)

    def see(self, pose: PoseSample, now: float) -> None:
        """Take in a pose."""
        self.estimator.on_mocap(pose.body, pose.stamp, pose.position, pose.quaternion, now)

    def guess(self) -> dict[str, Guess]:
        """Return the present estimate by body."""
        state = self.estimator.estimate()
        if state is None:
            return {}
        bodies: dict[str, SceneState | ObjectState] = {BASE: state, **state.objects}
        return {
            name: Guess(
                body.position,
                body.orientation,
                body.linear_velocity,
                self.estimator.covariance(name)[:9, :9],
            )
            for name, body in bodies.items()
        }


class Raw:
    """The newest pose that has arrived, and its differences through a first-order low-pass."""

    def __init__(self) -> None:
        """Start without a pose."""
        self._last: dict[str, PoseSample] = {}
        self._velocity: dict[str, Array] = {}

    def read(self, reading: RobotReading) -> None:
        """Ignore the reading."""

    def see(self, pose: PoseSample, now: float) -> None:
        """Take in a pose."""
        last = self._last.get(pose.body)
        self._last[pose.body] = pose
        if last is None:
            self._velocity[pose.body] = np.zeros(3)
            return
        dt = pose.stamp - last.stamp
        share = 1.0 - math.exp(-2.0 * math.pi * CUT_OFF[pose.body] * dt)
        difference = (pose.position - last.position) / dt
        self._velocity[pose.body] = (1.0 - share) * self._velocity[pose.body] + share * difference

    def guess(self) -> dict[str, Guess]:
        """Return the present estimate by body."""
        return {
            body: Guess(pose.position, pose.quaternion, self._velocity[body])
            for body, pose in self._last.items()
        }


def compare(
    run: Recording, way: Filtered | Raw, gap: float
) -> Iterator[tuple[float, str, Array, Array | None]]:
    """Yield time [s], body, error (9,) and its covariance at every truth of a run.

    The error is of position [m], rotation [rad, body frame] and velocity [m/s].
    """
    poses = [a for a in run.poses if not hidden(a.sample.stamp, gap)]
    truths = iter(run.truths)
    truth = next(truths)
    i = 0
    for reading in run.readings:
        way.read(reading)
        while i < len(poses) and poses[i].time <= reading.stamp + 1e-9:
            way.see(poses[i].sample, reading.stamp)
            i += 1
        if reading.stamp < truth.stamp - 1e-9:
            continue
        if reading.stamp >= SETTLED:
            for body, guess in way.guess().items():
                t = truth if body == BASE else truth.objects[body]
                turn = quat_log(quat_multiply(quat_conjugate(t.orientation), guess.orientation))
                error = (guess.position - t.position, turn, guess.velocity - t.linear_velocity)
                yield truth.stamp, body, np.concatenate(error), guess.covariance
        following = next(truths, None)
        if following is None:
            return
        truth = following


def bounds(dimensions: int) -> tuple[float, float]:
    """Return the 2.5 and 97.5 % quantiles of chi-square (Wilson and Hilferty, 1931)."""
    k = 2.0 / (9.0 * dimensions)
    low, high = (dimensions * (1.0 - k + z * math.sqrt(k)) ** 3 for z in (-1.96, 1.96))
    return low, high


# Parts of the error vector for NEES: name and slice.
PARTS = {"position": slice(0, 3), "rotation": slice(3, 6), "velocity": slice(6, 9)}
PARTS["all"] = slice(0, 9)


@dataclass
class Errors:
    """All errors (N, 9) of one run type, body and method, and the NEES of each part."""

    errors: list[Array] = field(default_factory=list)
    nees: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, error: Array, covariance: Array | None) -> None:
        """Append one error (9,)."""
        self.errors.append(error)
        if covariance is not None:
            for name, part in PARTS.items():
                e = error[part]
                self.nees[name].append(float(e @ np.linalg.solve(covariance[part, part], e)))

    def figures(self) -> dict[str, float]:
        """Return RMSE of position [m], yaw [rad] and velocity [m/s], and the mean NEES."""
        errors = np.array(self.errors)
        squares = (errors**2).mean(axis=0)
        result = {
            "samples": float(len(errors)),
            "position": math.sqrt(squares[0:3].sum()),
            "yaw": math.sqrt(squares[5]),
            "velocity": math.sqrt(squares[6:9].sum()),
        }
        for name, values in self.nees.items():
            nees = np.array(values)
            low, high = bounds(PARTS[name].stop - PARTS[name].start)
            result[f"nees {name}"] = float(nees.mean())
            result[f"nees {name} median"] = float(np.median(nees))
            result[f"inside {name}"] = float(((nees > low) & (nees < high)).mean())
        return result


def measure(seeds: range, seconds: float, delay: float) -> dict[str, dict[str, float]]:
    """Return metrics over all seeds by "run/gap/body/method"."""
    table: dict[str, Errors] = defaultdict(Errors)
    for seed in seeds:
        for kind in ("walk", "push"):
            run = simulate(kind == "push", seed, seconds, delay)
            for gap in GAPS:
                for way in (Filtered(), Raw()):
                    name = type(way).__name__.lower()
                    for time, body, error, covariance in compare(run, way, gap):
                        if body == BOX and kind == "walk":
                            continue  # the object does not move
                        seen = "" if gap == 0.0 else " unseen" if hidden(time, gap) else " seen"
                        table[f"{kind}/{gap:g}{seen}/{body}/{name}"].add(error, covariance)
        print(f"seed {seed}", flush=True)
    return {key: table[key].figures() for key in sorted(table)}


def text(figures: dict[str, dict[str, float]]) -> str:
    """Return the metrics as a Markdown table."""
    lines = [
        "| run | markers | of | position [mm] | yaw [mrad] | velocity [m/s] "
        "| NEES of 9 (inside) | position, rotation, velocity of 3 |",
        "|" + "---|" * 8,
    ]
    for key, ours in figures.items():
        kind, gap, body, way = key.split("/")
        if way == "raw":
            continue
        raw = figures[f"{kind}/{gap}/{body}/raw"]
        parts = ", ".join(f"{ours[f'nees {name}']:.1f}" for name in tuple(PARTS)[:3])
        cells = [
            f"{1e3 * ours['position']:.1f} ({1e3 * raw['position']:.1f})",
            f"{1e3 * ours['yaw']:.1f} ({1e3 * raw['yaw']:.1f})",
            f"{ours['velocity']:.3f} ({raw['velocity']:.3f})",
            f"{ours['nees all']:.1f} ({ours['inside all']:.2f})",
            parts,
        ]
        length, _, seen = gap.partition(" ")
        markers = f"gaps of {length} s, {seen}" if seen else "whole"
        lines.append("| " + " | ".join([kind, markers, body, *cells]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table and write the metrics."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", default="0:10")
    parser.add_argument("--seconds", type=float, default=14.0)
    parser.add_argument("--delay", type=float, default=MocapConfig().delay)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    first, last = (int(n) for n in options.seeds.split(":"))
    figures = measure(range(first, last), options.seconds, options.delay)
    print("\nRoot mean square errors of the estimator and, in brackets, of raw motion capture")
    print(text(figures))
    if options.out:
        content = {
            "seeds": options.seeds,
            "seconds": options.seconds,
            "delay": options.delay,
            "gaps": GAPS,
            "cut_off": CUT_OFF,
            "made_with": made_with(),
            "figures": figures,
        }
        write_atomic(options.out, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
