"""Training: conditional flow matching on collected plans.

With a target u1 (normalised knots), noise u0 ~ N(0, I) and t ~ U(0, 1),

    u_t = (1 - (1 - s) t) u0 + t u1,   loss = E |v(u_t, t, o) - (u1 - (1 - s) u0)|^2

the conditional optimal-transport path of Lipman et al. (arXiv 2210.02747, eq. 20-23) with
s = sigma_min. The result is an exponential moving average of the weights, from the epoch with the
best samples on held-out episodes.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpc_ros.common.arrays import Array
from gpc_ros.proposal.card import Card
from gpc_ros.proposal.flow_model import CLIP, Flow, Gaussian, Proposal, Weights
from gpc_ros.tasks import TASKS
from gpc_ros.training.checkpoint import Checkpoint
from gpc_ros.training.device import select_device
from gpc_ros.training.proposal.cost_to_go import train_cost
from gpc_ros.training.proposal.dataset import Dataset, mirrored, split
from gpc_ros.training.proposal.flow_network import VelocityField
from gpc_ros.training.proposal.normalization import energy_score, fit_gaussian, normalization_scales
from gpc_ros.training.proposal.training_config import TrainConfig

# Number of plans and of samples per plan for the energy score.
_SCORED, _SAMPLES, _STEPS = 512, 8, 4
# Time between two checkpoints [s].
_SAVE_INTERVAL = 10.0


@dataclass
class History:
    """Metrics of every epoch so far.

    Attributes:
        loss: loss on the training episodes.
        validation: loss on the held-out episodes.
        score: energy score of samples on the held-out episodes, see :func:`energy_score`.
    """

    loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    score: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Trained:
    """A trained proposal with its control and metrics.

    Attributes:
        weights: weights of the flow.
        gaussian: weights of the Gaussian control, fitted to the same plans.
        history: metrics of every epoch.
        best: epoch of the kept weights.
        control_score: energy score of the control.
        cost_error: error of the cost-to-go on held-out plans, relative to the spread of the costs.
        seconds: duration of the training since its last start [s].
        plans: number of training and held-out plans.
    """

    weights: Weights
    gaussian: Weights
    history: History
    best: int
    control_score: float
    cost_error: float
    seconds: float
    plans: tuple[int, int]


def blank_card(dataset: Dataset, config: TrainConfig, kind: str = "flow") -> Card:
    """Return the card of a training result, without files and metrics."""
    return Card(
        kind=kind,
        task=dataset.task,
        walker=dataset.walker,
        observation=tuple(entry.name for entry in TASKS[dataset.task].observed),
        knots=dataset.target.shape[1],
        knot_dt=dataset.knot_dt,
        spline=dataset.spline,
        hidden=config.hidden if kind == "flow" else (),
        window=config.cost.windows * dataset.horizon,
        cost_hidden=config.cost.hidden if config.cost.windows else (),
    )


class Trainer:
    """One training, epoch by epoch, interruptible and resumable.

    Args:
        dataset: training data.
        config: training parameters.

    Attributes:
        history: metrics of the epochs so far.
        done: whether the training is complete.
    """

    def __init__(self, dataset: Dataset, config: TrainConfig) -> None:
        """Split the episodes, fit the normalisation and initialise the weights.

        Raises:
            DataError: too little training data.
        """
        self.dataset, self.config = dataset, config
        self.history, self.done, self._best = History(), False, 0
        self._epoch = 0
        held = split(dataset, config.validation, config.seed)
        observation, target = dataset.observation[~held], dataset.target[~held]
        to_go = dataset.to_go[:, : config.cost.windows]
        cost = to_go[~held]
        if config.mirror:
            more_o, more_u = mirrored(dataset)
            observation = np.concatenate([observation, more_o[~held]])
            target = np.concatenate([target, more_u[~held]])
            cost = np.concatenate([cost, cost])
        self.plans = len(target), int(held.sum())
        self._scales = normalization_scales(observation, target)
        self._held_observation, self._held_target = dataset.observation[held], dataset.target[held]
        self._costs = observation, cost, to_go[held]
        self._device = select_device(config.device)
        # More threads do not help small networks: on a busy machine two threads of torch waited
        # for each other twenty times as long as they computed.
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        size = target[0].size
        self._network = VelocityField(size, observation.shape[1], config.hidden).to(self._device)
        self._average = {k: v.detach().clone() for k, v in self._network.state_dict().items()}
        self._kept = {k: v.clone() for k, v in self._average.items()}
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(), lr=config.rate, weight_decay=config.decay
        )
        self._data = self._tensors(observation, target)
        self._held = self._tensors(self._held_observation, self._held_target)
        self.gaussian = fit_gaussian(target, self._scales)

    def epoch(self) -> None:
        """Train one epoch, validate, and keep the weights if they are the best."""
        c = self.config
        generator = torch.Generator().manual_seed(c.seed * 1_000_003 + self._epoch)
        for group in self._optimizer.param_groups:
            group["lr"] = 0.5 * c.rate * (1.0 + np.cos(np.pi * self._epoch / c.epochs))
        observation, target = self._data
        order = torch.randperm(len(target), generator=generator)
        losses = []
        for rows in order.split(c.batch):
            loss = self._loss(observation[rows], target[rows], generator)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            self._follow()
            losses.append(loss.detach() * len(rows))
        self._epoch += 1
        self.history.loss.append(float(torch.stack(losses).sum()) / len(target))
        self._measure()

    def _loss(self, observation: Tensor, u1: Tensor, generator: torch.Generator) -> Tensor:
        s = self.config.sigma_min
        # Drawn on the CPU, so that a GPU uses the same numbers.
        u0 = torch.randn(u1.shape, generator=generator).to(u1.device)
        t = torch.rand((len(u1), 1), generator=generator).to(u1.device)
        u_t = (1.0 - (1.0 - s) * t) * u0 + t * u1
        error = self._network(u_t, t, observation) - (u1 - (1.0 - s) * u0)
        return error.square().mean()

    @torch.no_grad()
    def _follow(self) -> None:
        """Update the averaged weights; the average is shorter during the first steps."""
        keep = min(self.config.average, (1.0 + self._steps) / (10.0 + self._steps))
        for name, value in self._network.state_dict().items():
            self._average[name].lerp_(value, 1.0 - keep)

    @property
    def _steps(self) -> int:
        states = self._optimizer.state.values()
        return int(next((float(s["step"]) for s in states if "step" in s), 0.0))

    @torch.no_grad()
    def _measure(self) -> None:
        """Validate the averaged weights on the held-out episodes, with the same noise each time."""
        current = {k: v.clone() for k, v in self._network.state_dict().items()}
        self._network.load_state_dict(self._average)
        generator = torch.Generator().manual_seed(self.config.seed)
        loss = self._loss(self._held[0], self._held[1], generator)
        self._network.load_state_dict(current)
        self.history.validation.append(float(loss))
        score = self.score(Flow(self._plain_card("flow"), self.weights(self._average)))
        if not self.history.score or score < min(self.history.score):
            self._best = self._epoch
            self._kept = {k: v.clone() for k, v in self._average.items()}
        self.history.score.append(score)
        stalled = self._epoch - self._best
        self.done = self._epoch >= self.config.epochs or stalled >= self.config.patience

    def _plain_card(self, kind: str) -> Card:
        """Return a card without cost-to-go, which is trained last."""
        return dataclasses.replace(blank_card(self.dataset, self.config, kind), window=0.0)

    def score(self, proposal: Proposal) -> float:
        """Return the energy score of a proposal on held-out plans, in normalised knots."""
        rng = np.random.default_rng(self.config.seed)
        rows = rng.permutation(len(self._held_target))[:_SCORED]
        shape = (_SAMPLES, *self._held_target.shape[1:])
        samples = [
            proposal.sample(self._held_observation[row], rng.standard_normal(shape), _STEPS)
            for row in rows
        ]
        drawn = proposal.normalise(np.array(samples)).reshape(len(rows), _SAMPLES, -1)
        truth = proposal.normalise(self._held_target[rows]).reshape(len(rows), -1)
        return energy_score(drawn, truth)

    def weights(self, state: dict[str, Tensor] | None = None) -> Weights:
        """Return weights with their normalisation; without a state, of the best epoch."""
        chosen = self._kept if state is None else state
        arrays = {k: np.array(v.cpu().numpy(), np.float32) for k, v in chosen.items()}
        return {**arrays, **self._scales}

    def result(self, seconds: float) -> Trained:
        """Return the best weights so far and all metrics."""
        control = self.score(Gaussian(self._plain_card("gaussian"), self.gaussian))
        cost, error = self._train_cost()
        return Trained(
            weights={**self.weights(), **cost},
            gaussian={**self.gaussian, **cost},
            history=self.history,
            best=self._best,
            control_score=control,
            cost_error=error,
            seconds=seconds,
            plans=self.plans,
        )

    def _train_cost(self) -> tuple[Weights, float]:
        """Train the cost-to-go on the same split; skip it for a window of zero."""
        c = self.config
        if not c.cost.windows:
            return {}, float("nan")
        observation, cost, held = self._costs
        return train_cost(
            (observation, self._held_observation),
            (cost.mean(axis=1), held.mean(axis=1)),
            self._scales, c.cost, c.seed,
        )  # fmt: skip

    def _tensors(self, observation: Array, target: Array) -> tuple[Tensor, Tensor]:
        """Return normalised observations (P, d) and knots (P, 3 K)."""
        s = self._scales
        o = np.clip((observation - s["observation_mean"]) / s["observation_std"], -CLIP, CLIP)
        u = ((target - s["knots_mean"]) / s["knots_std"]).reshape(len(target), -1)
        pair = (torch.tensor(a, dtype=torch.float32, device=self._device) for a in (o, u))
        first, second = pair
        return first, second

    def checkpoint(self) -> Checkpoint:
        """Return the complete state of the training."""
        arrays = {f"network.{k}": v for k, v in self._network.state_dict().items()}
        arrays |= {f"average.{k}": v for k, v in self._average.items()}
        arrays |= {f"kept.{k}": v for k, v in self._kept.items()}
        for i, state in self._optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer.{i}.{k}": v for k, v in state.items()}
        return Checkpoint(
            identity=self.identity(),
            progress={
                "epoch": self._epoch, "best": self._best, "done": self.done,
                "history": dataclasses.asdict(self.history),
            },
            arrays={k: v.detach().cpu().contiguous().numpy() for k, v in arrays.items()},
        )  # fmt: skip

    def resume(self, checkpoint: Checkpoint) -> bool:
        """Resume from a checkpoint; return False if it belongs to another training."""
        if checkpoint.identity != self.identity():
            return False
        p = checkpoint.progress
        self._epoch, self._best, self.done = p["epoch"], p["best"], p["done"]
        self.history = History(**p["history"])
        groups: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "kept": {}}
        states: dict[int, dict[str, Tensor]] = {}
        for name, value in checkpoint.arrays.items():
            group, _, rest = name.partition(".")
            tensor = torch.tensor(value)
            if group == "optimizer":
                index, _, key = rest.partition(".")
                states.setdefault(int(index), {})[key] = tensor
            else:
                groups[group][rest] = tensor.to(self._device)
        self._network.load_state_dict(groups["network"])
        self._average, self._kept = groups["average"], groups["kept"]
        whole = self._optimizer.state_dict()
        self._optimizer.load_state_dict({**whole, "state": states})
        return True

    def identity(self) -> dict[str, Any]:
        """Return the settings that a checkpoint must share with this training."""
        o, u = self._data
        settings = json.loads(json.dumps(dataclasses.asdict(self.config)))
        return {**settings, "plans": len(u), "sum": [float(o.sum()), float(u.sum())]}


def train(
    dataset: Dataset,
    config: TrainConfig,
    checkpoint: Path | None = None,
    on_epoch: Callable[[Trainer], None] | None = None,
) -> Trained:
    """Train until the samples stop improving.

    Args:
        dataset: training data.
        config: training parameters.
        checkpoint: file to resume from; updated during training.
        on_epoch: called after every epoch.

    Raises:
        DataError: too little training data.
        KeyboardInterrupt: on Ctrl-C; the checkpoint contains the last complete epoch.
    """
    trainer = Trainer(dataset, config)
    begin = time.monotonic()
    if checkpoint is not None and (found := Checkpoint.load(checkpoint)):
        trainer.resume(found)
    saved, latest = begin, trainer.checkpoint()
    try:
        while not trainer.done:
            trainer.epoch()
            # Only complete epochs are stored.
            latest = trainer.checkpoint()
            if on_epoch:
                on_epoch(trainer)
            if checkpoint is not None and time.monotonic() - saved > _SAVE_INTERVAL:
                latest.save(checkpoint)
                saved = time.monotonic()
    except KeyboardInterrupt:
        if checkpoint is not None:
            latest.save(checkpoint)
        raise
    return trainer.result(time.monotonic() - begin)
