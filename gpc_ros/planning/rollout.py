"""Closed-loop rollouts of many candidates at once: the inner loop of the planner.

All candidates advance together on MuJoCo's batch engine. Every 20 ms the walker turns each
candidate's command into joint targets, then the physics of all of them runs on a thread pool.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.common.mujoco_warnings import silence_mujoco
from gpc_ros.locomotion.walker import Walker

# Control intervals between two readings of the clock.
_CLOCK_INTERVALS = 4
# Blocks of intervals timed before the first projection: the first one wakes the threads.
_CLOCK_WARM_UP = 2
# Fraction of the remaining time that is planned for: fewer candidates take more time each.
_CLOCK_SHARE = 0.95
# Joint or base velocity above which a simulation has diverged [m/s, rad/s].
_WILD_VELOCITY = 200.0


@dataclass(frozen=True)
class Deadline:
    """A deadline on a clock.

    Attributes:
        at: time of the deadline [s].
        clock: returns the time now [s].
    """

    at: float
    clock: Callable[[], float] = time.monotonic

    def left(self) -> float:
        """Return the remaining time [s]; negative after the deadline."""
        return self.at - self.clock()

    def spent(self, measured: float) -> float:
        """Return the plan time [s] of a cycle: the measured one."""
        return measured

    def pace(self, steps: int) -> Pace:
        """Return the pace of a batch of a number of intervals."""
        return _Pace(self, steps)


class Pace(Protocol):
    """Decides how many candidates of a batch continue."""

    def n_within_budget(self, n: int, done: int) -> int:
        """Return how many of n candidates continue after a number of intervals."""
        ...


class Limit(Protocol):
    """A limit of a planning cycle: a :class:`Deadline`, or the record of one."""

    def left(self) -> float:
        """Return the remaining time [s]; negative after the deadline."""
        ...

    def spent(self, measured: float) -> float:
        """Return the plan time [s] of a cycle from the measured one."""
        ...

    def pace(self, steps: int) -> Pace:
        """Return the pace of the next batch of a number of intervals."""
        ...


@dataclass(frozen=True)
class Rollouts:
    """The candidates that were simulated to the end.

    The arrays are views into the pool's buffers, valid until its next run.

    Attributes:
        qpos: (n, T, nq) after each control interval.
        qvel: (n, T, nv).
        valid: (n,) False where the simulation diverged or failed.
        deadline_drops: drops of candidates, each as control interval and remaining number.
    """

    qpos: Array
    qvel: Array
    valid: BoolArray
    deadline_drops: tuple[tuple[int, int], ...] = ()


class RolloutPool:
    """A batch of simulations that is reused from cycle to cycle.

    Args:
        model: the planner's model; its actuators follow the walker's gains.
        walker: runs inside every rollout.
        num_rollouts: largest number of candidates.
        steps: control intervals T of a rollout.
        threads: simulation threads; results do not depend on them.
    """

    def __init__(
        self, model: mujoco.MjModel, walker: Walker, num_rollouts: int, steps: int, threads: int
    ) -> None:
        """Allocate batch and buffers."""
        silence_mujoco()
        self.walker = walker
        self.num_rollouts = num_rollouts
        self.steps = steps
        self._substeps = round(1.0 / walker.rate / model.opt.timestep)
        self._batch = Batch(model, num_rollouts, threads)
        self._qpos, self._qvel = self._batch.bind("qpos"), self._batch.bind("qvel")
        self._ctrl = self._batch.bind("ctrl")
        self._kp, self._kd = walker.gains.kp, walker.gains.kd
        self._ids = np.arange(num_rollouts, dtype=np.int32)
        self._failed = np.zeros(num_rollouts, dtype=bool)
        # Time first, so that each interval is written as one block.
        self._all_qpos = np.empty((steps, num_rollouts, model.nq))
        self._all_qvel = np.empty((steps, num_rollouts, model.nv))
        self.walker_state = np.empty((num_rollouts, walker.state_size))

    def run(
        self,
        qpos: Array,
        qvel: Array,
        walker_state: Array,
        commands: Array,
        deadline: Limit | None = None,
    ) -> Rollouts:
        """Simulate candidates from one state.

        With a deadline, candidates are dropped from the end of the list as soon as the batch is
        projected to finish late, so that the rest completes. Dropped candidates are not returned.

        Args:
            qpos: start (nq,).
            qvel: start (nv,).
            walker_state: of the walker at the start (S,).
            commands: (n, T', 3) to the walker, n <= num_rollouts, T' <= steps.
            deadline: drops candidates; None runs all to the end without reading a clock.

        Returns:
            The first candidates that finished, possibly none.
        """
        n, steps = commands.shape[0], commands.shape[1]
        self._start(qpos, qvel, walker_state)
        pace = deadline.pace(steps) if deadline else None
        drops: list[tuple[int, int]] = []
        state = self.walker_state
        ids = self._ids[:n] if n < self.num_rollouts else None
        by_time = np.ascontiguousarray(commands.swapaxes(0, 1))
        q, v, ctrl, s = self._qpos[:n], self._qvel[:n], self._ctrl[:n], state[:n]
        for t in range(steps):
            if pace and t % _CLOCK_INTERVALS == 0:
                kept = pace.n_within_budget(n, t)
                if kept < n:
                    n = kept
                    drops.append((t, n))
                    if n == 0:
                        break
                    ids = self._ids[:n]
                    q, v, ctrl, s = self._qpos[:n], self._qvel[:n], self._ctrl[:n], state[:n]
            position, velocity = self.walker.step(q, v, by_time[t, :n], s)
            position *= self._kp
            velocity *= self._kd
            np.add(position, velocity, out=ctrl)
            try:
                self._batch.step(ids, self._substeps)
            except SimulationError as error:
                # The batch freezes these and has advanced the others.
                self._failed[error.ids] = True
            self._all_qpos[t, :n] = q
            self._all_qvel[t, :n] = v
        return Rollouts(
            self._all_qpos[:steps, :n].swapaxes(0, 1),
            self._all_qvel[:steps, :n].swapaxes(0, 1),
            self._valid(n, steps),
            tuple(drops),
        )

    def _start(self, qpos: Array, qvel: Array, walker_state: Array) -> None:
        """Put every simulation into the same state."""
        # Zero also clears the solver's warm start, without which results would depend on the
        # previous run.
        self._batch.state[:] = 0.0
        self._batch.warning[:] = 0
        self._failed[:] = False
        self._qpos[:] = qpos
        self._qvel[:] = qvel
        self.walker_state[:] = walker_state

    def _valid(self, n: int, steps: int) -> BoolArray:
        """Return which of n candidates stayed finite, never failed and never reset themselves."""
        # A diverged simulation resets itself and looks valid; only its warnings remain.
        warned = self._batch.warning[:n].any(axis=(1, 2))
        tame = np.abs(self._all_qvel[:steps, :n]).max(axis=(0, 2), initial=0.0) < _WILD_VELOCITY
        valid: BoolArray = tame & ~warned & ~self._failed[:n]
        return valid


class _Pace:
    """Projects the end of a batch from the median time of a block of intervals.

    The median ignores a single block that was slowed by another process.
    """

    def __init__(self, deadline: Deadline, steps: int) -> None:
        """Start the measurement of a batch of a number of intervals."""
        self._deadline, self._steps = deadline, steps
        self._last = deadline.clock()
        self._blocks: list[float] = []

    def n_within_budget(self, n: int, done: int) -> int:
        """Return how many of n candidates can finish in time; call it after every block.

        Args:
            n: running candidates.
            done: completed intervals.
        """
        now = self._deadline.clock()
        if done:
            self._blocks.append(now - self._last)
        self._last = now
        left = self._deadline.at - now
        if left <= 0.0:
            return 0
        if len(self._blocks) < _CLOCK_WARM_UP:
            return n
        needed = statistics.median_low(self._blocks) * (self._steps - done) / _CLOCK_INTERVALS
        if needed <= left:
            return n
        self._blocks.clear()
        return max(1, int(n * _CLOCK_SHARE * left / needed))
