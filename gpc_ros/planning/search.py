"""The search of a cycle: propose, sample around the nominal, roll out, score, update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import InputError
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.optimizers.base import Optimizer, elite_count, softmin_weights
from gpc_ros.planning.prediction import Prediction
from gpc_ros.planning.rollout import Limit
from gpc_ros.planning.scoring import Scorer
from gpc_ros.proposal.monitor import ProposalMetrics, ProposalMonitor
from gpc_ros.proposal.sampler import ProposalSampler


@dataclass(frozen=True)
class SearchResult:
    """Result of the sampling rounds of one cycle.

    Attributes:
        cost: of the best candidate; None without a valid candidate.
        reason: why the cost is None; empty if the deadline left no candidate.
        nominal_cost: of the nominal in the first round.
        mean_cost: over the valid candidates of the last round with any.
        effective_sample_size: see :class:`gpc_ros.planning.cycle_report.PlannerReport`.
        terms: cost terms of the best candidate by name.
        candidates: completed candidates of the last round (n, K, 3).
        costs: of these candidates (n,), infinite where a rollout diverged.
        proposed: indices of the proposed candidates.
        dropped: whether the deadline dropped candidates.
        deadline_drops: each as round, control interval and remaining number.
        rollout_time: of all rounds [s].
        proposal: metrics of the proposal.
    """

    cost: float | None = None
    reason: str = ""
    nominal_cost: float = float("nan")
    mean_cost: float = float("nan")
    effective_sample_size: float = 0.0
    terms: Mapping[str, float] = field(default_factory=dict)
    candidates: Array = field(default_factory=lambda: np.zeros((0, 0, 3)))
    costs: Array = field(default_factory=lambda: np.zeros(0))
    proposed: tuple[int, ...] = ()
    dropped: bool = False
    deadline_drops: tuple[tuple[int, int, int], ...] = ()
    rollout_time: float = 0.0
    proposal: ProposalMetrics = field(default_factory=ProposalMetrics)


class Search:
    """Sampling rounds that improve a nominal.

    Args:
        walker: gives the command limits.
        num_rollouts: candidates of a round N, the nominal among them.
        knots: knots of a candidate K.
        max_opt_iters: rounds of a cycle.
        optimizer: the search distribution.
        scorer: rolls candidates out.
        sampler: samples from the proposal; None without one.
        monitor: of the proposal; None without one.

    Attributes:
        nominal: knots (K, 3) that the next round samples around.
        max_opt_iters: rounds of a cycle.
        optimizer: the search distribution.
        scorer: rolls candidates out.
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
        monitor: ProposalMonitor | None,
    ) -> None:
        """Start with a nominal of zero commands."""
        self.max_opt_iters, self.optimizer, self.scorer = max_opt_iters, optimizer, scorer
        self._walker, self._num_rollouts = walker, num_rollouts
        self._sampler, self._monitor = sampler, monitor
        self._shape = knots, 3
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Return to the initial state and restart the random sequences."""
        self._rng = np.random.default_rng(seed)
        self.nominal = np.zeros(self._shape)
        if self._sampler:
            self._sampler.reset(seed)
        self.reset_distribution()

    def reset_distribution(self) -> None:
        """Reset optimizer and monitor for a new goal; the nominal stays."""
        self.optimizer.reset()
        if self._monitor:
            self._monitor.reset()

    def state_dict(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the states of the random generator and of the proposal, as plain values."""
        random = dict(self._rng.bit_generator.state)
        if self._sampler is None or self._monitor is None:
            return random, None
        return random, {**self._sampler.state_dict(), **self._monitor.state_dict()}

    def load_state_dict(self, random: dict[str, Any], proposal: dict[str, Any] | None) -> None:
        """Resume from a state of :meth:`state_dict`.

        Raises:
            InputError: the state is malformed.
        """
        self._rng.bit_generator.state = random
        if self._sampler is None or self._monitor is None or proposal is None:
            return
        self._sampler.load_state_dict(proposal)
        self._monitor.load_state_dict(proposal)

    def run(
        self,
        predicted: Prediction,
        goal: Array,
        deadline: Limit | None,
        given: Array | None = None,
    ) -> SearchResult:
        """Improve the nominal in up to ``max_opt_iters`` rounds.

        Args:
            predicted: start of the rollouts.
            goal: of the task (3,).
            deadline: drops candidates that would finish late; None for no deadline.
            given: knots (m, K, 3) from :meth:`usable` that replace the proposal's; None keeps
                these.
        """
        result = SearchResult()
        proposals = self._propose(predicted, goal) if given is None else given
        for iteration in range(self.max_opt_iters):
            first = iteration == 0
            knots, proposed = self._candidates(proposals[: None if first else 0])
            scores = self.scorer.score(knots, predicted, goal, deadline, first=first)
            costs, n = scores.costs, len(scores.costs)
            result = replace(
                result,
                candidates=knots[:n],
                costs=costs,
                proposed=tuple(i for i in proposed if i < n),
                dropped=result.dropped or n < len(knots),
                deadline_drops=(
                    *result.deadline_drops,
                    *((iteration, interval, kept) for interval, kept in scores.drops),
                ),
                rollout_time=result.rollout_time + scores.rollout_time,
            )
            if not np.isfinite(costs).any():
                # An earlier round may have left a good nominal.
                reason = "all rollouts diverged" if n and first else result.reason
                return replace(result, reason=reason)
            self.nominal = self.optimizer.update(self.nominal, knots[:n], costs)
            result = replace(result, **_metrics(costs, scores.terms))
            if first:
                result = replace(result, nominal_cost=float(costs[0]))
            if first and self._sampler and self._monitor and given is None:
                self._monitor.update(costs, proposed, elite_count(n), self._sampler.spread)
                result = replace(result, proposal=self._monitor.metrics)
        return result

    def sample_policy(self, predicted: Prediction, goal: Array) -> None:
        """Replace the nominal by one sample of the proposal, without a rollout."""
        assert self._sampler is not None
        sample = self._sampler.sample(self._observe(predicted, goal), self.nominal, 1)[0]
        self.nominal = np.clip(sample, self._walker.command_low, self._walker.command_high)

    def _observe(self, predicted: Prediction, goal: Array) -> Array:
        """Return the observation of the proposal (d,)."""
        return self.scorer.task.observation(predicted.qpos, predicted.qvel, goal)

    def usable(self, proposals: Array) -> Array:
        """Return the finite proposals, (m, K, 3).

        Raises:
            InputError: too many proposals, or a wrong shape.
        """
        most = self._num_rollouts - 1
        found = np.asarray(proposals, np.float64)
        if found.ndim != 3 or found.shape[1:] != self._shape or len(found) > most:
            raise InputError(
                f"proposals: expected at most {most}x{self._shape[0]}x3 (num_rollouts less the "
                f"nominal, knots, command), got {'x'.join(map(str, found.shape))}; resample them "
                "or raise num_rollouts"
            )
        return found[np.isfinite(found).all(axis=(1, 2))]

    def _propose(self, predicted: Prediction, goal: Array) -> Array:
        """Return the proposal's candidates of this cycle, (m, K, 3)."""
        if self._sampler is None:
            return np.empty((0, *self._shape))
        return self.usable(self._sampler.draw(self._observe(predicted, goal), self.nominal))

    def _candidates(self, proposals: Array) -> tuple[Array, list[int]]:
        """Return candidates (N, K, 3) within the command limits and the indices of proposals.

        Proposals are spread evenly among the others, so that a deadline drops both alike.
        """
        m, drawn = len(proposals), self._num_rollouts - len(proposals)
        knots = self.optimizer.sample(self.nominal, drawn, self._rng)
        before = 1 + np.arange(m) * drawn // max(m, 1)
        knots = np.insert(knots, before, proposals, axis=0) if m else knots
        clipped: Array = np.clip(knots, self._walker.command_low, self._walker.command_high)
        return clipped, [int(i) for i in before + np.arange(m)]


def _metrics(costs: Array, terms: Mapping[str, Array]) -> dict[str, Any]:
    """Return the fields of a result that follow from costs (n,) with a finite one."""
    best = int(np.argmin(costs))
    valid = costs[np.isfinite(costs)]
    weights = softmin_weights(valid, float(valid.std()))
    return {
        "cost": float(costs[best]),
        "mean_cost": float(valid.mean()),
        "effective_sample_size": float(1.0 / np.square(weights).sum()),
        "terms": {name: float(values[best]) for name, values in terms.items()},
    }
