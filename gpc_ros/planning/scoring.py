"""The cost of candidates: rolled out, scored by the task, extended by the learned cost-to-go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.prediction import Prediction
from gpc_ros.planning.rollout import Limit, RolloutPool, Rollouts
from gpc_ros.proposal.flow_model import CostToGo
from gpc_ros.proposal.monitor import ProposalMonitor
from gpc_ros.tasks.task import Task

# Name of the cost term for the time after the horizon.
TO_GO = "to_go"
# Tolerance factor of the cost-to-go's error at the start of a rollout and halfway.
_ALLOWED = np.array([1.0, 1.4])


@dataclass(frozen=True)
class Scores:
    """Scores of the candidates that were completed.

    Attributes:
        costs: (n,), infinite where the simulation diverged.
        terms: cost terms (n,) by name.
        drops: candidates dropped by the deadline, each as control interval and remaining number.
        rollout_time: of the simulations [s].
    """

    costs: Array
    terms: Mapping[str, Array]
    drops: tuple[tuple[int, int], ...]
    rollout_time: float


class Scorer:
    """Rolls candidates out and scores them.

    Args:
        model: MuJoCo model of the rollouts.
        walker: runs inside every rollout.
        task: gives the cost.
        basis: maps knots to the commands of a rollout (T, K).
        num_rollouts: largest number of candidates.
        threads: of the simulation.
        clock: measures the rollout time [s].
        cost_to_go: for the time after the horizon; None leaves it out.
        monitor: of the proposal; weights the cost-to-go.

    Attributes:
        task: gives the cost; may be replaced by the same task with other weights.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        walker: Walker,
        task: Task,
        basis: Array,
        num_rollouts: int,
        threads: int,
        clock: Callable[[], float],
        cost_to_go: CostToGo | None,
        monitor: ProposalMonitor | None,
    ) -> None:
        """Allocate the rollouts."""
        self.task = task
        self._walker, self._basis, self._clock = walker, basis, clock
        self._horizon = len(basis) / walker.rate
        self._pool = RolloutPool(model, walker, num_rollouts, len(basis), threads)
        self._cost_to_go, self._monitor = cost_to_go, monitor

    def score(
        self,
        knots: Array,
        predicted: Prediction,
        goal: Array,
        deadline: Limit | None,
        *,
        first: bool,
    ) -> Scores:
        """Return the scores of the candidates that were completed.

        Args:
            knots: of the candidates (N, K, 3).
            predicted: start of the rollouts.
            goal: of the task (3,).
            deadline: drops candidates that would finish late; None for no deadline.
            first: whether this is the first round of the cycle, which updates the monitor.
        """
        commands = np.clip(self._basis @ knots, self._walker.command_low, self._walker.command_high)
        begin = self._clock()
        start = predicted.qpos, predicted.qvel, predicted.walker_state
        rollouts = self._pool.run(*start, commands, deadline)
        rollout_time = self._clock() - begin
        n = len(rollouts.valid)
        commands = commands[:n]
        own = self.task.cost(rollouts.qpos, rollouts.qvel, commands, goal)
        terms = own
        if n and self._cost_to_go is not None and self._monitor is not None:
            end = self.task.observation(rollouts.qpos[:, -1], rollouts.qvel[:, -1], goal)
            to_go = self._cost_to_go(end)
            if first:
                # A cost-to-go of zero weight is checked too, so that it can be re-admitted.
                preferred = _total(self._extended(own, to_go, 1.0), rollouts.valid)
                costs, ahead = _total(own, rollouts.valid), int(np.argmin(preferred))
                if np.isfinite(costs[ahead]):
                    error = self._value_error(costs, predicted, rollouts, commands, ahead, goal)
                    self._monitor.update_value_error(error)
            terms = self._extended(own, to_go, self._monitor.value_weight)
        return Scores(_total(terms, rollouts.valid), terms, rollouts.deadline_drops, rollout_time)

    def _value_error(
        self,
        costs: Array,
        predicted: Prediction,
        rollouts: Rollouts,
        commands: Array,
        ahead: int,
        goal: Array,
    ) -> float:
        """Return the error of the cost-to-go relative to the spread of costs.

        The comparison is made at the start of all rollouts and halfway along the rollout that the
        cost-to-go prefers.

        Args:
            costs: of the rollouts over the horizon (n,), infinite where one diverged.
            predicted: start of the rollouts.
            rollouts: the simulated candidates.
            commands: of the rollouts (n, T, 3).
            ahead: index of the rollout that the cost-to-go prefers; it is valid.
            goal: of the task (3,).
        """
        assert self._cost_to_go is not None
        one, half = slice(ahead, ahead + 1), commands.shape[1] // 2
        qpos, qvel = rollouts.qpos[one, half:], rollouts.qvel[one, half:]
        rest = self.task.cost(qpos, qvel, commands[one, half:], goal)
        here = self.task.observation(predicted.qpos, predicted.qvel, goal)
        there = self.task.observation(qpos[0, 0], qvel[0, 0], goal)
        expected = self._cost_to_go(np.stack([here, there]))
        found = np.array([costs.min(), sum(float(v[0]) for v in rest.values())])
        # A mean over a part of the window varies more, and the best rollout from the start need not
        # be the best one from halfway.
        seen = np.array([1.0, 0.5]) * self._horizon / self._cost_to_go.window
        allowed = max(self._cost_to_go.spread, 1e-9) * (1.0 + np.maximum(0.0, 1.0 - seen))
        return float((np.abs(expected - found) / (allowed * _ALLOWED)).max())

    def _extended(self, terms: dict[str, Array], to_go: Array, weight: float) -> dict[str, Array]:
        """Return terms as means over the horizon and the window of the cost-to-go after it.

        Args:
            terms: means over the horizon (n,) by name.
            to_go: means over the window after the end of each rollout (n,).
            weight: of the cost-to-go, 0 to 1; scales the window.
        """
        assert self._cost_to_go is not None
        if weight == 0.0:  # without this, NaN times zero would be NaN
            return {**terms, TO_GO: np.zeros_like(to_go)}
        window = self._cost_to_go.window * weight
        total = self._horizon + window
        scaled = {name: value * (self._horizon / total) for name, value in terms.items()}
        return {**scaled, TO_GO: to_go * (window / total)}


def _total(terms: dict[str, Array], valid: BoolArray) -> Array:
    """Return costs (n,) of terms (n,), infinite where the rollout diverged."""
    costs = np.sum(list(terms.values()), axis=0) if len(valid) else np.empty(0)
    return np.where(valid & np.isfinite(costs), costs, np.inf)
