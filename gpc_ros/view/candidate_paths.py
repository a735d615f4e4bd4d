"""Rolls out plans and candidates, to draw the predicted paths of robot and object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpc_ros.common import splines
from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.rollout import RolloutPool
from gpc_ros.tasks import build_model
from gpc_ros.tasks.task import Task
from gpc_ros.view.snapshot import Snapshot

# Index of a task's first object in qpos, after the robot.
_OBJECT = 19


@dataclass(frozen=True, eq=False)
class Paths:
    """Rollouts of a plan (row 0) and of the candidates of its cycle.

    Attributes:
        base: path of the robot's base (1 + n, T, 3) [m], map frame.
        object: path of the task's first object (1 + n, T, 3) [m]; T is 0 without one.
        elite: mask of the best candidates (1 + n,).
        proposed: mask of the candidates from a learned proposal (1 + n,).
    """

    base: Array
    object: Array
    elite: BoolArray
    proposed: BoolArray


class PathRoller:
    """Rolls out plans and candidates in the planner's model, in one thread.

    Args:
        task: the task.
        walker: the walker on the robot.
        most: maximum number of drawn candidates, the best ones.
    """

    def __init__(self, task: Task, walker: Walker, most: int) -> None:
        """Build the model; rollouts are allocated when their length is known."""
        self._task, self._walker, self._most = task, walker, most
        self._model = build_model(task, "planner", walker.gains)
        self._pool: RolloutPool | None = None

    def roll(self, snapshot: Snapshot) -> Paths | None:
        """Return the paths of a snapshot's plan and candidates; None if data is missing.

        The plan is rolled out from the known state, which lies a little before its first knot.
        """
        plan, state = snapshot.plan, snapshot.start or snapshot.state
        if plan is None or state is None or any(b not in state.objects for b in self._task.bodies):
            return None
        memory = snapshot.walker_state
        if memory is None or len(memory) != self._walker.state_size:
            memory = self._walker.initial_state(1)[0]
        knots, elite, proposed = self._drawn(snapshot)
        count = len(plan.knots)
        horizon = plan.knot_dt * (count if plan.order == 0 else max(count - 1, 1))
        steps = max(1, round(horizon * self._walker.rate))
        times = np.arange(steps) / self._walker.rate
        basis = splines.basis(times, count, plan.knot_dt, plan.order)
        commands = np.clip(basis @ knots, self._walker.command_low, self._walker.command_high)
        bodies = self._task.bodies
        pool = self._make_pool(len(knots), steps)
        result = pool.run(state.qpos(bodies), state.qvel(bodies), memory, commands)
        keep = result.valid.copy()
        keep[0] = True
        qpos = result.qpos[keep]
        thing = qpos[..., _OBJECT : _OBJECT + 3] if bodies else qpos[:, :0, :3]
        return Paths(qpos[..., :3].copy(), thing.copy(), elite[keep], proposed[keep])

    def _drawn(self, snapshot: Snapshot) -> tuple[Array, BoolArray, BoolArray]:
        """Return knots (1 + n, K, 3) to roll out: the plan's, then those of the best candidates."""
        assert snapshot.plan is not None
        own = snapshot.plan.knots[None]
        found = snapshot.candidates
        none = np.zeros(1, dtype=np.bool_)
        if found is None or found.knots.shape[1:] != own.shape[1:]:
            return own, none, none
        best = np.argsort(found.costs, kind="stable")[: self._most]
        best = best[np.isfinite(found.costs[best])]
        return (
            np.concatenate([own, found.knots[best]]),
            np.concatenate([none, found.elites[best]]),
            np.concatenate([none, found.proposed[best]]),
        )

    def _make_pool(self, samples: int, steps: int) -> RolloutPool:
        pool = self._pool
        if pool is None or pool.num_rollouts < samples or pool.steps < steps:
            size = max(samples, 1 + self._most)
            self._pool = pool = RolloutPool(self._model, self._walker, size, steps, 1)
        return pool
