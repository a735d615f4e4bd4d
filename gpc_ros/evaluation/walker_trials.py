"""Measure tracking, falls and pushing of a walker in the plant's model, in batches.

Every walker passes the same tests, whether it belongs to this package or comes from an ONNX file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.common.geometry import quat_from_yaw
from gpc_ros.common.mujoco_warnings import silence_mujoco
from gpc_ros.evaluation.agreement import agreement
from gpc_ros.evaluation.walker_metrics import Measured, Row
from gpc_ros.locomotion.walker import Walker, heading_velocity
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.model import BASE_BODY, STAND_HEIGHT, compile_model, robot_spec
from gpc_ros.tasks import build_model, make_task

# A robot has fallen when its base is this low [m] or tilted this far (cosine).
_LOW, _TILTED = 0.14, 0.5
# The grid on which tracking is measured: vx, vy [m/s], yaw rate [rad/s].
GRID = tuple(
    (vx, vy, wz)
    for vx in (-0.4, 0.0, 0.4, 0.8)
    for vy in (-0.4, 0.0, 0.4)
    for wz in (-1.0, 0.0, 1.0)
    if (vx, vy, wz) != (0.0, 0.0, 0.0)
)
# Settling time before the steady state, and duration of the measurement [s].
_SETTLE, _MEASURE = 3.0, 3.0
_STEPS = ((0.4, 0.0, 0.0), (0.8, 0.0, 0.0), (-0.4, 0.0, 0.0), (0.0, 0.4, 0.0), (0.0, 0.0, 1.0))
_SMOOTH = 18  # periods of a running mean: one gait cycle
DIRECTIONS, IMPULSES = 24, (1.0, 2.0)
BOXES = (2.0, 4.0, 8.0)  # [kg]
_NOSE = 0.36  # distance from the robot's centre to the near face of the box [m]
DRAWS = 20

Commands = Callable[[float], Array]


@dataclass(frozen=True)
class Draw:
    """A changed robot: mass factor, payload [kg], floor friction, delay [periods]."""

    mass: float = 1.0
    payload: float = 0.0
    friction: float = 0.8
    delay: int = 0


class Field:
    """Robots with a walker in the plant's model, one simulation per robot.

    Args:
        walker: the walker under test.
        model: the plant, the robot first.
        qpos: start states (n, nq).
        threads: simulation threads; 0 for one per core.
        delays: delay of each robot's targets (n,) [control periods].

    Attributes:
        qpos: (n, nq), live.
        qvel: (n, nv), live.
        fallen: which robots have fallen so far (n,).
    """

    def __init__(
        self,
        walker: Walker,
        model: mujoco.MjModel,
        qpos: Array,
        threads: int = 0,
        delays: Array | None = None,
    ) -> None:
        """Reset every robot to standing."""
        silence_mujoco()
        self.walker = walker
        n = len(qpos)
        self.batch = Batch(model, n, threads)
        self.qpos, self.qvel = self.batch.bind("qpos"), self.batch.bind("qvel")
        self._ctrl = self.batch.bind("ctrl")
        self.qpos[:] = qpos
        self.fallen: BoolArray = np.zeros(n, dtype=bool)
        self._state = walker.initial_state(n)
        self._substeps = round(1.0 / walker.rate / model.opt.timestep)
        self._delays = np.zeros(n, np.intp) if delays is None else delays.astype(np.intp)
        self._sent = [np.tile(walker.gains.kp * STAND, (n, 1))] * (int(self._delays.max()) + 1)

    def step(self, command: Array) -> None:
        """Walk for one period with commands (n, 3)."""
        targets = self.walker.step(self.qpos, self.qvel, command, self._state)
        gains = self.walker.gains
        self._sent = [gains.kp * targets.position + gains.kd * targets.velocity, *self._sent[:-1]]
        self._ctrl[:] = np.stack(self._sent)[self._delays, np.arange(len(self._delays))]
        try:
            self.batch.step(nstep=self._substeps)
        except SimulationError as error:
            self.fallen[error.ids] = True
        upright = 1.0 - 2.0 * (self.qpos[:, 4] ** 2 + self.qpos[:, 5] ** 2)
        warned = self.batch.warning.any(axis=(1, 2))
        self.fallen |= (self.qpos[:, 2] < _LOW) | (upright < _TILTED) | warned

    def run(self, seconds: float, commands: Commands | Array) -> Array:
        """Walk for a time; return the velocities vx, vy, yaw rate after each period (T, n, 3)."""
        found = []
        for k in range(round(seconds * self.walker.rate)):
            given = commands(k / self.walker.rate) if callable(commands) else commands
            self.step(given)
            found.append(heading_velocity(self.qpos, self.qvel).T)
        return np.array(found)


def plant(walker: Walker, draw: Draw | None = None) -> mujoco.MjModel:
    """Return the plant's model with a changed robot."""
    d = draw or Draw()
    spec = robot_spec("plant", walker.gains)
    for geom in spec.geoms:
        geom.friction[0] = d.friction
    model = compile_model(spec)
    base = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, BASE_BODY)
    model.body_mass[:] *= d.mass
    model.body_inertia[:] *= d.mass
    heavier = 1.0 + d.payload / model.body_mass[base]
    model.body_mass[base] *= heavier
    model.body_inertia[base] *= heavier
    mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


