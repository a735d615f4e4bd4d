"""Warm start of a training: the network is first fitted to the analytic trot.

The targets of the trot depend only on clock and command, so that training pairs need no simulation:
random clocks and commands, and noise for all other inputs. A robot that walks from the first update
on learns to walk well in a fraction of the steps.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from gpc_ros.common.arrays import Array, IntArray
from gpc_ros.locomotion.policy import ACTION, CLOCK, COMMAND, GRAVITY, GYRO, POSITION, RAW, VELOCITY
from gpc_ros.locomotion.trot import Trot, TrotConfig
from gpc_ros.robot.joints import STAND
from gpc_ros.robot.model import PLANNER_DAMPING
from gpc_ros.training.walker.walker_config import GaitConfig

_STEPS, _BATCH, _RATE = 1500, 1024, 2e-3
_STANDS = 0.15  # fraction of standing pairs


def pairs(
    gait: GaitConfig, low: Array, high: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return random raw features (RAW, B) and the matching actions of the trot (12, B).

    Args:
        gait: cycle, gains and scale of the actions.
        low: smallest command (3,).
        high: largest command (3,).
        rng: random generator.
    """
    trot = Trot(TrotConfig(cycle_ticks=gait.cycle, duty=gait.duty, lift=gait.lift))
    n = _BATCH
    command = rng.uniform(low[:, None], high[:, None], (3, n)) * (rng.random((3, n)) < 0.7)
    gate = (rng.random(n) > _STANDS).astype(np.float64)
    command *= gate
    tick = rng.integers(1, gait.cycle + 1, n).astype(np.float64)
    velocity = trot.within_reach(command) * gate
    target, before = (trot.joints(t, gate, velocity) for t in (tick, tick - 1.0))
    # Without a velocity target, the position leads by the lag due to damping.
    lead = (gait.kd + PLANNER_DAMPING) / gait.kp * trot.rate
    action = (target + lead * (target - before) - STAND[:, None]) / gait.scale
    raw = np.empty((RAW, n))
    phase = 2.0 * np.pi * tick / gait.cycle
    raw[CLOCK] = np.stack([np.sin(phase), np.cos(phase)]) * gate
    raw[COMMAND] = command
    raw[GYRO] = rng.normal(0.0, 0.7, (3, n))
    raw[GRAVITY] = rng.normal(0.0, 0.08, (3, n)) - [[0.0], [0.0], [1.0]]
    raw[POSITION] = rng.normal(0.0, 0.25, (12, n))
    raw[VELOCITY] = rng.normal(0.0, 3.0, (12, n))
    raw[ACTION] = rng.normal(0.0, 1.0, (12, n))
    return raw, action


def imitate(
    network: torch.nn.Module,
    rows: IntArray,
    scales: NDArray[np.float32],
    gait: GaitConfig,
    low: Array,
    high: Array,
    seed: int,
) -> float:
    """Fit a network to the trot; return the root mean square error of the actions.

    Args:
        network: features (B, F) to actions (B, 12).
        rows: raw row of each feature (F,).
        scales: of each feature (F, 1).
        gait: cycle, gains and scale of the actions.
        low: smallest command (3,).
        high: largest command (3,).
        seed: seed of the pairs.
    """
    rng = np.random.default_rng(seed)
    device = next(network.parameters()).device
    optimizer = torch.optim.Adam(network.parameters(), _RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    loss = torch.zeros(())
    for _ in range(_STEPS):
        raw, action = pairs(gait, low, high, rng)
        seen = torch.as_tensor((raw[rows] * scales).T.astype(np.float32), device=device)
        wanted = torch.as_tensor(action.T.astype(np.float32), device=device)
        loss = torch.nn.functional.mse_loss(network(seen), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return float(loss.detach().sqrt())
