"""Every timing and health figure of one planning cycle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.planning.optimizers.base import softmin_weights
from gpc_ros.proposal.health import ProposalFigures


@dataclass
class PlannerReport:
    """Every figure of one cycle.

    Attributes:
        hold_reason: why there is no plan; empty when there is one.
        num_rollouts: candidates asked for.
        completed: candidates simulated to the end.
        valid: completed candidates that did not diverge.
        missed: whether the deadline cost candidates or was passed.
        proposed: indices among ``candidates`` of those that were proposed.
        proposal: health of the proposal.
        plan_time: of the whole cycle [s].
        rollout_time: of the simulations in it [s].
        state_age: of the state when the cycle began [s].
        predicted_delay: how far the state was predicted forward [s].
        best_cost: of the best candidate.
        nominal_cost: of the shifted previous plan.
        mean_cost: over the valid candidates.
        effective_sample_size: 1 / sum of squared softmin weights (temperature: the costs' spread).
        sigma: standard deviation of vx, vy, yaw rate, mean over the knots (3,).
        terms: cost terms of the best candidate by name.
        distance: of the goal [m].
        yaw_error: [rad].
        inside: whether the goal's tolerance is met.
        dwell: for how long [s].
        reached: whether it was met for the task's dwell time.
        start_qpos: state that the rollouts of this cycle began in (nq,).
        start_qvel: (nv,).
        start_walker: of the walker there (S,).
        candidates: completed candidates of the last round (n, K, 3).
        costs: theirs (n,), infinite where the rollout diverged.
        cuts: what the deadline cost, each as round, control interval and candidates that went on.
    """

    hold_reason: str = ""
    num_rollouts: int = 0
    completed: int = 0
    valid: int = 0
    missed: bool = False
    proposed: list[int] = field(default_factory=list)
    proposal: ProposalFigures = field(default_factory=ProposalFigures)
    plan_time: float = 0.0
    rollout_time: float = 0.0
    state_age: float = 0.0
    predicted_delay: float = 0.0
    best_cost: float = float("nan")
    nominal_cost: float = float("nan")
    mean_cost: float = float("nan")
    effective_sample_size: float = 0.0
    sigma: Array = field(default_factory=lambda: np.zeros(3))
    terms: dict[str, float] = field(default_factory=dict)
    distance: float = float("nan")
    yaw_error: float = float("nan")
    inside: bool = False
    dwell: float = 0.0
    reached: bool = False
    start_qpos: Array = field(default_factory=lambda: np.zeros(0))
    start_qvel: Array = field(default_factory=lambda: np.zeros(0))
    start_walker: Array = field(default_factory=lambda: np.zeros(0))
    candidates: Array = field(default_factory=lambda: np.zeros((0, 0, 3)))
    costs: Array = field(default_factory=lambda: np.zeros(0))
    cuts: list[tuple[int, int, int]] = field(default_factory=list)


def fill(report: PlannerReport, costs: Array, terms: dict[str, Array], *, first: bool) -> float:
    """Write the figures of one round of costs (n,) into the report; return the best cost."""
    best = int(np.argmin(costs))
    valid = costs[np.isfinite(costs)]
    if first:
        report.nominal_cost = float(costs[0])
    report.best_cost = float(costs[best])
    report.mean_cost = float(valid.mean())
    weights = softmin_weights(valid, float(valid.std()))
    report.effective_sample_size = float(1.0 / np.square(weights).sum())
    report.terms = {name: float(values[best]) for name, values in terms.items()}
    return report.best_cost
