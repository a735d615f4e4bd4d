"""The velocity field in torch, for training; proposal/flow_model.py runs the same weights."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gpc_ros.proposal.flow_model import OCTAVES


class VelocityField(nn.Module):
    """v(x, t, o): a multilayer perceptron with SiLU.

    Args:
        size: dimension of x, K times 3.
        observed: dimension d of an observation.
        hidden: width of each hidden layer.
    """

    def __init__(self, size: int, observed: int, hidden: Sequence[int]) -> None:
        """Initialise the weights with the random generator of torch."""
        super().__init__()
        widths = [size + observed + 1 + 2 * OCTAVES, *hidden, size]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))

    def forward(self, x: Tensor, t: Tensor, observation: Tensor) -> Tensor:
        """Return dx/dt (n, size) from x (n, size), t (n, 1) and observation (n, d)."""
        octaves = torch.pi * 2.0 ** torch.arange(OCTAVES, device=t.device, dtype=t.dtype)
        angles = t * octaves
        h = torch.cat([x, observation, t, torch.sin(angles), torch.cos(angles)], dim=1)
        for layer in self.layers[:-1]:
            h = nn.functional.silu(layer(h))
        velocity: Tensor = self.layers[-1](h)
        return velocity


def perceptron(widths: Sequence[int]) -> nn.Sequential:
    """Return a multilayer perceptron with SiLU from its widths, input and output included."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        layers += ([nn.SiLU()] if i else []) + [nn.Linear(a, b)]
    return nn.Sequential(*layers)
