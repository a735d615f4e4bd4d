"""Write a trained walker: weights, card and curves."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gpc_ros.common.config import flatten
from gpc_ros.common.files import write_atomic
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.locomotion.policy_file import WalkerCard, save_walker
from gpc_ros.training.walker.environment import description
from gpc_ros.training.walker.reward_curves import training_curves

if TYPE_CHECKING:
    from gpc_ros.training.walker.ppo import Trainer

# Number of updates before the written network over which metrics are averaged.
_LAST = 50


def store(path: Path, trainer: Trainer, reproduce: Sequence[str]) -> WalkerCard:
    """Write all files of a walker beside each other and return its card.

    Args:
        path: path of the card; weights and curves are written beside it.
        trainer: the finished trainer.
        reproduce: the commands that reproduce it.
    """
    c, h = trainer.config, trainer.history
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in flatten(c).items()}

    written = trainer.best[0] if trainer.best else trainer.done

    def mean(name: str, digits: int) -> float:
        return round(float(np.mean(h[name][max(0, written - _LAST) : written])), digits)

    card = WalkerCard(
        description=description(c, path.stem),
        training=plain,
        figures={
            **({} if trainer.best is None else _judged(*trainer.best)),
            "robot_steps": trainer.done * c.robots * c.steps,
            "seconds": round(sum(h["seconds"])),
            "reward_a_second": mean("reward", 3),
            "falls_a_minute": mean("falls", 3),
            "speed_error": mean("speed_error", 3),
            "yaw_rate_error": mean("turning_error", 3),
        },
        made_with={
            **made_with(),
            **{name: version(name) for name in ("torch", "rsl-rl-lib")},
        },
        reproduce=tuple(reproduce),
    )
    write_atomic(path.with_suffix(".svg"), training_curves(h))
    return save_walker(path, card, trainer.layers())


def _judged(update: int, reward: float) -> dict[str, float]:
    return {"best_update": update, "judged_reward_a_second": round(reward, 3)}
