"""The search of a cycle: propose, sample around the nominal, roll out, score, update it."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import InputError
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.cycle_report import PlannerReport, fill
from gpc_ros.planning.optimizers.base import Optimizer, elite_count
from gpc_ros.planning.prediction import Prediction
from gpc_ros.planning.rollout import Limit
from gpc_ros.planning.scoring import Scorer
from gpc_ros.proposal.sampler import ProposalSampler


class Search:
    """Sampling rounds around a nominal, which they improve.

    Args:
        walker: whose command limits candidates keep.
        num_rollouts: candidates of a round N, the nominal among them.
        knots: of a candidate K.
        max_opt_iters: rounds of a cycle.
        optimizer: draws candidates and takes in their costs.
        scorer: rolls them out.
        sampler: draws from a proposal, if there is one.

    Attributes:
        nominal: knots (K, 3) that the next round samples around.
        max_opt_iters: rounds of a cycle.
        optimizer: draws candidates and takes in their costs.
        scorer: rolls them out.
    """

    def __init__(
        self,
        walker: Walker,
        num_rollouts: int,
        knots: int,
        max_opt_iters: int,
        optimizer: Optimizer,
        scorer: Scorer,
        sampler: ProposalSampler | None,
    ) -> None:
        """Begin with a nominal that stands."""
        self.max_opt_iters, self.optimizer, self.scorer = max_opt_iters, optimizer, scorer
        self._walker, self._num_rollouts, self._sampler = walker, num_rollouts, sampler
        self._shape = knots, 3
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget everything and restart the random sequences."""
        self._rng = np.random.default_rng(seed)
        self.nominal = np.zeros(self._shape)
        if self._sampler:
            self._sampler.reset(seed)
        self.forget()

    def forget(self) -> None:
        """Search and trust the proposal as at the start, for a new goal; the nominal stays."""
        self.optimizer.reset()
        self.scorer.health.reset()
        if self._sampler:
            self._sampler.forget()

    def state_dict(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the states of the random generator and of the proposal, as plain values."""
        random = dict(self._rng.bit_generator.state)
        if self._sampler is None:
            return random, None
        return random, {**self._sampler.state_dict(), "cost": self.scorer.health.state_dict()}

    def load_state_dict(self, random: dict[str, Any], proposal: dict[str, Any] | None) -> None:
        """Continue from what :meth:`memory` returned.

        Raises:
            InputError: it is no such memory.
        """
        self._rng.bit_generator.state = random
        if self._sampler is None or proposal is None:
            return
        self._sampler.load_state_dict(proposal)
        try:
            self.scorer.health.load_state_dict(proposal["cost"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the proposal's memory cannot be read: {error}") from None

    def run(
        self,
        predicted: Prediction,
        goal: Array,
        deadline: Limit | None,
        report: PlannerReport,
        given: Array | None = None,
    ) -> float:
        """Improve the nominal.

        Args:
            predicted: where rollouts begin.
            goal: of the task (3,).
            deadline: when rollouts are cut; None for never.
            report: is told every figure; its ``hold_reason`` if all rollouts diverged.
            given: knots (m, K, 3) in place of the proposal's, from :meth:`usable`, or None.

        Returns:
            The cost of the best candidate, NaN if none was completed or all diverged.
        """
        cost = float("nan")
        proposals = self._propose(predicted, goal) if given is None else given
        for iteration in range(self.max_opt_iters):
            first = iteration == 0
            knots, proposed = self._candidates(proposals[: None if first else 0])
            costs, terms = self.scorer.score(knots, predicted, goal, deadline, report, iteration)
            n = report.completed = len(costs)
            report.candidates, report.costs = knots[:n], costs
            report.proposed = [i for i in proposed if i < n]
            report.missed |= n < len(knots)
            valid = np.isfinite(costs)
            report.valid = int(valid.sum())
            if not valid.any():
                if n and first:
                    report.hold_reason = "all rollouts diverged"
                break  # an earlier round may have left a good nominal
            self.nominal = self.optimizer.update(self.nominal, knots[:n], costs)
            cost = fill(report, costs, terms, first=first)
            if first and self._sampler and given is None:
                self._sampler.judge(costs, proposed, elite_count(n))
                report.proposal = self.scorer.judged(self._sampler.figures)
        return cost

    def trust(self, predicted: Prediction, goal: Array) -> None:
        """Take one sample of the proposal for the nominal without simulating it."""
        assert self._sampler is not None
        sample = self._sampler.sample(self._observe(predicted, goal), self.nominal, 1)[0]
        self.nominal = np.clip(sample, self._walker.command_low, self._walker.command_high)

    def _observe(self, predicted: Prediction, goal: Array) -> Array:
        """Return what the proposal sees (d,)."""
        return self.scorer.task.observation(predicted.qpos, predicted.qvel, goal)

    def usable(self, proposals: Array) -> Array:
        """Return the finite ones of proposals, (m, K, 3).

        Raises:
            InputError: there are too many, or of a wrong shape.
        """
        most = self._num_rollouts - 1
        found = np.asarray(proposals, np.float64)
        if found.ndim != 3 or found.shape[1:] != self._shape or len(found) > most:
            raise InputError(
                f"proposals: expected at most {most}x{self._shape[0]}x3 (samples less the nominal, "
                f"knots, command), got {'x'.join(map(str, found.shape))}; resample them or raise "
                "samples"
            )
        return found[np.isfinite(found).all(axis=(1, 2))]

    def _propose(self, predicted: Prediction, goal: Array) -> Array:
        """Return what is proposed for this cycle, (m, K, 3)."""
        if self._sampler is None:
            return np.empty((0, *self._shape))
        observation, trust = self._observe(predicted, goal), self.scorer.health.weight
        return self.usable(self._sampler.draw(observation, self.nominal, trust))

    def _candidates(self, proposals: Array) -> tuple[Array, list[int]]:
        """Return candidates (N, K, 3) within the command limits and the indices of proposals.

        Proposals lie evenly among the others, so that too little time costs both alike.
        """
        m, drawn = len(proposals), self._num_rollouts - len(proposals)
        knots = self.optimizer.sample(self.nominal, drawn, self._rng)
        before = 1 + np.arange(m) * drawn // max(m, 1)
        knots = np.insert(knots, before, proposals, axis=0) if m else knots
        clipped: Array = np.clip(knots, self._walker.command_low, self._walker.command_high)
        return clipped, [int(i) for i in before + np.arange(m)]
