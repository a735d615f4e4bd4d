"""The monitor of a proposal: how useful its samples and how accurate its cost-to-go are.

A proposed candidate is useful when it is among the best more often than its number explains. With
m proposed of n candidates, and a fraction s of the elites proposed,

    W <- a W + (1 - a) s,   E <- a E + (1 - a) m / n,   usefulness = W / E

A usefulness of one equals the Gaussian around the previous plan. Below ``usefulness_full`` fewer
samples are taken, at ``usefulness_min`` only one every ``probe_period`` cycles, which detects that
the proposal helps again.

The cost-to-go V is compared with rollouts before it enters a cost: V(x_0) with the best rollout
from the state x_0, and V(x_{H/2}) with the second half of the rollout that V prefers, which shows
an error where V leads and not only where the robot is. With e the larger of both errors relative to
the spread of the costs in training, after k cycles

    recent <- recent + (e - recent) / min(k, value_error_window)
    error  <- max(recent, error + (recent - error) / value_error_decay)

A constant V equal to the mean cost has an error of one. The weight of V falls from
``value_error_soft`` on and is zero from ``value_error_max`` on. The error estimate rises at once
and decays slowly, so that a wrong value function is not re-admitted in a loop: it leads the robot
to where it is most wrong, and without it the robot returns to where it looks right. The samples of
the flow are reduced by the same weight, without probes at zero: it was trained on the same data,
and the flow of another task finds plans that look cheap over the horizon and lead nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.errors import InputError

# Parameters without effect when the cost-to-go is off.
VALUE_PARAMETERS = (
    "value_error_soft",
    "value_error_max",
    "value_error_window",
    "value_error_decay",
)


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
class ProposalMetrics:
    """Metrics of the proposal after one cycle.

    Attributes:
        drawn: number of candidates sampled from it.
        won: whether one of them was the best of its round.
        win_rate: how often one was, averaged over ``memory`` cycles.
        agreement: fraction of the elites that came from it, averaged likewise.
        usefulness: that fraction relative to its fraction of the candidates.
        weight: part of the configured fraction that is sampled now, 0 to 1.
        spread: standard deviation over the samples of one observation, mean over knots and axes
            [m/s, rad/s].
        cost_error: error of the cost-to-go, relative to the spread of costs; decays slowly.
        cost_weight: weight of the cost-to-go, 0 to 1.
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


class UsefulnessMonitor:
    """Estimates the usefulness of proposed candidates; see the module."""

    def __init__(self, config: HealthConfig) -> None:
        """Start with a useful proposal."""
        self._config = config
        self.reset()

    def reset(self) -> None:
        """Return to the initial estimate."""
        self._elites = self._expected = self._wins = 0.0
        self._seen = 0.0  # total weight of the cycles so far; below one while there are few
        self._idle = 0

    @property
    def usefulness(self) -> float:
        """Usefulness; the first cycles are averaged with a neutral prior."""
        prior = 1.0 - self._seen
        share = self._expected / self._seen if self._seen else 1.0
        return (self._elites + prior * share) / max(self._expected + prior * share, 1e-9)

    @property
    def weight(self) -> float:
        """Part of the configured fraction to sample, 0 to 1."""
        c = self._config
        if not c.fade:
            return 1.0
        ramp = self.usefulness - c.usefulness_min
        ramp /= max(c.usefulness_full - c.usefulness_min, 1e-9)
        return float(np.clip(ramp, 0.0, 1.0))

    def state_dict(self) -> list[float]:
        """Return the state that the next cycle depends on."""
        return [self._elites, self._expected, self._wins, self._seen, float(self._idle)]

    def load_state_dict(self, state: Sequence[float]) -> None:
        """Resume from a state of :meth:`state_dict`.

        Raises:
            ValueError: the state has another length.
        """
        self._elites, self._expected, self._wins, self._seen, idle = (float(v) for v in state)
        self._idle = int(idle)

    def count(self, most: int, value_weight: float = 1.0) -> int:
        """Return how many samples to take, and count a cycle without any.

        Args:
            most: number of samples of a useful proposal.
            value_weight: weight of the cost-to-go, 0 to 1; at zero probes are omitted too.
        """
        if value_weight <= 0.0:
            return 0
        wanted = int(np.ceil(self.weight * value_weight * most - 1e-9))
        if wanted or not most:
            self._idle = 0
            return wanted
        self._idle += 1
        if self._idle < self._config.probe_period:
            return 0
        self._idle = 0
        return 1

    def update(
        self, costs: Array, proposed: Sequence[int], elites: int, spread: float
    ) -> ProposalMetrics:
        """Add the result of one sampling round.

        Args:
            costs: of all candidates (n,), infinite where a rollout diverged.
            proposed: indices of the candidates from the proposal.
            elites: number of best candidates that count as elites.
            spread: see :class:`ProposalMetrics`.
        """
        c, n = self._config, len(costs)
        completed = [i for i in proposed if i < n]
        won = False
        if completed and n:
            order = np.argsort(costs, kind="stable")
            best = order[: min(elites, int(np.isfinite(costs).sum()))]
            won = bool(len(best)) and int(best[0]) in completed
            share = float(np.isin(best, completed).mean()) if len(best) else 0.0
            keep = 1.0 - 1.0 / c.memory
            self._elites = keep * self._elites + (1.0 - keep) * share
            self._expected = keep * self._expected + (1.0 - keep) * len(completed) / n
            self._wins = keep * self._wins + (1.0 - keep) * won
            self._seen = keep * self._seen + (1.0 - keep)
        seen = max(self._seen, 1e-9)
        return ProposalMetrics(
            drawn=len(completed),
            won=won,
            win_rate=self._wins / seen,
            agreement=self._elites / seen,
            usefulness=self.usefulness,
            weight=self.weight,
            spread=spread,
        )


