"""Training of the cost-to-go: the expected planner cost after a state, given the observation.

Added to the cost of a rollout, it extends a short horizon (the terminal value function of Lowrey et
al., arXiv 1811.01848). It is fitted to the costs of collected plans with a longer horizon.
"""

from __future__ import annotations

import numpy as np
import torch

from gpc_ros.common.arrays import Array
from gpc_ros.proposal.flow_model import CLIP, Weights
from gpc_ros.training.proposal.flow_network import perceptron
from gpc_ros.training.proposal.training_config import CostConfig


def train_cost(
    observation: tuple[Array, Array],
    cost: tuple[Array, Array],
    scales: Weights,
    config: CostConfig,
    seed: int,
) -> tuple[Weights, float]:
    """Fit the cost-to-go; return its weights and the relative held-out error.

    Args:
        observation: training and held-out observations, (P, d) each.
        cost: mean cost over the window, (P,) each.
        scales: normalisation of the observation.
        config: training parameters.
        seed: seed of initial weights and batch order.
    """
    torch.manual_seed(seed)
    # The cost of a plan that ends in a fall would outweigh all others.
    highest = float(np.quantile(cost[0], 0.995))
    cost = np.minimum(cost[0], highest), np.minimum(cost[1], highest)
    mean, std = float(cost[0].mean()), max(float(cost[0].std()), 1e-6)
    x, held_x = (_inputs(o, scales) for o in observation)
    y, held_y = (torch.tensor((c - mean) / std, dtype=torch.float32)[:, None] for c in cost)
    network = perceptron([x.shape[1], *config.hidden, 1])
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=config.decay)
    generator = torch.Generator().manual_seed(seed)
    best, kept = np.inf, network.state_dict()
    for epoch in range(config.epochs):
        for group in optimizer.param_groups:
            group["lr"] = 0.5 * config.rate * (1.0 + np.cos(np.pi * epoch / config.epochs))
        for rows in torch.randperm(len(x), generator=generator).split(config.batch):
            loss = torch.nn.functional.smooth_l1_loss(network(x[rows]), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            error = float((network(held_x) - held_y).square().mean().sqrt())
        if error < best:
            best, kept = error, {k: v.clone() for k, v in network.state_dict().items()}
    weights = {"cost_scale": np.array([mean, std], np.float32)}
    for name, value in kept.items():
        index, kind = name.split(".")
        weights[f"cost.{int(index) // 2}.{kind}"] = np.array(value.numpy(), np.float32)
    return weights, best


def _inputs(observation: Array, scales: Weights) -> torch.Tensor:
    o = (observation - scales["observation_mean"]) / scales["observation_std"]
    return torch.tensor(np.clip(o, -CLIP, CLIP), dtype=torch.float32)