def standing(n: int, yaw: float = 0.0) -> Array:
    """Return start states (n, 19) of robots that stand at the origin."""
    qpos = np.zeros((n, 19))
    qpos[:, 2] = STAND_HEIGHT
    qpos[:, 3:7] = quat_from_yaw(yaw)
    qpos[:, 7:] = STAND
    return qpos


def tracking(walker: Walker) -> list[Row]:
    """Return the steady-state velocity for each command of the grid."""
    commands = np.array(GRID)
    field = Field(walker, plant(walker), standing(len(commands)))
    field.run(_SETTLE, commands)
    mean = field.run(_MEASURE, commands).mean(axis=0)
    miss = mean - commands
    return [
        {
            "command": command.tolist(),
            "walked": np.round(walked, 4).tolist(),
            "speed_error": float(np.hypot(*error[:2])),
            "yaw_rate_error": float(abs(error[2])),
            "fell": bool(fell),
        }
        for command, walked, error, fell in zip(commands, mean, miss, field.fallen, strict=True)
    ]


def response(walker: Walker) -> list[Row]:
    """Return the time from standing to 90 % of a step command [s]."""
    commands = np.array(_STEPS)
    field = Field(walker, plant(walker), standing(len(commands)))
    field.run(0.5, np.zeros_like(commands))
    speed = field.run(4.0, commands)
    along = (speed * commands).sum(axis=2) / (commands**2).sum(axis=1)
    total = np.cumsum(np.concatenate([np.zeros((1, len(commands))), along]), axis=0)
    end = np.arange(1, len(along) + 1)
    begin = np.maximum(end - _SMOOTH, 0)
    smooth = (total[end] - total[begin]) / (end - begin)[:, None]
    reached = smooth >= 0.9
    found: list[Row] = []
    for i, command in enumerate(commands):
        there = bool(reached[:, i].any())
        time = float((reached[:, i].argmax() + 1) / walker.rate) if there else None
        found.append({"command": command.tolist(), "seconds": time})
    return found


def impulses(walker: Walker) -> list[Row]:
    """Return whether the robot fell after an impulse from each side while walking forwards."""
    sides = np.arange(DIRECTIONS) * 2.0 * np.pi / DIRECTIONS
    angle, size = np.tile(sides, len(IMPULSES)), np.repeat(IMPULSES, DIRECTIONS)
    commands = np.tile([0.3, 0.0, 0.0], (len(angle), 1))
    field = Field(walker, plant(walker), standing(len(angle)))
    field.run(2.0, commands)
    field.qvel[:, 0] += size * np.cos(angle)
    field.qvel[:, 1] += size * np.sin(angle)
    field.run(3.0, commands)
    return [
        {"direction": float(a), "impulse": float(s), "fell": bool(f)}
        for a, s, f in zip(angle, size, field.fallen, strict=True)
    ]


