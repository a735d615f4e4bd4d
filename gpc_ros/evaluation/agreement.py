"""Measure how far the planner's model departs from the plant, starting from the same states."""

from __future__ import annotations

from typing import Any, NamedTuple

import mujoco
import numpy as np

from gpc_ros.common import config
from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import wrap_angle, yaw_from_quat
from gpc_ros.evaluation.lockstep import EpisodeConfig, Lockstep, Observer
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.plan import Plan
from gpc_ros.proposal.sampler import NONE
from gpc_ros.tasks import build_model, make_task

_TASK, _BOX = "box_push", "box"
# Seeds of the episodes that provide the states, and the number of plans per state.
_SEEDS, _EVERY = range(500, 510), 5


class Scene(NamedTuple):
    """A state: qpos (nq,), qvel (nv,) and the walker's state (1, S)."""

    qpos: Array
    qvel: Array
    memory: Array


class Moment(NamedTuple):
    """A state of an episode, the command in force (3,), and whether the box was touched."""

    scene: Scene
    command: Array
    touching: bool


def follow(model: mujoco.MjModel, walker: Walker, scene: Scene, commands: Array) -> Scene:
    """Return the scene after walking with commands (T, 3), one per walker period."""
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = scene.qpos, scene.qvel
    memory = scene.memory.copy()
    substeps = round(1.0 / walker.rate / model.opt.timestep)
    for command in commands:
        targets = walker.step(data.qpos[None], data.qvel[None], command[None], memory)
        data.ctrl[:12] = walker.gains.kp * targets.position[0]
        data.ctrl[:12] += walker.gains.kd * targets.velocity[0]
        mujoco.mj_step(model, data, substeps)
    return Scene(data.qpos.copy(), data.qvel.copy(), memory)


class _MomentCollector(Observer):
    """Collects the state at every plan."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []

    def after_plan(self, lockstep: Lockstep, plan: Plan | None, report: PlannerReport) -> None:
        """Append a state."""
        plant, bridge = lockstep.plant, lockstep.bridge
        scene = Scene(plant.data.qpos.copy(), plant.data.qvel.copy(), bridge.walker_state[None])
        touching = _touches(plant.model, plant.data)
        self.moments.append(Moment(scene, bridge.executed_command.copy(), touching))


def moments(walker: Walker, count: int) -> list[Moment]:
    """Return states of lockstep episodes; half of them touch the box if enough of these exist."""
    chosen = config.replace(
        EpisodeConfig(),
        {"task": _TASK, "planner.proposal.file": NONE, "planner.num_rollouts": 8},
        "agreement",
    )
    collector = _MomentCollector()
    some: list[Moment] = []
    for seed in _SEEDS:
        lockstep = Lockstep(chosen, seed, walker=walker, observer=collector)
        lockstep.get_ready()
        lockstep.run()
        some = collector.moments[::_EVERY]
        if all(sum(m.touching == kind for m in some) >= count // 2 for kind in (True, False)):
            break
    with_box = [m for m in some if m.touching][: count // 2]
    return [*with_box, *[m for m in some if not m.touching][: count - len(with_box)]]


def agreement(walker: Walker, count: int = 50, seconds: float = 0.2) -> list[dict[str, Any]]:
    """Return the distance between the two models after a time, from each state of an episode.

    Args:
        walker: runs in both models.
        count: number of states.
        seconds: time for which both continue with the current command.

    Returns:
        One row per state: ``position`` [m], ``yaw`` [rad], ``joints`` (largest) [rad],
        ``touching``.
    """
    task = make_task(_TASK)
    plant, planner = (build_model(task, v, walker.gains) for v in ("plant", "planner"))
    rows = []
    for moment in moments(walker, count):
        commands = np.tile(moment.command, (round(seconds * walker.rate), 1))
        one, other = (follow(m, walker, moment.scene, commands).qpos for m in (plant, planner))
        rows.append(
            {
                "position": float(np.linalg.norm(one[:3] - other[:3])),
                "yaw": abs(float(wrap_angle(yaw_from_quat(one[3:7]) - yaw_from_quat(other[3:7])))),
                "joints": float(np.abs(one[7:19] - other[7:19]).max()),
                "touching": moment.touching,
            }
        )
    return rows


def _touches(model: mujoco.MjModel, data: mujoco.MjData) -> bool:
    """Return whether the robot touches the box."""
    box = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, _BOX)
    pairs = model.geom_bodyid[data.contact.geom] if data.ncon else np.zeros((0, 2), int)
    others = [a if b == box else b for a, b in pairs if box in (a, b)]
    return any(body != 0 for body in others)
