"""Measures the error of the planner's model over the prediction time.

From the state of a recorded planning cycle the planner's model is rolled out under the commands
that the walker executed, not under the plan, which was soon replaced. The difference from the
recorded motion is the error of the model and of the initial state.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import GpcError
from gpc_ros.common.geometry import wrap_angle, yaw_from_quat
from gpc_ros.planning.cycle import CycleRecord
from gpc_ros.planning.rollout import RolloutPool
from gpc_ros.replay.recorded_parameters import settings_as
from gpc_ros.replay.run import Body, Run
from gpc_ros.settings.node_settings import PlannerSettings
from gpc_ros.settings.planner_setup import make_planner
from gpc_ros.tasks.task import planar_pose

# Maximum number of cycles, spread evenly over the run.
_CYCLES = 40


@dataclass
class ModelError:
    """Prediction errors by body (``robot`` and the task's objects).

    Attributes:
        ahead: prediction time (T,) [s].
        begin: start of each prediction (R,) [s].
        distance: by body (R, T) [m].
        turn: by body, yaw (R, T) [rad], absolute.
    """

    ahead: Array = field(default_factory=lambda: np.zeros(0))
    begin: Array = field(default_factory=lambda: np.zeros(0))
    distance: dict[str, Array] = field(default_factory=dict)
    turn: dict[str, Array] = field(default_factory=dict)


def model_error(run: Run, count: int = _CYCLES) -> ModelError:
    """Return the error of the planner's model; empty if the bag lacks cycles or settings.

    Args:
        run: a run with cycles, settings, commands and a motion.
        count: maximum number of initial states.
    """
    recorded = [s for s in run.settings if s.node == "planner"]
    base, commands = run.motion.base, run.commands
    if not run.cycles or not recorded or len(base.time) < 2 or not len(commands.time):
        return ModelError()
    settings = settings_as(PlannerSettings(), recorded[-1], [])
    try:
        planner = make_planner(settings)
    except GpcError:
        return ModelError()
    steps = max(1, round(settings.horizon * planner.walker.rate))
    ahead = np.arange(1, steps + 1) / planner.walker.rate
    last = min(float(base.time[-1]), float(commands.time[-1])) - float(ahead[-1])
    usable = [c for c in run.cycles if c.inputs.stamp - run.begin <= last]
    if not usable:
        return ModelError()
    chosen = usable[:: max(1, -(-len(usable) // count))]
    pool = RolloutPool(planner.model, planner.walker, 1, steps, 1)
    bodies: dict[str, Body] = {"robot": base}
    bodies |= {n: run.motion.objects[n] for n in planner.task.bodies if n in run.motion.objects}
    begins: list[float] = []
    distances: dict[str, list[Array]] = {name: [] for name in bodies}
    turns: dict[str, list[Array]] = {name: [] for name in bodies}
    for record in chosen:
        begin = record.inputs.stamp - run.begin
        rolled = _rolled_out(pool, record, run, begin, ahead)
        if rolled is None:
            continue
        begins.append(begin)
        for i, (name, body) in enumerate(bodies.items()):
            pose = planar_pose(rolled, 0 if i == 0 else 19 + 7 * planner.task.bodies.index(name))
            off, turn = _off(pose, body, begin + ahead)
            distances[name].append(off)
            turns[name].append(turn)
    if not begins:
        return ModelError()
    return ModelError(
        ahead, np.array(begins),
        {name: np.array(rows) for name, rows in distances.items()},
        {name: np.array(rows) for name, rows in turns.items()},
    )  # fmt: skip


def _rolled_out(
    pool: RolloutPool, record: CycleRecord, run: Run, begin: float, ahead: Array
) -> Array | None:
    """Return the predicted qpos (T, nq); None if it diverged or the sizes do not match."""
    times = begin + np.concatenate([[0.0], ahead[:-1]])
    rows = np.searchsorted(run.commands.time, times, side="right") - 1
    commands = run.commands.command[np.clip(rows, 0, None)]
    i = record.inputs
    try:
        result = pool.run(i.qpos, i.qvel, i.walker_state, commands[None])
    except ValueError:  # the recorded qpos has the size of another model
        return None
    return result.qpos[0].copy() if result.valid[0] else None


def _off(pose: Array, body: Body, times: Array) -> tuple[Array, Array]:
    """Return distance (T,) [m] and absolute turn (T,) [rad] of poses (T, 3) from a body's."""
    there = [np.interp(times, body.time, body.position[:, axis]) for axis in range(2)]
    heading = np.interp(times, body.time, np.unwrap(yaw_from_quat(body.orientation)))
    distance = np.hypot(pose[:, 0] - there[0], pose[:, 1] - there[1])
    return distance, np.abs(wrap_angle(pose[:, 2] - heading))
