"""Samples candidates from a proposal, on the planner's grid of knots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gpc_ros.common import splines
from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.errors import GpcError, InputError, ModelFileError
from gpc_ros.common.paths import share
from gpc_ros.locomotion.walker import Walker
from gpc_ros.proposal.card import card_path, incompatibility
from gpc_ros.proposal.flow_model import Proposal, load_proposal
from gpc_ros.proposal.monitor import HealthConfig, ProposalMonitor
from gpc_ros.tasks.task import Task

# Separates the random sequence of the proposal from that of the Gaussian with the same seed.
_STREAM = 2
SHIPPED, SHIPPED_CONTROL, NONE = "shipped", "shipped gaussian", "none"
_SHIPPED_FILES = {SHIPPED: "{}.json", SHIPPED_CONTROL: "{}_gaussian.json"}


@dataclass(frozen=True)
class ProposalConfig:
    """Parameters of the learned proposal in the planner."""

    FORMER_NAMES: ClassVar[dict[str, str]] = {"share": "fraction"}

    file: str = param(
        SHIPPED, "Card of the proposal (.json), 'shipped' for the task's default if it has one, "
        "'shipped gaussian' for its control, or 'none'",
    )  # fmt: skip
    fraction: float = param(
        0.5, "Fraction of the sampled candidates that it provides", low=0.0, high=1.0
    )
    steps: int = param(4, "Euler steps of the flow", low=1, high=100)
    warm_start: float = param(
        0.0, "Weight a of the shifted previous plan U in the start a U + (1 - a) noise of a sample",
        low=0.0, high=1.0,
    )  # fmt: skip
    cost_to_go: bool = param(
        True, "Add the learned cost-to-go after the horizon to the cost of a rollout"
    )
    required: bool = param(True, "Reject a proposal that cannot be used; if false, plan without it")
    health: HealthConfig = HealthConfig()


def find_proposal(
    config: ProposalConfig, task: Task, walker: Walker
) -> tuple[Proposal | None, str]:
    """Return the proposal that a configuration names, or None with the reason.

    Raises:
        ModelFileError: it cannot be used and is required.
    """
    if config.file in (NONE, "") or (config.fraction == 0.0 and not config.cost_to_go):
        return None, "switched off"
    try:
        if config.file in _SHIPPED_FILES:
            try:
                name = _SHIPPED_FILES[config.file].format(task.name)
                path = share("models", "proposals", name)
            except GpcError:
                return None, f"no proposal is shipped for task {task.name}"
        else:
            path = card_path(Path(config.file))
        proposal = load_proposal(path)
        reason = incompatibility(proposal.card, task, walker)
        if reason:
            raise ModelFileError(
                f"{path}: {reason}; choose another proposal, or 'none' to plan without"
            )
    except ModelFileError as error:
        # The user did not choose the shipped proposal, so that a mismatch is not an error.
        if config.required and config.file != SHIPPED:
            raise
        return None, str(error)
    return proposal, ""


def fingerprint(config: ProposalConfig, task: Task, walker: Walker) -> str:
    """Return the checksum of the weights that a configuration selects; empty without a proposal.

    Results record it, since two files of one name can differ.

    Raises:
        ModelFileError: the proposal cannot be used and is required.
    """
    proposal, _ = find_proposal(config, task, walker)
    return "" if proposal is None else proposal.card.files["safetensors"]["sha256"]


class ProposalSampler:
    """Samples candidates of a planner from a proposal.

    Args:
        proposal: the distribution.
        config: parameters.
        num_rollouts: candidates of a round N, the nominal among them.
        knots: knots of the planner's candidates.
        knot_dt: time between them [s].
        order: order of the planner's spline.
        monitor: decides how many samples to take.

    Attributes:
        spread: standard deviation over the samples of the last cycle with several, mean over knots
            and axes [m/s, rad/s].
    """

    def __init__(
        self,
        proposal: Proposal,
        config: ProposalConfig,
        num_rollouts: int,
        knots: int,
        knot_dt: float,
        order: int,
        monitor: ProposalMonitor,
    ) -> None:
        """Compute the matrices that change between both grids of knots."""
        card = proposal.card
        self._proposal, self._config, self._card = proposal, config, card
        self._monitor = monitor
        most = num_rollouts - 1
        self._most = min(int(config.fraction * most + 0.5), most)
        plan_times = np.arange(float(knots)) * knot_dt
        self._to_plan = splines.basis(plan_times, card.knots, card.knot_dt, card.order)
        card_times = np.arange(float(card.knots)) * card.knot_dt
        self._from_plan = splines.basis(card_times, knots, knot_dt, order)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Restart the random sequence."""
        self._rng = np.random.default_rng([seed, _STREAM])
        self.spread = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return the state that the next samples depend on, as plain values."""
        return {"random": dict(self._rng.bit_generator.state), "spread": self.spread}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from a state of :meth:`state_dict`.

        Raises:
            InputError: the state is malformed.
        """
        try:
            self._rng.bit_generator.state = state["random"]
            self.spread = float(state["spread"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the proposal's memory cannot be read: {error}") from None

    def draw(self, observation: Array, nominal: Array) -> Array:
        """Return candidates (m, K, 3) on the planner's grid, m from the monitor.

        Args:
            observation: of the task (d,).
            nominal: shifted previous plan (K, 3), for a warm start.
        """
        knots = self.sample(observation, nominal, self._monitor.sample_count(self._most))
        if len(knots) > 1:
            self.spread = float(knots.std(axis=0).mean())
        return knots

    def sample(self, observation: Array, nominal: Array, count: int) -> Array:
        """Return this many candidates (count, K, 3)."""
        noise = self._rng.standard_normal((count, self._card.knots, 3))
        if not count:
            return noise[:, :0].reshape(0, len(self._to_plan), 3)
        a = self._config.warm_start
        if a:
            noise = a * self._proposal.normalise(self._from_plan @ nominal) + (1.0 - a) * noise
        found = self._proposal.sample(observation, noise, self._config.steps)
        plans: Array = self._to_plan @ found
        return plans
