"""The networks behind a walker: the package's in NumPy, other ones through ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import ConfigError, ModelFileError
from gpc_ros.common.files import read_input
from gpc_ros.locomotion.policy import RAW, Description

_MAX_SIZE = 500_000_000  # largest ONNX file [bytes]

Layer = tuple[Array, Array]
Single = NDArray[np.float32]


class Mlp:
    """A perceptron with ELU units, in single precision and mostly in place.

    Order and scale of features and joints are folded into the first and the last layer. Biases
    after the first layer are the weights of a unit that is always one. A step thus costs little
    more than three matrix products; it runs a hundred times in every rollout.

    Args:
        description: connection of the network to the robot.
        layers: weights (out, in) and biases (out,), first to last.
    """

    def __init__(self, description: Description, layers: Sequence[Layer]) -> None:
        """Fold the description into the weights.

        Raises:
            ModelFileError: the layers do not fit the description or each other.
        """
        rows, scales = description.feature_map()
        check_layers(description, layers)
        folded = [(np.array(w, np.float64), np.array(b, np.float64)) for w, b in layers]
        first = np.zeros((len(folded[0][0]), RAW))
        np.add.at(first.T, rows, (folded[0][0] * scales).T)
        folded[0] = first, folded[0][1]
        order = description.order
        folded[-1] = folded[-1][0][order], folded[-1][1][order]
        whole = [_with_bias(*layer) for layer in folded]
        whole[-1] = whole[-1][:-1]  # the last layer needs no constant unit
        self._first, self._bias = whole[0][:, :-1].copy(), whole[0][:, -1:]
        self._rest = [weight.copy() for weight in whole[1:]]
        self._repeated: dict[int, tuple[Single, list[tuple[Single, Single]]]] = {}

    def __call__(self, raw: Array) -> Array:
        """Return actions (12, N) of raw features (RAW, N), both in model order."""
        bias, constants = self._for(raw.shape[1])
        x = self._first.dot(raw.astype(np.float32))  # faster than @ at these sizes
        x += bias
        for weight, (zero, one) in zip(self._rest, constants, strict=True):
            # ELU as max(x, exp(min(x, 0)) - 1): below zero exp(x) - 1 > x, above zero it is clipped
            # to 0.
            low = np.minimum(x, zero)
            np.exp(low, out=low)  # NumPy vectorises exp but not expm1
            low -= one
            np.maximum(x, low, out=x)
            x = weight.dot(x)
        return x.astype(np.float64)

    def _for(self, n: int) -> tuple[Single, list[tuple[Single, Single]]]:
        """Return the first bias, and zeros and ones for each layer, as wide as a batch.

        Adding an array of the same shape takes half the time of broadcasting a column or a number.
        """
        found = self._repeated.get(n)
        if found is None:
            shapes = [(weight.shape[1], n) for weight in self._rest]
            constants = [(np.zeros(k, np.float32), np.ones(k, np.float32)) for k in shapes]
            found = self._repeated[n] = np.repeat(self._bias, n, axis=1), constants
        return found


def _with_bias(weight: Array, bias: Array) -> Single:
    """Return weights (out + 1, in + 1); the last input and the last output are one."""
    out, into = weight.shape
    whole = np.zeros((out + 1, into + 1), np.float32)
    whole[:-1, :-1], whole[:-1, -1], whole[-1, -1] = weight, bias, 1.0
    return whole


class OnnxNetwork:
    """A network in an ONNX file, for comparison: one input (N, F), one output (N, 12).

    Args:
        description: connection of the network to the robot.
        path: of the file.
        clip: bound of features and actions.
    """

    def __init__(self, description: Description, path: Path, clip: float = 100.0) -> None:
        """Open the file.

        Raises:
            ConfigError: onnxruntime is not installed.
            ModelFileError: the file cannot be read, or the network has another shape.
        """
        try:
            import onnxruntime
        except ImportError:
            raise ConfigError(
                f"{path}: reading it needs onnxruntime: make training, or pip install onnxruntime"
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session: Any = onnxruntime.InferenceSession(
                read_input(path, _MAX_SIZE), options, providers=["CPUExecutionProvider"]
            )
        except OSError as error:
            raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
        except Exception as error:  # the library raises its own exception types
            first = str(error).splitlines()[0]
            raise ModelFileError(f"{path}: is not an ONNX network ({first})") from None
        self._rows, scales = description.feature_map()
        given = self._session.get_inputs()[0]
        if given.shape[-1] != len(self._rows):
            raise ModelFileError(
                f"{path}: the network sees {given.shape[-1]} features, its adapter describes "
                f"{len(self._rows)}"
            )
        self._input, self._many = given.name, not isinstance(given.shape[0], int)
        self._scales = scales[:, None]
        self._order, self._clip = description.order, clip
        self._try(path)

    def _try(self, path: Path) -> None:
        """Run the network once for a standing robot.

        Raises:
            ModelFileError: the output is not 12 finite actions.
        """
        try:
            action = self(np.zeros((RAW, 1)))
        except Exception as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelFileError(f"{path}: the network cannot be run ({first})") from None
        if action.shape != (12, 1) or not np.isfinite(action).all():
            raise ModelFileError(f"{path}: the network does not give 12 finite actions")

    def __call__(self, raw: Array) -> Array:
        """Return actions (12, N) of raw features (RAW, N), both in model order."""
        features = np.clip(raw[self._rows] * self._scales, -self._clip, self._clip)
        batch = features.T.astype(np.float32)
        if self._many:
            (out,) = self._session.run(None, {self._input: batch})
        else:  # the network has batch size one
            rows = [self._session.run(None, {self._input: row[None]})[0] for row in batch]
            out = np.concatenate(rows)
        action: Array = np.clip(out[:, self._order].T, -self._clip, self._clip).astype(np.float64)
        return action


def check_layers(description: Description, layers: Sequence[Layer]) -> None:
    """Raise ModelFileError if layers do not fit a description or each other."""
    width = description.width
    for i, (weight, bias) in enumerate(layers):
        if weight.ndim != 2 or weight.shape[1] != width or bias.shape != (len(weight),):
            raise ModelFileError(
                f"walker {description.name}: layer {i} has weights {weight.shape} and biases "
                f"{bias.shape}, expected {width} inputs"
            )
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise ModelFileError(f"walker {description.name}: layer {i} is not finite")
        width = len(weight)
    if width != 12:
        raise ModelFileError(f"walker {description.name}: gives {width} actions, not 12")
