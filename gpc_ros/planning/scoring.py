"""What candidates cost: rolled out, scored by the task, extended by the learned cost to go."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import mujoco
import numpy as np

from gpc_ros.common.arrays import Array, BoolArray
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.prediction import Prediction
from gpc_ros.planning.rollout import Limit, RolloutPool, Rollouts
from gpc_ros.proposal.flow_model import CostToGo
from gpc_ros.proposal.health import CostHealth, HealthConfig, ProposalFigures
from gpc_ros.tasks.task import Task

# Name of the cost term that stands for what comes after the horizon.
TO_GO = "to_go"
# How much more the cost to go may be off at the start of a rollout and halfway.
_ALLOWED = np.array([1.0, 1.4])


class Scorer:
    """Rolls candidates out and scores them.

    Args:
        model: what is simulated.
        walker: runs inside every rollout.
        task: gives the cost.
        basis: commands of a rollout of its knots (T, K).
        num_rollouts: most candidates at a time.
        threads: of the simulation.
        clock: for measuring.
        cost_to_go: of what comes after the horizon, if it counts.
        health: when that cost is faded out.

    Attributes:
        task: gives the cost; may be replaced by the same task with other weights.
        health: how well the cost to go agrees with what rollouts find.
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
        health: HealthConfig,
    ) -> None:
        """Allocate the rollouts."""
        self.task, self.health = task, CostHealth(health)
        self._walker, self._basis, self._clock = walker, basis, clock
        self._horizon = len(basis) / walker.rate
        self._pool = RolloutPool(model, walker, num_rollouts, len(basis), threads)
        self._cost_to_go = cost_to_go

    def score(
        self,
        knots: Array,
        predicted: Prediction,
        goal: Array,
        deadline: Limit | None,
        report: PlannerReport,
        iteration: int,
    ) -> tuple[Array, dict[str, Array]]:
        """Return costs (n,) of the candidates that were completed, and their terms.

        Args:
            knots: of the candidates (N, K, 3).
            predicted: where they begin.
            goal: of the task (3,).
            deadline: when rollouts are cut; None for never.
            report: is told the time and the cuts.
            iteration: sampling round, for the report.

        Returns:
            Costs, infinite where the simulation diverged, and terms by name, n <= N.
        """
        commands = np.clip(self._basis @ knots, self._walker.command_low, self._walker.command_high)
        begin = self._clock()
        start = predicted.qpos, predicted.qvel, predicted.walker_state
        rollouts = self._pool.run(*start, commands, deadline)
        report.rollout_time += self._clock() - begin
        report.cuts += [(iteration, interval, kept) for interval, kept in rollouts.cuts]
        n = len(rollouts.valid)
        commands = commands[:n]
        own = self.task.cost(rollouts.qpos, rollouts.qvel, commands, goal)
        terms = own
        if n and self._cost_to_go is not None:
            end = self.task.observation(rollouts.qpos[:, -1], rollouts.qvel[:, -1], goal)
            to_go = self._cost_to_go(end)
            if iteration == 0:
                # Also one that does not count is asked where it would lead.
                preferred = _total(self._extended(own, to_go, 1.0), rollouts.valid)
                costs, ahead = _total(own, rollouts.valid), int(np.argmin(preferred))
                self._judge(costs, predicted, rollouts, commands, ahead, goal)
            terms = self._extended(own, to_go, self.health.weight)
        return _total(terms, rollouts.valid), terms

    def judged(self, figures: ProposalFigures) -> ProposalFigures:
        """Return figures of the proposal with those of the cost to go, if there is one."""
        if self._cost_to_go is None:
            return figures
        weight = self.health.weight
        return dataclasses.replace(
            figures,
            weight=figures.weight * weight,
            cost_error=self.health.error,
            cost_weight=weight,
        )

    def _judge(
        self,
        costs: Array,
        predicted: Prediction,
        rollouts: Rollouts,
        commands: Array,
        ahead: int,
        goal: Array,
    ) -> None:
        """Hold the cost to go against rollouts: from their start, and halfway where it leads to.

        Args:
            costs: of the rollouts over the horizon (n,), infinite where one diverged.
            predicted: where they began.
            rollouts: themselves.
            commands: theirs (n, T, 3).
            ahead: which one the cost to go prefers.
            goal: of the task (3,).
        """
        assert self._cost_to_go is not None
        if not np.isfinite(costs[ahead]):
            return
        one, half = slice(ahead, ahead + 1), commands.shape[1] // 2
        qpos, qvel = rollouts.qpos[one, half:], rollouts.qvel[one, half:]
        rest = self.task.cost(qpos, qvel, commands[one, half:], goal)
        here = self.task.observation(predicted.qpos, predicted.qvel, goal)
        there = self.task.observation(qpos[0, 0], qvel[0, 0], goal)
        expected = self._cost_to_go(np.stack([here, there]))
        found = np.array([costs.min(), sum(float(v[0]) for v in rest.values())])
        # A mean over less than the window may differ more and be no error; nor need the one rollout
        # that is known halfway be the best from there.
        seen = np.array([1.0, 0.5]) * self._horizon / self._cost_to_go.window
        allowed = max(self._cost_to_go.spread, 1e-9) * (1.0 + np.maximum(0.0, 1.0 - seen))
        self.health.judge(float((np.abs(expected - found) / (allowed * _ALLOWED)).max()))

    def _extended(self, terms: dict[str, Array], to_go: Array, weight: float) -> dict[str, Array]:
        """Return terms as means over the horizon and the window of the cost to go after it.

        Args:
            terms: means over the horizon (n,) by name.
            to_go: means over the window where the rollouts end (n,).
            weight: part of the window that counts, 0 to 1.
        """
        assert self._cost_to_go is not None
        if weight == 0.0:  # also one that is no number counts for nothing then
            return {**terms, TO_GO: np.zeros_like(to_go)}
        window = self._cost_to_go.window * weight
        total = self._horizon + window
        scaled = {name: value * (self._horizon / total) for name, value in terms.items()}
        return {**scaled, TO_GO: to_go * (window / total)}


def _total(terms: dict[str, Array], valid: BoolArray) -> Array:
    """Return costs (n,) of terms (n,), infinite where the rollout diverged."""
    costs = np.sum(list(terms.values()), axis=0) if len(valid) else np.empty(0)
    return np.where(valid & np.isfinite(costs), costs, np.inf)
