"""A proposal at run time, in numpy on one thread: from an observation to knots.

The flow is the ordinary differential equation dx/dt = v(x, t, o) from noise x(0) ~ N(0, I) to
normalised knots x(1), integrated by Euler's method (Lipman et al., arXiv 2210.02747; used for
control by Kurtz & Burdick, arXiv 2502.13406). v is a multilayer perceptron with SiLU whose input
is x, the normalised observation o and features of t.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import ModelFileError
from gpc_ros.common.model_files import parse_weights
from gpc_ros.proposal.card import Card, card_path, load_card, read_weights

# Octaves of sine and cosine in the features of the flow's time.
OCTAVES = 4
# Bound of normalised observations; larger values did not occur in training.
CLIP = 5.0
# Bounds on the contents and outputs of a file: values beyond them mean damage.
_LEAST_SCALE, _LARGEST = 1e-9, 1e6
_TRIALS, _TRIAL_STEPS = 8, 4

Weights = dict[str, NDArray[np.float32]]


def time_features(t: Array) -> Array:
    """Return t, sin(2^k pi t) and cos(2^k pi t) for k < OCTAVES: (T,) -> (T, 1 + 2 OCTAVES)."""
    angles = np.pi * 2.0 ** np.arange(OCTAVES) * np.asarray(t)[:, None]
    return np.concatenate([np.asarray(t)[:, None], np.sin(angles), np.cos(angles)], axis=1)


class Proposal(Protocol):
    """A distribution over knots given an observation.

    Attributes:
        card: card of the proposal.
        cost_to_go: the learned cost after a state; None without one.
    """

    card: Card
    cost_to_go: CostToGo | None

    def sample(self, observation: Array, start: Array, steps: int) -> Array:
        """Return knots (n, K, 3) [m/s, m/s, rad/s] on the card's grid.

        Args:
            observation: of the task (d,).
            start: noise that each sample begins with (n, K, 3), normalised.
            steps: number of Euler steps; ignored by the Gaussian.
        """
        ...

    def normalise(self, knots: Array) -> Array:
        """Return knots (..., K, 3) as normalised values, where noise has variance one."""
        ...


class _Normalised:
    """Common part of all kinds: the scale of observations and knots."""

    def __init__(self, card: Card, weights: Weights) -> None:
        self.card = card
        self._observation_mean, self._observation_std = (
            weights["observation_mean"], weights["observation_std"],
        )  # fmt: skip
        self._knots_mean, self._knots_std = weights["knots_mean"], weights["knots_std"]
        self.cost_to_go = CostToGo(card, weights) if card.window else None

    def normalise(self, knots: Array) -> Array:
        """See :class:`Proposal`."""
        result: Array = (knots - self._knots_mean) / self._knots_std
        return result

    def observation(self, normalised: float) -> Array:
        """Return the observation (d,) whose normalised entries all have one value."""
        values: Array = np.asarray(
            self._observation_mean + normalised * self._observation_std, np.float64
        )
        return values

    def _denormalise(self, x: NDArray[Any]) -> Array:
        return np.asarray(x * self._knots_std + self._knots_mean, np.float64)


class Flow(_Normalised):
    """The conditional flow; see the module."""

    def __init__(self, card: Card, weights: Weights) -> None:
        """Split the weights, so that the observation's part of the first layer is computed once."""
        super().__init__(card, weights)
        size, d = 3 * card.knots, len(card.observation)
        layers = len(card.hidden) + 1
        w = [np.ascontiguousarray(weights[f"layers.{i}.weight"].T) for i in range(layers)]
        self._b = [weights[f"layers.{i}.bias"] for i in range(layers)]
        self._x, self._o, self._t = w[0][:size], w[0][size : size + d], w[0][size + d :]
        self._w = w[1:]

    def sample(self, observation: Array, start: Array, steps: int) -> Array:
        """See :class:`Proposal`."""
        o = (np.asarray(observation) - self._observation_mean) / self._observation_std
        o = np.clip(o, -CLIP, CLIP).astype(np.float32)
        times = time_features(np.arange(steps) / steps).astype(np.float32)
        constant = o @ self._o + self._b[0] + times @ self._t
        x = start.reshape(len(start), -1).astype(np.float32)
        for step in range(steps):
            x = x + self._velocity(x, constant[step]) / np.float32(steps)
        return self._denormalise(x.reshape(start.shape))

    def _velocity(self, x: NDArray[np.float32], constant: NDArray[np.float32]) -> Any:
        h = x @ self._x + constant
        for w, b in zip(self._w, self._b[1:], strict=True):
            h = h / (1.0 + np.exp(-h)) @ w + b
        return h