class ValueErrorMonitor:
    """Estimates the error of the cost-to-go; see the module.

    Attributes:
        error: relative to the spread of costs; rises at once, decays slowly.
    """

    def __init__(self, config: HealthConfig) -> None:
        """Start without error."""
        self._config = config
        self.reset()

    def reset(self) -> None:
        """Return to the initial estimate."""
        self.error = self._recent = 0.0
        self._cycles = 0.0

    @property
    def weight(self) -> float:
        """Weight of the cost-to-go, 0 to 1."""
        c = self._config
        if not c.fade:
            return 1.0
        ramp = c.value_error_max - self.error
        ramp /= max(c.value_error_max - c.value_error_soft, 1e-9)
        return float(np.clip(ramp, 0.0, 1.0))

    def state_dict(self) -> list[float]:
        """Return the state that the next cycle depends on."""
        return [self.error, self._recent, self._cycles]

    def load_state_dict(self, state: Sequence[float]) -> None:
        """Resume from a state of :meth:`state_dict`.

        Raises:
            ValueError: the state has another length.
        """
        self.error, self._recent, self._cycles = (float(v) for v in state)

    def update(self, error: float) -> None:
        """Add the error of one cycle, relative to the spread of costs; NaN counts as large."""
        c = self._config
        # Clipped: one rollout that ends in a fall must not dominate for minutes.
        error = min(error, 10.0) if np.isfinite(error) else 10.0
        self._cycles = min(self._cycles + 1.0, c.value_error_window)
        self._recent += (error - self._recent) / self._cycles
        decayed = self.error + (self._recent - self.error) / c.value_error_decay
        self.error = max(self._recent, decayed)


class ProposalMonitor:
    """Owns both estimates for the proposal of one planner.

    Args:
        config: parameters.
        has_value: whether the cost-to-go is used.

    Attributes:
        metrics: of the last cycle.
    """

    def __init__(self, config: HealthConfig, *, has_value: bool) -> None:
        """Start with a useful, accurate proposal."""
        self._has_value = has_value
        self._usefulness = UsefulnessMonitor(config)
        self._value_error = ValueErrorMonitor(config)
        self.metrics = ProposalMetrics()

    def reset(self) -> None:
        """Return to the initial estimates, as for a new goal."""
        self._usefulness.reset()
        self._value_error.reset()
        self.metrics = ProposalMetrics()

    @property
    def value_weight(self) -> float:
        """Weight of the cost-to-go, 0 to 1."""
        return self._value_error.weight

    def sample_count(self, most: int) -> int:
        """Return how many samples to take in this cycle, at most the given number."""
        return self._usefulness.count(most, self.value_weight)

    def update_value_error(self, error: float) -> None:
        """Add the error of the cost-to-go in this cycle, relative to the spread of costs."""
        self._value_error.update(error)

    def update(self, costs: Array, proposed: Sequence[int], elites: int, spread: float) -> None:
        """Add the first sampling round of a cycle; see :meth:`UsefulnessMonitor.update`."""
        metrics = self._usefulness.update(costs, proposed, elites, spread)
        if self._has_value:
            weight = self.value_weight
            metrics = replace(
                metrics,
                weight=metrics.weight * weight,
                cost_error=self._value_error.error,
                cost_weight=weight,
            )
        self.metrics = metrics

    def state_dict(self) -> dict[str, Any]:
        """Return the state that the next cycle depends on, as plain values."""
        return {"health": self._usefulness.state_dict(), "cost": self._value_error.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from a state of :meth:`state_dict`.

        Raises:
            InputError: the state is malformed.
        """
        try:
            self._usefulness.load_state_dict(state["health"])
            self._value_error.load_state_dict(state["cost"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the proposal's memory cannot be read: {error}") from None
