"""What candidates cost: rolled out, scored by the task, extended by the learned cost to go."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import mujoco
import numpy as np

from gpc_ros.arrays import Array, BoolArray
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.prediction import Prediction
from gpc_ros.planning.report import PlannerReport
from gpc_ros.planning.rollout import Limit, RolloutPool
from gpc_ros.proposal.health import CostHealth, HealthConfig, ProposalFigures
from gpc_ros.proposal.model import CostToGo
from gpc_ros.tasks.base import Task

# Name of the cost term that stands for what comes after the horizon.
TO_GO = "to_go"


class Scorer:
    """Rolls candidates out and scores them.

    Args:
        model: what is simulated.
        walker: runs inside every rollout.
        task: gives the cost.
        basis: commands of a rollout of its knots (T, K).
        samples: most candidates at a time.
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
        samples: int,
        threads: int,
        clock: Callable[[], float],
        cost_to_go: CostToGo | None,
        health: HealthConfig,
    ) -> None:
        """Allocate the rollouts."""
        self.task, self.health = task, CostHealth(health)
        self._walker, self._basis, self._clock = walker, basis, clock
        self._horizon = len(basis) / walker.rate
        self._pool = RolloutPool(model, walker, samples, len(basis), threads)
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
        terms = self.task.cost(rollouts.qpos, rollouts.qvel, commands[:n], goal)
        if n and self._cost_to_go is not None:
            if iteration == 0:
                self._judge(rollouts.valid, terms, predicted, goal)
            end = self.task.observation(rollouts.qpos[:, -1], rollouts.qvel[:, -1], goal)
            terms = self._extended(terms, end)
        costs = np.sum(list(terms.values()), axis=0) if n else np.empty(0)
        return np.where(rollouts.valid & np.isfinite(costs), costs, np.inf), terms

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
        self, valid: BoolArray, terms: dict[str, Array], predicted: Prediction, goal: Array
    ) -> None:
        """Hold the cost to go against the cheapest rollout, before it counts in any.

        Args:
            valid: which rollouts did not diverge (n,).
            terms: their means over the horizon (n,) by name.
            predicted: where they began.
            goal: of the task (3,).
        """
        assert self._cost_to_go is not None
        costs = np.sum(list(terms.values()), axis=0)
        usable = costs[valid & np.isfinite(costs)]
        if not len(usable):
            return
        observation = self.task.observation(predicted.qpos, predicted.qvel, goal)
        expected = float(self._cost_to_go(observation[None])[0])
        # A mean over a horizon shorter than the window may differ more and be no error.
        unseen = max(0.0, 1.0 - self._horizon / self._cost_to_go.window)
        self.health.judge(expected, float(usable.min()), self._cost_to_go.spread * (1.0 + unseen))

    def _extended(self, terms: dict[str, Array], end: Array) -> dict[str, Array]:
        """Return terms as means over the horizon and the window of the cost to go after it.

        Args:
            terms: means over the horizon (n,) by name.
            end: observations where the rollouts end (n, d).
        """
        assert self._cost_to_go is not None
        window = self._cost_to_go.window * self.health.weight
        total = self._horizon + window
        scaled = {name: value * (self._horizon / total) for name, value in terms.items()}
        return {**scaled, TO_GO: self._cost_to_go(end) * (window / total)}
