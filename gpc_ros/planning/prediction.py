"""Predict the state over a known delay, so that a plan starts where the robot will be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.rollout import RolloutPool


@dataclass(frozen=True)
class Prediction:
    """A state after some time.

    Attributes:
        qpos: (nq,).
        qvel: (nv,).
        walker_state: (S,).
        delay: prediction time [s], a multiple of the walker's period.
    """

    qpos: Array
    qvel: Array
    walker_state: Array
    delay: float


class Predictor:
    """A single rollout under the commands that are being executed.

    Args:
        model: the planner's model.
        walker: the walker on the robot.
        max_delay: longest prediction [s].
    """

    def __init__(self, model: mujoco.MjModel, walker: Walker, max_delay: float) -> None:
        """Allocate the rollout."""
        self._period = 1.0 / walker.rate
        self._steps = round(max_delay / self._period)
        self._pool = RolloutPool(model, walker, 1, max(self._steps, 1), 1)

    def advance(
        self,
        qpos: Array,
        qvel: Array,
        walker_state: Array,
        command: Callable[[float], Array],
        stamp: float,
        delay: float,
    ) -> Prediction:
        """Return the state a delay [s] after its stamp, rounded to the walker's period.

        Args:
            qpos: (nq,).
            qvel: (nv,).
            walker_state: (S,).
            command: gives the command (3,) that is executed at a time [s].
            stamp: time of the state [s].
            delay: prediction time [s].

        Returns:
            The predicted state; the given one if the delay is short or the prediction diverges.
        """
        steps = min(round(delay / self._period), self._steps)
        if steps == 0:
            return Prediction(qpos, qvel, walker_state, 0.0)
        times = stamp + self._period * np.arange(steps)
        low, high = self._pool.walker.command_low, self._pool.walker.command_high
        commands = np.clip([[command(t) for t in times]], low, high)
        result = self._pool.run(qpos, qvel, walker_state, commands)
        if not result.valid[0]:
            return Prediction(qpos, qvel, walker_state, 0.0)
        return Prediction(
            result.qpos[0, -1].copy(),
            result.qvel[0, -1].copy(),
            self._pool.walker_state[0].copy(),
            steps * self._period,
        )
