"""Export the sampler of a flow as an ONNX graph: noise and observation in, knots out.

The graph is for users of other languages; this package runs the safetensors file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from gpc_ros.proposal.card import Card
from gpc_ros.proposal.flow_model import CLIP, Weights, time_features


def sampler_graph(card: Card, weights: Weights, steps: int) -> bytes:
    """Return the serialised graph.

    Inputs are ``noise`` (n, K, 3), normal with variance one, and ``observation`` (d,); the output
    is ``knots`` (n, K, 3) [m/s, m/s, rad/s], after this many Euler steps.
    """
    graph = _Graph()
    size, d = 3 * card.knots, len(card.observation)
    w0 = weights["layers.0.weight"].T
    centred = graph.add("Sub", "observation", graph.constant(weights["observation_mean"]))
    scaled = graph.add("Div", centred, graph.constant(weights["observation_std"]))
    limits = [graph.constant(np.float32(v)) for v in (-CLIP, CLIP)]
    o = graph.add("MatMul", graph.add("Clip", scaled, *limits), graph.constant(w0[size : size + d]))
    times = time_features(np.arange(steps) / steps) @ w0[size + d :] + weights["layers.0.bias"]
    flat = graph.constant(np.array([-1, size], np.int64))
    x = graph.add("Reshape", "noise", flat)
    w_x = graph.constant(w0[:size])
    layers = []
    for i in range(1, len(card.hidden) + 1):
        w = graph.constant(weights[f"layers.{i}.weight"].T)
        layers.append((w, graph.constant(weights[f"layers.{i}.bias"])))
    for step in range(steps):
        constant = graph.add("Add", o, graph.constant(times[step].astype(np.float32)))
        h = graph.add("Add", graph.add("MatMul", x, w_x), constant)
        for w, b in layers:
            h = graph.add("Mul", h, graph.add("Sigmoid", h))
            h = graph.add("Add", graph.add("MatMul", h, w), b)
        x = graph.add("Add", x, graph.add("Mul", h, graph.constant(np.float32(1.0 / steps))))
    shaped = graph.add("Reshape", x, graph.constant(np.array([-1, card.knots, 3], np.int64)))
    scaled = graph.add("Mul", shaped, graph.constant(weights["knots_std"]))
    graph.add("Add", scaled, graph.constant(weights["knots_mean"]), out="knots")
    kind = TensorProto.FLOAT
    built = helper.make_graph(
        graph.nodes,
        "flow",
        [
            helper.make_tensor_value_info("noise", kind, ["n", card.knots, 3]),
            helper.make_tensor_value_info("observation", kind, [d]),
        ],
        [helper.make_tensor_value_info("knots", kind, ["n", card.knots, 3])],
        graph.constants,
    )
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    serialised: bytes = model.SerializeToString()
    return serialised


class _Graph:
    """Nodes and constants of a graph under construction, with unique names."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, out: str = "") -> str:
        out = out or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [out]))
        return out

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name
