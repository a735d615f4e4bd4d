"""Networks that are left-right symmetric by construction.

The hidden units form mirrored pairs: with the signed permutations G_in and G_out that mirror the
input and the output of a layer, every weight matrix satisfies W = G_out W G_in. The exported walker
is an ordinary network of the same size.

Mirrored batches (Mittal et al., ICRA 2024) only draw a network towards symmetry. PPO's probability
ratios of the mirrored half are wrong by the remaining asymmetry, which exceeded the clipping range
of an update here.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.utils import parametrize

from gpc_ros.common.errors import InputError
from gpc_ros.training.walker.mirror import Flip


def paired(width: int) -> Flip:
    """Return the mirror of hidden units: the two halves swap.

    Raises:
        InputError: the width is odd.
    """
    if width % 2:
        raise InputError(f"{width} hidden units cannot be paired; use an even width")
    return Flip(np.roll(np.arange(width), width // 2), np.ones(width))


def make_symmetric(network: torch.nn.Module, seen: Flip, given: Flip) -> None:
    """Tie the weights of a network's linear layers, in place.

    Args:
        network: consecutive linear layers with elementwise activations.
        seen: mirror of the input.
        given: mirror of the output.
    """
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Linear)]
    before = seen
    for layer in layers:
        after = given if layer is layers[-1] else paired(layer.out_features)
        parametrize.register_parametrization(layer, "weight", _Tied(after, before))
        parametrize.register_parametrization(layer, "bias", _Tied(after))
        before = after


class _Tied(torch.nn.Module):
    """Return the mean of a weight and its mirror."""

    rows: torch.Tensor
    row_signs: torch.Tensor
    columns: torch.Tensor
    column_signs: torch.Tensor

    def __init__(self, after: Flip, before: Flip | None = None) -> None:
        super().__init__()
        self._matrix = before is not None
        for name, flip in (("row", after), ("column", before or after)):
            self.register_buffer(f"{name}s", torch.tensor(flip.places), persistent=False)
            signs = torch.tensor(flip.signs, dtype=torch.float32)
            self.register_buffer(f"{name}_signs", signs, persistent=False)

    def forward(self, free: torch.Tensor) -> torch.Tensor:
        if self._matrix:
            mirrored = free[self.rows][:, self.columns] * self.column_signs
            return 0.5 * (free + self.row_signs[:, None] * mirrored)
        return 0.5 * (free + self.row_signs * free[self.rows])
