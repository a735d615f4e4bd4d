"""Parameters of the planner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gpc_ros.common.config import param
from gpc_ros.proposal.sampler import ProposalConfig


@dataclass(frozen=True)
class PlannerConfig:
    """Parameters of the planner."""

    FORMER_NAMES: ClassVar[dict[str, str]] = {
        "samples": "num_rollouts",
        "iterations": "max_opt_iters",
        "lifetime": "plan_timeout",
    }
    FORMER_INVERTED: ClassVar[dict[str, str]] = {"scored": "policy_only"}

    num_rollouts: int = param(16, "Candidates rolled out in one cycle", low=1, high=1024, live=True)
    horizon: float = param(2.0, "Length of a rollout", unit="s", low=0.1, high=10.0, live=True)
    knots: int = param(4, "Spline knots of a candidate", low=1, high=50)
    spline: str = param("linear", "Curve through the knots", choices=("zero", "linear", "cubic"))
    optimizer: str = param(
        "cem", "Search method", choices=("cem", "mppi", "predictive_sampling"), live=True
    )
    max_opt_iters: int = param(1, "Sampling rounds in one cycle", low=1, high=20, live=True)
    plan_timeout: float = param(
        0.3, "Age at which a plan expires unless it is replaced", unit="s", low=0.02, high=5.0
    )
    max_prediction: float = param(
        0.2, "Longest delay over which the state is predicted", unit="s", low=0.0, high=1.0
    )
    threads: int = param(1, "Simulation threads", low=1, high=64)
    policy_only: bool = param(
        False, "Execute one sample of the proposal, without simulating candidates"
    )
    seed: int = param(0, "Seed of the sampling", low=0)
    proposal: ProposalConfig = ProposalConfig()
