"""The report of one planning cycle: result, timing, and metrics of search and proposal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.proposal.monitor import ProposalMetrics


@dataclass(frozen=True)
class PlannerReport:
    """Metrics of one planning cycle.

    Attributes:
        hold_reason: reason for publishing no plan; empty with a plan.
        num_rollouts: candidates requested.
        completed: candidates simulated to the end.
        valid: completed candidates that did not diverge.
        missed: whether the deadline dropped candidates or was exceeded.
        proposed: indices of the proposed candidates in ``candidates``.
        proposal: metrics of the proposal.
        plan_time: of the whole cycle [s].
        rollout_time: of the simulations in it [s].
        state_age: of the state at the start of the cycle [s].
        predicted_delay: time over which the state was predicted [s].
        best_cost: of the best candidate; NaN without one.
        nominal_cost: of the shifted previous plan.
        mean_cost: over the valid candidates.
        effective_sample_size: 1 / sum of squared softmin weights (temperature: the costs' spread).
        sigma: standard deviation of vx, vy, yaw rate, mean over the knots (3,).
        terms: cost terms of the best candidate by name.
        distance: to the goal [m].
        yaw_error: to the goal [rad].
        inside: whether the goal's tolerance is met.
        dwell: time inside the tolerance so far [s].
        reached: whether the tolerance was met for the task's dwell time.
        start_qpos: state at the start of the rollouts (nq,).
        start_qvel: its velocities (nv,).
        start_walker: state of the walker there (S,).
        candidates: completed candidates of the last round (n, K, 3).
        costs: of these candidates (n,), infinite where a rollout diverged.
        deadline_drops: drops of candidates, each as round, control interval and remaining number.
    """

    hold_reason: str = ""
    num_rollouts: int = 0
    completed: int = 0
    valid: int = 0
    missed: bool = False
    proposed: tuple[int, ...] = ()
    proposal: ProposalMetrics = field(default_factory=ProposalMetrics)
    plan_time: float = 0.0
    rollout_time: float = 0.0
    state_age: float = 0.0
    predicted_delay: float = 0.0
    best_cost: float = float("nan")
    nominal_cost: float = float("nan")
    mean_cost: float = float("nan")
    effective_sample_size: float = 0.0
    sigma: Array = field(default_factory=lambda: np.zeros(3))
    terms: Mapping[str, float] = field(default_factory=dict)
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
    deadline_drops: tuple[tuple[int, int, int], ...] = ()