def draws(seed: int = 0) -> list[Draw]:
    """Return robots with mass +-20 %, payload up to 3 kg, friction 0.4-1.2, delay up to 20 ms."""
    rng = np.random.default_rng(seed)
    return [
        Draw(
            float(rng.uniform(0.8, 1.2)),
            float(rng.choice([0.0, 3.0])),
            float(rng.uniform(0.4, 1.2)),
            int(rng.integers(0, 2)),
        )
        for _ in range(DRAWS)
    ]


def endurance(walker: Walker, seconds: float = 60.0, seed: int = 0) -> list[Row]:
    """Return which changed robots fell under random commands that change every two seconds."""
    changed = draws(seed)
    rng = np.random.default_rng(seed + 1)
    n = len(changed)
    low, high = np.array([-0.4, -0.4, -1.0]), np.array([0.8, 0.4, 1.0])
    plan = rng.uniform(low, high, (round(seconds / 2.0) + 1, n, 3))
    models = [plant(walker, draw) for draw in changed]
    delays = np.array([draw.delay for draw in changed])
    field = Field(walker, models[0], standing(n), delays=delays)
    field.batch.set_models(models)
    field.run(seconds, lambda t: plan[int(t / 2.0)])
    return [
        {**vars(draw), "fell": bool(fell)} for draw, fell in zip(changed, field.fallen, strict=True)
    ]


def pushing(walker: Walker, seconds: float = 10.0) -> list[Row]:
    """Return, for boxes of each mass, whether the robot fell and how far it pushed."""
    found: list[Row] = []
    for mass in BOXES:
        task = make_task("box_push", {"plant.object.mass": mass})
        model = build_model(task, "plant", walker.gains)
        start = task.sample_episode(0).qpos.copy()
        start[:19] = standing(1)[0]
        start[19:21] = _NOSE + 0.5 * task.config.plant.object.size[0], 0.0
        start[22:26] = quat_from_yaw(0.0)
        field = Field(walker, model, start[None])
        field.run(seconds, np.array([[0.3, 0.0, 0.0]]))
        found.append(
            {
                "mass": mass,
                "fell": bool(field.fallen[0]),
                "pushed": float(field.qpos[0, 19] - start[19]),
            }
        )
    return found


def step_time(walker: Walker, samples: int = 16, repeats: int = 400, attempts: int = 10) -> float:
    """Return the time of one step of a walker for a number of candidates [s].

    The lowest median of several attempts, since other load on the machine only adds time.
    """
    qpos, qvel = standing(samples), np.zeros((samples, 18))
    state, command = walker.initial_state(samples), np.tile([0.3, 0.0, 0.0], (samples, 1))
    times = np.empty((attempts, repeats))
    for i in np.ndindex(times.shape):
        begin = time.perf_counter()
        walker.step(qpos, qvel, command, state)
        times[i] = time.perf_counter() - begin
    return float(np.median(times, axis=1).min())


def measure(walker: Walker, seed: int, tell: Callable[[str], None]) -> Measured:
    """Run every test.

    Args:
        walker: the walker to measure.
        seed: seed of the changed robots and the random commands.
        tell: called with the name of each test before it starts.
    """
    tell("tracking")
    tracked = tracking(walker)
    tell("response")
    responded = response(walker)
    tell("impulses")
    pushed = impulses(walker)
    tell("changed robots")
    lasted = endurance(walker, seed=seed)
    tell("boxes")
    boxes = pushing(walker)
    tell("agreement of the models")
    apart = agreement(walker)
    tell("time of a step")
    return Measured(tracked, responded, pushed, lasted, boxes, apart, 1e6 * step_time(walker))
