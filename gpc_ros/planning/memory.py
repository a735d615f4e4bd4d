"""The state of a planner between two cycles, as a value that can be stored and restored.

With this state any recorded cycle can be repeated alone, so a replay may begin anywhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.documents import load_json
from gpc_ros.common.errors import InputError
from gpc_ros.planning.plan import Plan


@dataclass(frozen=True)
class PlannerMemory:
    """The state of a planner between two cycles.

    Attributes:
        random: state of the random generator.
        nominal: knots (K, 3) that the next cycle samples around.
        nominal_start: time of their first knot [s]; None before the first cycle.
        previous: the last plan.
        goal: goal of the search (3,).
        plan_time: average time of a cycle [s].
        next_id: id of the next plan.
        search: state of the optimizer, a flat array.
        proposal: state of sampler and monitor of the proposal; None without a proposal.
    """

    random: dict[str, Any]
    nominal: Array
    nominal_start: float | None
    previous: Plan | None
    goal: Array | None
    plan_time: float
    next_id: int
    search: Array
    proposal: dict[str, Any] | None = None

    def to_json(self) -> str:
        """Return the memory as text that restores every bit."""
        plan = None
        if self.previous is not None:
            plan = {**vars(self.previous), "knots": self.previous.knots.tolist()}
            plan["cost"] = _plain(self.previous.cost)
        return json.dumps(
            {
                "random": self.random,
                "nominal": self.nominal.tolist(),
                "nominal_start": self.nominal_start,
                "previous": plan,
                "goal": None if self.goal is None else self.goal.tolist(),
                "plan_time": self.plan_time,
                "next_id": self.next_id,
                "search": [_plain(v) for v in self.search.tolist()],
                "proposal": self.proposal,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> PlannerMemory:
        """Return the memory from a text of :meth:`to_json`.

        Raises:
            InputError: the text is malformed.
        """
        try:
            values = load_json(text)
            plan, goal = values["previous"], values["goal"]
            if plan is not None:
                knots = np.array(plan["knots"], dtype=np.float64)
                plan = Plan(**{**plan, "knots": knots, "cost": float(plan["cost"])})
            np.random.default_rng().bit_generator.state = values["random"]
            return cls(
                random=values["random"],
                nominal=np.array(values["nominal"], dtype=np.float64).reshape(-1, 3),
                nominal_start=values["nominal_start"],
                previous=plan,
                goal=None if goal is None else np.array(goal, dtype=np.float64),
                plan_time=float(values["plan_time"]),
                next_id=int(values["next_id"]),
                search=np.array([float(v) for v in values["search"]]),
                proposal=values["proposal"],
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"the planner's memory cannot be read: {error}") from None


def _plain(value: float) -> float | str:
    """Return a number as a JSON value; infinity and NaN become text."""
    return value if np.isfinite(value) else str(value)