class CostToGo:
    """The cost-to-go, the planner's cost after a state: a perceptron on the observation.

    Args:
        card: of the proposal.
        weights: weights of the whole proposal.

    Attributes:
        window: time that it covers [s].
        spread: standard deviation of its training costs.
    """

    def __init__(self, card: Card, weights: Weights) -> None:
        """Store the layers."""
        self.window = card.window
        self._mean, self._std = weights["observation_mean"], weights["observation_std"]
        self._scale = weights["cost_scale"]
        self.spread = float(self._scale[1])
        self._layers = [
            (np.ascontiguousarray(weights[f"cost.{i}.weight"].T), weights[f"cost.{i}.bias"])
            for i in range(len(card.cost_hidden) + 1)
        ]

    def __call__(self, observation: Array) -> Array:
        """Return the mean cost over the coming window (n,) from observations (n, d)."""
        o = np.clip((observation - self._mean) / self._std, -CLIP, CLIP)
        h: Any = o.astype(np.float32)
        for i, (w, b) in enumerate(self._layers):
            h = (h / (np.float32(1.0) + np.exp(-h)) if i else h) @ w + b
        return np.asarray(h[:, 0] * self._scale[1] + self._scale[0], np.float64)


class Gaussian(_Normalised):
    """One Gaussian fitted to all knots, independent of the observation: the control of the flow."""

    def __init__(self, card: Card, weights: Weights) -> None:
        """Store the square root of the covariance."""
        super().__init__(card, weights)
        self._root = weights["root"]

    def sample(self, observation: Array, start: Array, steps: int) -> Array:
        """See :class:`Proposal`."""
        x = start.reshape(len(start), -1) @ self._root.T
        return self._denormalise(x.reshape(start.shape))


def load_proposal(path: Path) -> Proposal:
    """Read a proposal from its card and the weights beside it.

    Raises:
        ModelFileError: a file is missing, damaged or of another format, or an array differs from
            the size in the card.
    """
    file = card_path(path)
    card = load_card(file)
    weights: Weights = parse_weights(file, read_weights(file, card))
    for name, shape in expected_shapes(card).items():
        if name not in weights or weights[name].shape != shape:
            found = weights[name].shape if name in weights else "nothing"
            raise ModelFileError(f"{file}: weights '{name}': expected {shape}, found {found}")
    _check_scales(file, weights)
    proposal = Flow(card, weights) if card.kind == "flow" else Gaussian(card, weights)
    _check_outputs(file, proposal)
    return proposal


def _check_scales(file: Path, weights: Weights) -> None:
    """Reject standard deviations that are zero, negative or implausible."""
    for name in ("observation_std", "knots_std"):
        if not ((weights[name] >= _LEAST_SCALE) & (weights[name] <= _LARGEST)).all():
            raise ModelFileError(
                f"{file}: weights '{name}' must be standard deviations between {_LEAST_SCALE:g} "
                f"and {_LARGEST:g}"
            )
    if "cost_scale" in weights and weights["cost_scale"][1:].min(initial=1.0) <= 0.0:
        raise ModelFileError(f"{file}: weights 'cost_scale' must have a positive spread")


def _check_outputs(file: Path, proposal: Flow | Gaussian) -> None:
    """Reject a network with knots or costs out of bounds on observations as in training."""
    card = proposal.card
    start = np.random.default_rng(0).standard_normal((_TRIALS, card.knots, 3))
    with np.errstate(all="ignore"):
        for scale in (0.0, -CLIP, CLIP):
            observation = proposal.observation(scale)
            knots = proposal.sample(observation, start, _TRIAL_STEPS)
            costs = np.zeros(1)
            if proposal.cost_to_go is not None:
                costs = proposal.cost_to_go(observation[None])
            for values, what in ((knots, "knots"), (costs, "costs")):
                if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > _LARGEST:
                    raise ModelFileError(
                        f"{file}: its network gives {what} that are not finite or beyond all bounds"
                    )


def expected_shapes(card: Card) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array that a card requires."""
    size, d = 3 * card.knots, len(card.observation)
    shapes: dict[str, tuple[int, ...]] = {
        "observation_mean": (d,), "observation_std": (d,),
        "knots_mean": (card.knots, 3), "knots_std": (card.knots, 3),
    }  # fmt: skip
    if card.window:
        shapes |= {"cost_scale": (2,), **_perceptron("cost", [d, *card.cost_hidden, 1])}
    if card.kind == "gaussian":
        return {**shapes, "root": (size, size)}
    widths = [size + d + 1 + 2 * OCTAVES, *card.hidden, size]
    return {**shapes, **_perceptron("layers", widths)}


def _perceptron(name: str, widths: list[int]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for i in range(len(widths) - 1):
        shapes[f"{name}.{i}.weight"] = (widths[i + 1], widths[i])
        shapes[f"{name}.{i}.bias"] = (widths[i + 1],)
    return shapes
