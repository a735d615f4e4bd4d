"""Draws from a proposal what the planner's cycle needs: the right number, on the right grid."""

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
from gpc_ros.proposal.health import Health, HealthConfig, ProposalFigures
from gpc_ros.tasks.task import Task

# The proposal's draws must not repeat those of the Gaussian with the same seed.
_STREAM = 2
SHIPPED, SHIPPED_CONTROL, NONE = "shipped", "shipped gaussian", "none"
_SHIPPED_FILES = {SHIPPED: "{}.json", SHIPPED_CONTROL: "{}_gaussian.json"}


@dataclass(frozen=True)
class ProposalConfig:
    """Parameters of the learned proposal in the planner."""

    FORMER_NAMES: ClassVar[dict[str, str]] = {"share": "fraction"}

    file: str = param(
        SHIPPED, "Card of the proposal (.json), 'shipped' for the task's own if there is one, "
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
    """Return the proposal that a configuration names, and why there is none.

    Raises:
        ModelFileError: it cannot be used and is required; the message says why.
    """
    if config.file in (NONE, "") or (config.fraction == 0.0 and not config.cost_to_go):
        return None, "switched off"
    try:
        if config.file in _SHIPPED_FILES:
            try:
                name = _SHIPPED_FILES[config.file].format(task.name)
                path = share("models", "proposals", name)
            except GpcError:
                return None, f"none is shipped for task {task.name}"
        else:
            path = card_path(Path(config.file))
        proposal = load_proposal(path)
        reason = incompatibility(proposal.card, task, walker)
        if reason:
            raise ModelFileError(
                f"{path}: {reason}; choose another proposal, or 'none' to plan without"
            )
    except ModelFileError as error:
        # A shipped one for another walker is no mistake of the user's.
        if config.required and config.file != SHIPPED:
            raise
        return None, str(error)
    return proposal, ""


def fingerprint(config: ProposalConfig, task: Task, walker: Walker) -> str:
    """Return the checksum of the weights that a configuration leads to; empty for none.

    Two files of one name can differ; results must say which it was.

    Raises:
        ModelFileError: the proposal cannot be used and is required.
    """
    proposal, _ = find_proposal(config, task, walker)
    return "" if proposal is None else proposal.card.files["safetensors"]["sha256"]


class ProposalSampler:
    """A proposal as the planner uses it.

    Args:
        proposal: to draw from.
        config: how.
        num_rollouts: candidates of a round N, the nominal among them.
        knots: of the planner's candidates.
        knot_dt: time between them [s].
        order: of the planner's spline.

    Attributes:
        figures: of the last round.
    """

    def __init__(
        self,
        proposal: Proposal,
        config: ProposalConfig,
        num_rollouts: int,
        knots: int,
        knot_dt: float,
        order: int,
    ) -> None:
        """Prepare the change of grid; both directions are products with a matrix."""
        card = proposal.card
        self._proposal, self._config, self._card = proposal, config, card
        self._most = min(int(config.fraction * (num_rollouts - 1) + 0.5), num_rollouts - 1)
        there = np.arange(float(knots)) * knot_dt
        self._to_plan = splines.basis(there, card.knots, card.knot_dt, card.order)
        back = np.arange(float(card.knots)) * card.knot_dt
        self._from_plan = splines.basis(back, knots, knot_dt, order)
        self._health = Health(config.health)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Restart the random sequence and trust the proposal again."""
        self._rng = np.random.default_rng([seed, _STREAM])
        self._spread = 0.0
        self.forget()

    def forget(self) -> None:
        """Trust the proposal again, as with a new goal."""
        self._health.reset()
        self.figures = ProposalFigures()

    def state_dict(self) -> dict[str, Any]:
        """Return what the next draw depends on beside its arguments, as plain values."""
        return {
            "random": dict(self._rng.bit_generator.state),
            "health": self._health.state_dict(),
            "spread": self._spread,
        }

    def load_state_dict(self, memory: Mapping[str, Any]) -> None:
        """Continue from what :meth:`memory` returned.

        Raises:
            InputError: it is no such memory.
        """
        try:
            self._rng.bit_generator.state = memory["random"]
            self._health.load_state_dict(memory["health"])
            self._spread = float(memory["spread"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the proposal's memory cannot be read: {error}") from None

    def draw(self, observation: Array, nominal: Array, trust: float = 1.0) -> Array:
        """Return candidates (m, K, 3) on the planner's grid, m as the health allows.

        Args:
            observation: of the task (d,).
            nominal: shifted previous plan (K, 3), for a warm start.
            trust: part of the share that the cost to go's health leaves, 0 to 1.
        """
        knots = self.sample(observation, nominal, self._health.count(self._most, trust))
        several = len(knots) > 1
        self._spread = float(knots.std(axis=0).mean()) if several else self._spread
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

    def judge(self, costs: Array, proposed: list[int], elites: int) -> None:
        """Take in the costs (n,) of a round in which these indices were proposed."""
        self.figures = self._health.judge(costs, proposed, elites, self._spread)
