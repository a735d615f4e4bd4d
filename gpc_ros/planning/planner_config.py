"""Parameters of the planner."""

from __future__ import annotations

from dataclasses import dataclass

from gpc_ros.common.config import param
from gpc_ros.proposal.sampler import ProposalConfig


@dataclass(frozen=True)
class PlannerConfig:
    """Parameters of the planner."""

    samples: int = param(16, "Candidates rolled out in one cycle", low=1, high=1024, live=True)
    horizon: float = param(2.0, "Length of a rollout", unit="s", low=0.1, high=10.0, live=True)
    knots: int = param(4, "Spline knots of a candidate", low=1, high=50)
    spline: str = param("linear", "Curve through the knots", choices=("zero", "linear", "cubic"))
    optimizer: str = param(
        "cem", "Search method", choices=("cem", "mppi", "predictive_sampling"), live=True
    )
    iterations: int = param(1, "Sampling rounds in one cycle", low=1, high=20, live=True)
    lifetime: float = param(
        0.3, "Time after which a plan that was not replaced expires", unit="s", low=0.02, high=5.0
    )
    max_prediction: float = param(
        0.2, "Longest delay that the state is predicted over", unit="s", low=0.0, high=1.0
    )
    threads: int = param(1, "Simulation threads", low=1, high=64)
    scored: bool = param(
        True, "Whether candidates are simulated; if not, one sample of the proposal is executed"
    )
    seed: int = param(0, "Seed of the sampling", low=0)
    proposal: ProposalConfig = ProposalConfig()
