"""The health of a proposal, cycle by cycle: does it help, and how much of it should be drawn?

A proposed candidate helps when it is among the best more often than its number alone would
explain. With m proposed of n candidates, and a share s of the elites proposed,

    W <- a W + (1 - a) s,   E <- a E + (1 - a) m / n,   usefulness = W / E

One is as good as the Gaussian around the previous plan. Below ``least`` the drawn share falls
towards none; then one sample now and then is enough to see it come back.

The cost to go V is held against what rollouts cost, before it counts in any of them: V(x_0)
against the best one from the state x_0, and V(x_{H/2}) against the second half of the one that V
prefers, so that it is found out where it leads to and not only when the robot is there. With e the
larger of both errors relative to the spread of the costs that V was trained on, after k cycles

    recent <- recent + (e - recent) / min(k, m)
    error  <- max(recent, error + (recent - error) / forgiving)

One is as bad as always saying the mean. From ``doubt`` on the cost to go counts less, from
``refuse`` on not at all. Distrust is quick and trust slow: a wrong one leads the robot to where it
is most wrong, and without it the robot goes back to where it looks right. The flow is drawn less by
the same part, however useful it seems, and at last not at all: it was trained on the same data, and
another task's flow finds plans that look cheap over the horizon and lead nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param

# Parameters that say nothing without a cost to go.
COST_PARAMETERS = ("value_error_soft", "value_error_max", "value_error_window", "value_error_decay")


@dataclass(frozen=True)
class HealthConfig:
    """Parameters of the monitor that fades out a proposal."""

    FORMER_NAMES: ClassVar[dict[str, str]] = {
        "least": "usefulness_min",
        "enough": "usefulness_full",
        "probe": "probe_period",
        "doubt": "value_error_soft",
        "refuse": "value_error_max",
        "cost_memory": "value_error_window",
        "forgiving": "value_error_decay",
    }

    fade: bool = param(True, "Sample less from a proposal that does not help")
    memory: float = param(6.0, "Averaging time of the usefulness [cycles]", low=1.0, high=1000.0)
    usefulness_min: float = param(0.2, "Usefulness at which nothing is sampled", low=0.0, high=10.0)
    usefulness_full: float = param(
        0.5, "Usefulness from which the whole fraction is sampled", low=0.0, high=10.0
    )
    probe_period: int = param(
        4, "Cycles between two single samples while faded out", low=1, high=1000
    )
    value_error_soft: float = param(
        0.55, "Cost-to-go error, relative to the spread of costs, from which its weight falls",
        low=0.0, high=100.0,
    )  # fmt: skip
    value_error_max: float = param(
        0.75, "Cost-to-go error from which its weight is zero", low=0.0, high=100.0
    )
    value_error_window: float = param(
        10.0, "Averaging time of the cost-to-go error [cycles]", low=1.0, high=1000.0
    )
    value_error_decay: float = param(
        300.0, "Decay time of the cost-to-go error [cycles]", low=1.0, high=100_000.0
    )


@dataclass(frozen=True)
class ProposalFigures:
    """What one cycle says of its proposal.

    Attributes:
        drawn: candidates that came from it.
        won: whether one of them was the best of its round.
        win_rate: how often one was, over the memory.
        agreement: share of the elites that came from it, over the memory.
        usefulness: that share relative to its share of the candidates.
        weight: part of the configured share that is drawn now, 0 to 1.
        spread: standard deviation over the samples of one observation, mean over knots and axes
            [m/s, rad/s].
        cost_error: of the cost to go, relative to the spread of costs; falls slowly.
        cost_weight: part of the cost to go that counts, 0 to 1.
    """

    drawn: int = 0
    won: bool = False
    win_rate: float = 0.0
    agreement: float = 0.0
    usefulness: float = 1.0
    weight: float = 0.0
    spread: float = 0.0
    cost_error: float = 0.0
    cost_weight: float = 0.0


class Health:
    """Follows the usefulness of a proposal; see the module."""

    def __init__(self, config: HealthConfig) -> None:
        """Start trusting."""
        self._config = config
        self.reset()

    def reset(self) -> None:
        """Trust again, as with a new goal."""
        self._elites = self._expected = self._wins = 0.0
        self._seen = 0.0  # weight of all cycles so far, below one while there are few
        self._idle = 0

    @property
    def usefulness(self) -> float:
        """See :class:`ProposalFigures`; a few cycles at the start count as neutral."""
        prior = 1.0 - self._seen
        share = self._expected / self._seen if self._seen else 1.0
        return (self._elites + prior * share) / max(self._expected + prior * share, 1e-9)

    @property
    def weight(self) -> float:
        """Part of the share that should be drawn, 0 to 1."""
        c = self._config
        if not c.fade:
            return 1.0
        ramp = (self.usefulness - c.usefulness_min) / max(
            c.usefulness_full - c.usefulness_min, 1e-9
        )
        return float(np.clip(ramp, 0.0, 1.0))

    def state_dict(self) -> list[float]:
        """Return what the next cycle depends on."""
        return [self._elites, self._expected, self._wins, self._seen, float(self._idle)]

    def load_state_dict(self, memory: Sequence[float]) -> None:
        """Continue from what :meth:`memory` returned.

        Raises:
            ValueError: it has another length.
        """
        self._elites, self._expected, self._wins, self._seen, idle = (float(v) for v in memory)
        self._idle = int(idle)

    def count(self, most: int, trust: float = 1.0) -> int:
        """Return how many samples to draw of at most this many, and count a cycle without.

        Args:
            most: the configured share.
            trust: part of it that other evidence leaves, 0 to 1; at none there is no probe either.
        """
        if trust <= 0.0:
            return 0
        wanted = int(np.ceil(self.weight * trust * most - 1e-9))
        if wanted or not most:
            self._idle = 0
            return wanted
        self._idle += 1
        if self._idle < self._config.probe_period:
            return 0
        self._idle = 0
        return 1

    def judge(
        self, costs: Array, proposed: list[int], elites: int, spread: float
    ) -> ProposalFigures:
        """Take in one round.

        Args:
            costs: of all candidates (n,), infinite where one diverged.
            proposed: indices of those that came from the proposal.
            elites: how many of the best are looked at.
            spread: see :class:`ProposalFigures`.
        """
        c, n = self._config, len(costs)
        there = [i for i in proposed if i < n]
        won = False
        if there and n:
            order = np.argsort(costs, kind="stable")
            best = order[: min(elites, int(np.isfinite(costs).sum()))]
            won = bool(len(best)) and int(best[0]) in there
            share = float(np.isin(best, there).mean()) if len(best) else 0.0
            keep = 1.0 - 1.0 / c.memory
            self._elites = keep * self._elites + (1.0 - keep) * share
            self._expected = keep * self._expected + (1.0 - keep) * len(there) / n
            self._wins = keep * self._wins + (1.0 - keep) * won
            self._seen = keep * self._seen + (1.0 - keep)
        seen = max(self._seen, 1e-9)
        return ProposalFigures(
            drawn=len(there),
            won=won,
            win_rate=self._wins / seen,
            agreement=self._elites / seen,
            usefulness=self.usefulness,
            weight=self.weight,
            spread=spread,
        )


class CostHealth:
    """Follows the error of the cost to go; see the module.

    Attributes:
        error: relative to the spread of costs; rises quickly, falls slowly.
    """

    def __init__(self, config: HealthConfig) -> None:
        """Start trusting."""
        self._config = config
        self.reset()

    def reset(self) -> None:
        """Trust again, as with a new goal."""
        self.error = self._recent = 0.0
        self._cycles = 0.0

    @property
    def weight(self) -> float:
        """Part of the cost to go that counts, 0 to 1."""
        c = self._config
        if not c.fade:
            return 1.0
        ramp = (c.value_error_max - self.error) / max(c.value_error_max - c.value_error_soft, 1e-9)
        return float(np.clip(ramp, 0.0, 1.0))

    def state_dict(self) -> list[float]:
        """Return what the next cycle depends on."""
        return [self.error, self._recent, self._cycles]

    def load_state_dict(self, memory: Sequence[float]) -> None:
        """Continue from what :meth:`memory` returned.

        Raises:
            ValueError: it has another length.
        """
        self.error, self._recent, self._cycles = (float(v) for v in memory)

    def judge(self, error: float) -> None:
        """Take in one cycle's error, relative to the spread of costs."""
        c = self._config
        # A rollout that ends in a fall says little; a wild expectation must not be for ever.
        error = min(error, 10.0) if np.isfinite(error) else 10.0
        self._cycles = min(self._cycles + 1.0, c.value_error_window)
        self._recent += (error - self._recent) / self._cycles
        self.error = max(
            self._recent, self.error + (self._recent - self.error) / c.value_error_decay
        )
