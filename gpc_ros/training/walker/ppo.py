"""Training with the PPO of rsl-rl and left-right symmetric networks.

PPO follows Schulman et al. (arXiv 1707.06347). The critic also sees privileged values: velocity,
payload, friction and resistance.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rsl_rl.algorithms import PPO
from rsl_rl.models import MLPModel
from rsl_rl.storage import RolloutStorage
from tensordict import TensorDict

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import flatten
from gpc_ros.common.errors import InputError
from gpc_ros.locomotion.network import Layer
from gpc_ros.training.checkpoint import Checkpoint
from gpc_ros.training.device import select_device
from gpc_ros.training.walker.environment import PERIOD, PRIVILEGED_MIRROR, Environment, description
from gpc_ros.training.walker.mirror import JOINT_MIRROR, UNCHANGED, beside, feature_mirror
from gpc_ros.training.walker.symmetry import make_symmetric
from gpc_ros.training.walker.walker_config import WalkConfig
from gpc_ros.training.walker.warm_start import imitate

# Parameters that may differ when a training resumes from a checkpoint.
_FREE = ("iterations", "device", "threads")
_GROUPS = {"actor": ["policy"], "critic": ["policy", "privileged"]}
# Time between two checkpoints [s].
_SAVE_INTERVAL = 60.0
# Networks are validated on a fixed set of robots that is not used for training.
_JUDGED_APART, _JUDGED_STEPS = 1_000_000, 300


class Trainer:
    """An interruptible and resumable training.

    Args:
        config: training configuration.
        checkpoint: checkpoint file; the training resumes from it if it exists.

    Attributes:
        history: metrics of every update so far, by name.
        best: update and reward rate [1/s] of the best network so far; None before a validation.
    """

    def __init__(self, config: WalkConfig, checkpoint: Path | None = None) -> None:
        """Build robots and networks.

        Raises:
            InputError: the checkpoint has other parameters.
        """
        self.config, self._file = config, checkpoint
        self.device = select_device(config.device)
        saved = Checkpoint.load(checkpoint) if checkpoint else None
        self.history: dict[str, list[float]] = {}
        self.best: tuple[int, float] | None = None
        self._best_layers: list[Layer] = []
        if saved is not None:
            self._compare(saved)
            self.history = {k: list(v) for k, v in saved.progress["history"].items()}
        self.done = len(self.history.get("reward", ()))
        torch.manual_seed(config.seed + self.done)
        # A resumed training draws new robots.
        self._robots = Environment(config, config.seed + self.done)
        rows, scales = description(config).feature_map()
        self._rows, self._scales = rows, scales[:, None].astype(np.float32)
        self._observed = self._tensors(*self._robots.observe())
        self._ppo = self._make_ppo()
        if saved is not None:
            self._restore(saved)
        elif config.warm_start:
            walker = self._robots.walker
            imitate(
                self._ppo.get_policy().mlp, rows, self._scales, config.gait, walker.command_low,
                walker.command_high, config.seed,
            )  # fmt: skip
        self._saved_at = time.monotonic()

    def run(self, on_update: Callable[[Trainer], None] = lambda _: None) -> None:
        """Train to the last update.

        Args:
            on_update: called after every update.

        Raises:
            KeyboardInterrupt: on Ctrl-C; the checkpoint is up to date.
        """
        self._ppo.train_mode()
        try:
            while self.done < self.config.iterations:
                self._update()
                on_update(self)
                if time.monotonic() - self._saved_at > _SAVE_INTERVAL:
                    self.save()
        finally:
            self.save()

    def layers(self) -> list[Layer]:
        """Return weights and biases of the best network so far, first to last."""
        return self._best_layers or self._layers()

    def _layers(self) -> list[Layer]:
        linear = [m for m in self._ppo.get_policy().mlp if isinstance(m, torch.nn.Linear)]
        return [
            (m.weight.detach().cpu().double().numpy(), m.bias.detach().cpu().double().numpy())
            for m in linear
        ]

    def _update(self) -> None:
        c, begin = self.config, time.monotonic()
        self._robots.difficulty = min(1.0, self.done / c.warm_up)
        # The learning rate of the walker decays; the critic keeps its rate to follow the walker.
        rate = c.rate * max(1.0 - self.done / c.iterations, 1e-3)
        self._ppo.optimizer.param_groups[0]["lr"] = rate
        sums: dict[str, float] = {}
        reward = falls = 0.0
        with torch.inference_mode():
            for _ in range(c.steps):
                actions = self._ppo.act(self._observed)
                step = self._robots.step(actions.T.cpu().double().numpy())
                self._observed = self._tensors(step.raw, step.privileged)
                over = torch.as_tensor(step.fallen | step.ended, device=self.device)
                ended = torch.as_tensor(step.ended, device=self.device)
                gains = torch.as_tensor(step.reward, dtype=torch.float32, device=self.device)
                self._ppo.process_env_step(self._observed, gains, over, {"time_outs": ended})
                reward += float(step.reward.mean())
                falls += float(step.fallen.mean())
                for name, value in step.parts.items():
                    sums[name] = sums.get(name, 0.0) + value
            self._ppo.compute_returns(self._observed)
        losses = self._ppo.update()
        speed, turning = self._robots.tracking_error()
        seconds = c.steps * PERIOD
        self._note(
            reward=reward / seconds,
            falls=60.0 * falls / seconds,
            speed_error=speed,
            turning_error=turning,
            deviation=float(self._ppo.get_policy().output_std.detach().mean()),
            rate=rate,
            seconds=time.monotonic() - begin,
            **{f"loss.{name}": value for name, value in losses.items()},
            **{f"reward.{name}": value / seconds for name, value in sums.items()},
        )
        self.done += 1
        if self.done >= c.warm_up and self.done % c.judge_interval == 0:
            self._judge()

    def _judge(self) -> None:
        """Validate the network on the fixed robots and keep it if it is the best so far.

        Trainings can get slowly worse from some update on, so that the last network need not be
        good.
        """
        robots = Environment(self.config, self.config.seed + _JUDGED_APART)
        robots.difficulty = 1.0
        raw, hidden = robots.observe()
        total = 0.0
        with torch.inference_mode():
            for _ in range(_JUDGED_STEPS):
                actions = self._ppo.get_policy()(self._tensors(raw, hidden))
                step = robots.step(actions.T.cpu().double().numpy())
                raw, hidden = step.raw, step.privileged
                total += float(step.reward.mean())
        reward = total / (_JUDGED_STEPS * PERIOD)
        if reward > (self.best[1] if self.best else -math.inf):
            self.best, self._best_layers = (self.done, reward), self._layers()

    def _note(self, **figures: float) -> None:
        for name, value in figures.items():
            self.history.setdefault(name, []).append(float(value))

    def _tensors(self, raw: Array, privileged: Array) -> TensorDict:
        seen = (raw[self._rows].astype(np.float32) * self._scales).T
        return TensorDict(
            {
                "policy": torch.as_tensor(np.ascontiguousarray(seen)),
                "privileged": torch.as_tensor(np.ascontiguousarray(privileged.T, np.float32)),
            },
            batch_size=[raw.shape[1]],
        ).to(self.device)

    def _make_ppo(self) -> PPO:
        c, seen = self.config, self._observed
        spread = {"class_name": "GaussianDistribution", "init_std": c.spread, "std_type": "log"}
        actor = MLPModel(seen, _GROUPS, "actor", 12, list(c.hidden), "elu", distribution_cfg=spread)
        critic = MLPModel(seen, _GROUPS, "critic", 1, list(c.critic), "elu")
        features, joints, hidden = feature_mirror(self._rows), JOINT_MIRROR, PRIVILEGED_MIRROR
        make_symmetric(actor.mlp, features, joints)
        make_symmetric(critic.mlp, beside(features, hidden), UNCHANGED)
        storage = RolloutStorage("rl", c.robots, c.steps, seen, [12], self.device)
        ppo = PPO(
            actor.to(self.device),
            critic.to(self.device),
            storage,
            num_learning_epochs=c.epochs,
            num_mini_batches=c.batches,
            gamma=c.discount,
            entropy_coef=c.entropy,
            use_clipped_value_loss=False,
            schedule="fixed",
            device=self.device,
        )
        # rsl-rl would use one adaptive rate for both; the critic needs a separate one.
        groups = [{"params": actor.parameters(), "lr": c.rate},
                  {"params": critic.parameters(), "lr": c.critic_rate}]  # fmt: skip
        ppo.optimizer = torch.optim.Adam(groups)
        return ppo

    def _identity(self) -> dict[str, Any]:
        plain = {k: v for k, v in flatten(self.config).items() if k not in _FREE}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}

    def _compare(self, saved: Checkpoint) -> None:
        mine = self._identity()
        stored = dict(saved.identity)
        for name in sorted(set(mine) | set(stored)):
            if mine.get(name) != stored.get(name):
                raise InputError(
                    f"{self._file}: is of a training with {name}={stored.get(name)}, not "
                    f"{mine.get(name)}; use its parameters, or remove it to begin anew"
                )

    def save(self) -> None:
        """Write the checkpoint atomically."""
        self._saved_at = time.monotonic()
        if self._file is None:
            return
        arrays: dict[str, Any] = {}
        for part in ("actor", "critic"):
            for name, value in getattr(self._ppo, part).state_dict().items():
                arrays[f"{part}.{name}"] = value.detach().cpu().contiguous().numpy()
        for i, entry in self._ppo.optimizer.state_dict()["state"].items():
            for name, value in entry.items():
                arrays[f"optimizer.{i}.{name}"] = value.detach().cpu().contiguous().numpy()
        for i, layer in enumerate(self._best_layers):
            for name, value in zip(("weight", "bias"), layer, strict=True):
                arrays[f"best.{i}.{name}"] = value
        progress = {"history": self.history, "best": self.best}
        Checkpoint(self._identity(), progress, arrays).save(self._file)

    def _restore(self, saved: Checkpoint) -> None:
        optimizer: dict[int, dict[str, Any]] = {}
        states: dict[str, dict[str, Any]] = {"actor": {}, "critic": {}}
        if saved.progress["best"]:
            update, reward = saved.progress["best"]
            self.best = (int(update), float(reward))
        count = sum(key.startswith("best.") for key in saved.arrays) // 2
        self._best_layers = [
            (saved.arrays[f"best.{i}.weight"], saved.arrays[f"best.{i}.bias"]) for i in range(count)
        ]
        for key, value in saved.arrays.items():
            part, name = key.split(".", 1)
            if part == "best":
                continue
            tensor = torch.from_numpy(np.array(value))
            if part == "optimizer":
                number, what = name.split(".", 1)
                optimizer.setdefault(int(number), {})[what] = tensor
            else:
                states[part][name] = tensor
        for part, state in states.items():
            getattr(self._ppo, part).load_state_dict(state)
        whole = self._ppo.optimizer.state_dict()
        whole["state"] = optimizer
        self._ppo.optimizer.load_state_dict(whole)
