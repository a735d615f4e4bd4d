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

# How many control intervals pass between two looks at the clock.
_CLOCK_INTERVALS = 4
# How many such blocks are timed before the finish is projected: the first one wakes the threads.
_CLOCK_WARM_UP = 2
# Share of the time left that the candidates kept may need: fewer do not take less in proportion.
_CLOCK_SHARE = 0.95
# A joint or base velocity beyond this is a simulation that has exploded [m/s, rad/s].
_WILD_VELOCITY = 200.0


@dataclass(frozen=True)
class Deadline:
    """A time that must not be passed.

    Attributes:
        at: when, on the clock [s].
        clock: returns the time now [s].
    """

    at: float
    clock: Callable[[], float] = time.monotonic

    def left(self) -> float:
        """Return the time that is left [s]; negative when it has passed."""
        return self.at - self.clock()

    def spent(self, measured: float) -> float:
        """Return the time [s] that a cycle counts as, which is the measured one."""
        return measured

    def pace(self, steps: int) -> Pace:
        """Return what foresees the end of a batch of a number of intervals."""
        return _Pace(self, steps)


class Pace(Protocol):
    """Decides how many candidates of a batch go on."""

    def n_within_budget(self, n: int, done: int) -> int:
        """Return how many of n candidates go on, after a number of intervals."""
        ...


class Limit(Protocol):
    """What ends a planning cycle: a :class:`Deadline`, or the record of one."""

    def left(self) -> float:
        """Return the time that is left [s]; negative when it has passed."""
        ...

    def spent(self, measured: float) -> float:
        """Return the time [s] that a cycle counts as, from the one that was measured."""
        ...

    def pace(self, steps: int) -> Pace:
        """Return what decides over the next batch, of a number of intervals."""
        ...


@dataclass(frozen=True)
class Rollouts:
    """What happened to the candidates that were simulated to the end.

    The arrays are views into the pool's buffers and hold until its next run.

    Attributes:
        qpos: (n, T, nq) after each control interval.
        qvel: (n, T, nv).
        valid: (n,) False where the simulation diverged or failed.
        cuts: after which interval how many candidates went on, wherever the deadline dropped some.
    """

    qpos: Array
    qvel: Array
    valid: BoolArray
    cuts: tuple[tuple[int, int], ...] = ()


class RolloutPool:
    """A batch of simulations that is reused from cycle to cycle.

    Args:
        model: the planner's model; its actuators follow the walker's gains.
        walker: runs inside every rollout.
        num_rollouts: largest number of candidates.
        steps: control intervals T of a rollout.
        threads: simulation threads; the result does not depend on it.
    """

    def __init__(
        self, model: mujoco.MjModel, walker: Walker, num_rollouts: int, steps: int, threads: int
    ) -> None:
        """Allocate everything that a run needs."""
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
        seen to finish too late, so that the rest completes; what was dropped is not returned.

        Args:
            qpos: start (nq,).
            qvel: start (nv,).
            walker_state: of the walker at the start (S,).
            commands: (n, T', 3) to the walker, n <= num_rollouts, T' <= steps.
            deadline: when to be done; None runs to the end and looks at no clock.

        Returns:
            The first candidates that finished, possibly none.
        """
        n, steps = commands.shape[0], commands.shape[1]
        self._start(qpos, qvel, walker_state)
        pace = deadline.pace(steps) if deadline else None
        cuts: list[tuple[int, int]] = []
        state = self.walker_state
        ids = self._ids[:n] if n < self.num_rollouts else None
        by_time = np.ascontiguousarray(commands.swapaxes(0, 1))
        q, v, ctrl, s = self._qpos[:n], self._qvel[:n], self._ctrl[:n], state[:n]
        for t in range(steps):
            if pace and t % _CLOCK_INTERVALS == 0:
                kept = pace.n_within_budget(n, t)
                if kept < n:
                    n = kept
                    cuts.append((t, n))
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
                # These stand still from here on, and the others went on.
                self._failed[error.ids] = True
            self._all_qpos[t, :n] = q
            self._all_qvel[t, :n] = v
        return Rollouts(
            self._all_qpos[:steps, :n].swapaxes(0, 1),
            self._all_qvel[:steps, :n].swapaxes(0, 1),
            self._valid(n, steps),
            tuple(cuts),
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
        # A diverged simulation resets itself and looks alive; only its warnings tell.
        warned = self._batch.warning[:n].any(axis=(1, 2))
        tame = np.abs(self._all_qvel[:steps, :n]).max(axis=(0, 2), initial=0.0) < _WILD_VELOCITY
        valid: BoolArray = tame & ~warned & ~self._failed[:n]
        return valid


class _Pace:
    """Foresees whether a batch will be done in time.

    It goes by the median time of a block of intervals: what one block lost to another process says
    nothing about those to come.
    """

    def __init__(self, deadline: Deadline, steps: int) -> None:
        """Begin to measure a batch of a number of intervals."""
        self._deadline, self._steps = deadline, steps
        self._last = deadline.clock()
        self._blocks: list[float] = []

    def n_within_budget(self, n: int, done: int) -> int:
        """Return how many of n candidates can still be finished; call it after every block.

        Args:
            n: candidates that run now.
            done: intervals that they have run.
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
