"""The optimizers by name. To add one: write a module beside the others and list it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gpc_ros.common.config import replace
from gpc_ros.common.errors import ConfigError, suggest
from gpc_ros.planning.optimizers.base import Optimizer
from gpc_ros.planning.optimizers.cem import Cem, CemConfig
from gpc_ros.planning.optimizers.mppi import Mppi, MppiConfig
from gpc_ros.planning.optimizers.predictive_sampling import (
    PredictiveSampling,
    PredictiveSamplingConfig,
)

# Class and default parameters by name.
OPTIMIZERS: dict[str, tuple[Callable[[Any, int], Optimizer], Any]] = {
    Cem.name: (Cem, CemConfig()),
    Mppi.name: (Mppi, MppiConfig()),
    PredictiveSampling.name: (PredictiveSampling, PredictiveSamplingConfig()),
}


def make_optimizer(name: str, knots: int, overrides: Mapping[str, Any] | None = None) -> Optimizer:
    """Return the optimizer of a name for K knots.

    Args:
        name: one of ``OPTIMIZERS``.
        knots: number of knots K.
        overrides: dotted parameter name to value.

    Raises:
        ConfigError: unknown optimizer or parameter (the nearest is named), or a bad value.
    """
    if name not in OPTIMIZERS:
        raise ConfigError(f"optimizer: unknown optimizer '{name}'; {suggest(name, OPTIMIZERS)}")
    make, defaults = OPTIMIZERS[name]
    return make(replace(defaults, overrides or {}, f"optimizer {name}"), knots)
