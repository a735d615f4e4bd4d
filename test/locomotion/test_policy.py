"""Walkers that are networks: their features, clock, trim and files."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import ModelFileError
from gpc_ros.common.geometry import quat_multiply, rotate, rotate_inverse
from gpc_ros.locomotion.network import Layer, Mlp, OnnxNetwork
from gpc_ros.locomotion.policy import CLOCK, COMMAND, RAW, SOURCES, Description, PolicyWalker
from gpc_ros.locomotion.policy_file import (
    WalkerCard,
    load_onnx,
    load_walker,
    parse_description,
    read_card,
    save_walker,
)
from gpc_ros.locomotion.walker import heading_velocity
from gpc_ros.robot.joints import JOINT_NAMES, SDK_LEGS, SEGMENTS, STAND
from gpc_ros.robot.types import JointCommand
from gpc_ros.safety.limits import JointLimiter
from gpc_ros.training.walker.mirror import JOINT_SIGNS, JOINTS, raw_mirror

FEATURES = (
    ("gravity", 1.0), ("joint velocity", 0.05), ("command", 2.0), ("last action", 1.0),
    ("joint position", 1.0), ("angular velocity", 0.25), ("clock", 1.0),
)  # fmt: skip
SDK_ORDER = tuple(f"{leg}_{segment}_joint" for leg in SDK_LEGS for segment in SEGMENTS)
THEIRS = Description(
    "theirs",
    FEATURES,
    SDK_ORDER,
    tuple(STAND + np.linspace(-0.5, 0.5, 12)),
    (0.1, 0.2, 0.3) * 4,
    cycle=18,
)
OURS = Description("ours", tuple((name, 1.0) for name in SOURCES), cycle=20)


def layers(description: Description, seed: int = 0) -> list[Layer]:
    rng = np.random.default_rng(seed)
    widths = (description.width, 9, 7, 12)
    return [
        (rng.normal(0.0, 0.3, (out, into)), rng.normal(0.0, 0.1, out))
        for into, out in pairwise(widths)
    ]


def situation(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    qpos, qvel = rng.normal(0.0, 0.3, (n, 26)), rng.normal(0.0, 0.5, (n, 24))
    qpos[:, 3] += 1.0
    qpos[:, 3:7] /= np.linalg.norm(qpos[:, 3:7], axis=1, keepdims=True)
    return qpos, qvel, rng.uniform(-1.0, 1.0, (n, 3))


def plainly(description: Description, given: list[Layer], raw: np.ndarray) -> np.ndarray:
    """Run the network as in training: features in its own order, one robot at a time."""
    out = np.empty((12, raw.shape[1]))
    for column in range(raw.shape[1]):
        seen = []
        for name, scale in description.features:
            part = raw[SOURCES[name], column].tolist()
            if len(part) == 12:
                part = [part[JOINT_NAMES.index(joint)] for joint in description.joints]
            seen += [scale * value for value in part]
        x = np.array(seen)
        for weight, bias in given[:-1]:
            x = weight @ x + bias
            x = np.where(x > 0.0, x, np.expm1(x))
        x = given[-1][0] @ x + given[-1][1]
        for i, joint in enumerate(description.joints):
            out[JOINT_NAMES.index(joint), column] = x[i]
    return out


@pytest.mark.parametrize("description", [OURS, THEIRS], ids=["ours", "theirs"])
def test_folded_network_equals_the_trained_network(description: Description) -> None:
    raw = np.random.default_rng(1).normal(0.0, 1.0, (RAW, 5))
    given = layers(description)
    expected = plainly(description, given, raw)
    np.testing.assert_allclose(Mlp(description, given)(raw), expected, atol=1e-5)


def test_features_contain_gravity_and_joints_relative_to_the_pose() -> None:
    qpos, qvel, command = situation(6, 2)
    walker = PolicyWalker(THEIRS, Mlp(THEIRS, layers(THEIRS)))
    memory = walker.initial_state(6).T.copy()
    raw = walker.observe(qpos, qvel, command, memory)
    down = rotate_inverse(qpos[:, 3:7], np.array([0.0, 0.0, -1.0]))
    np.testing.assert_allclose(raw[SOURCES["gravity"]].T, down, atol=1e-12)
    np.testing.assert_array_equal(raw[SOURCES["angular velocity"]].T, qvel[:, 3:6])
    default = dict(zip(THEIRS.joints, THEIRS.default, strict=True))
    pose = np.array([default[name] for name in JOINT_NAMES])
    np.testing.assert_allclose(raw[SOURCES["joint position"]].T, qpos[:, 7:19] - pose)


def test_targets_are_the_action_around_the_pose_and_are_stored() -> None:
    walker = PolicyWalker(OURS, lambda raw: np.full((12, raw.shape[1]), 2.0))
    qpos, qvel, command = situation(2, 0)
    state = walker.initial_state(2)
    targets = walker.step(qpos, qvel, command, state)
    np.testing.assert_allclose(targets.position, STAND + 0.25 * np.full((2, 12), 2.0))
    assert not targets.velocity.any()
    memory = state.T.copy()
    raw = walker.observe(qpos, qvel, command, memory)
    assert (raw[SOURCES["last action"]] == 2.0).all()


@pytest.mark.parametrize("size", [-9.0, 9.0])
def test_targets_stay_within_the_limits_of_the_bridge(size: float) -> None:
    walker = PolicyWalker(OURS, lambda raw: np.full((12, raw.shape[1]), size))
    qpos, qvel, command = situation(3, 0)
    limiter = JointLimiter()
    targets = walker.step(qpos, qvel, command, walker.initial_state(3))
    kp, kd = walker.gains.kp, walker.gains.kd
    for position, velocity in zip(targets.position, targets.velocity, strict=True):
        wanted = JointCommand(position, velocity, np.zeros(12), kp, kd)
        limiter.reset()
        limiter.limit(wanted)
    assert limiter.clamped == 0


def test_nan_action_gives_nan_targets_and_bridge_damps() -> None:
    walker = PolicyWalker(OURS, lambda raw: np.full((12, raw.shape[1]), np.nan))
    qpos, qvel, command = situation(1, 0)
    targets = walker.step(qpos, qvel, command, walker.initial_state(1))
    assert np.isnan(targets.position).all()  # clipping must not hide NaN
    wanted = JointCommand(
        targets.position[0], targets.velocity[0], np.zeros(12), walker.gains.kp, walker.gains.kd
    )
    sent, faults = JointLimiter().limit(wanted)
    assert faults == ("the joint targets are not finite",) and not sent.kp.any()


def test_batch_equals_single_robots_and_ignores_the_rest_of_the_scene() -> None:
    walker = PolicyWalker(THEIRS, Mlp(THEIRS, layers(THEIRS)))
    qpos, qvel, command = situation(4, 3)
    together = walker.initial_state(4)
    many = [walker.step(qpos, qvel, command, together) for _ in range(30)]
    for i in range(4):
        alone = walker.initial_state(1)
        row = slice(i, i + 1)
        for step in many:
            one = walker.step(qpos[row, :19], qvel[row, :18], command[row], alone)
            np.testing.assert_allclose(one.position[0], step.position[i], atol=1e-5)
        np.testing.assert_allclose(alone[0], together[i], atol=1e-5)


def test_the_clock_stops_only_where_all_feet_are_on_the_ground() -> None:
    walker = PolicyWalker(OURS, lambda raw: np.zeros((12, raw.shape[1])))
    qpos, qvel, _ = situation(1, 4)
    state = walker.initial_state(1)
    for _ in range(27):
        walker.step(qpos, qvel, np.array([[0.4, 0.0, 0.0]]), state)
    memory = state.T.copy()
    clocks = []
    for _ in range(40):
        raw = walker.observe(qpos, qvel, np.zeros((1, 3)), memory)
        clocks.append(raw[CLOCK, 0])
    assert np.any(clocks[0]) and not np.any(clocks[-1])
    stopped = next(i for i, clock in enumerate(clocks) if not np.any(clock))
    assert memory[0, 0] % (OURS.cycle // 2) == 0.0
    assert not np.any(clocks[stopped:])


@pytest.mark.parametrize("tick", [14.0, 1e6])
def test_impossible_clock_value_restarts_the_clock(tick: float) -> None:
    walker = PolicyWalker(OURS, lambda raw: np.zeros((12, raw.shape[1])))
    qpos, qvel, command = situation(1, 4)
    state = walker.initial_state(1)
    state[0, :2] = OURS.cycle + tick, 1.0  # as from a damaged message
    walker.step(qpos, qvel, command, state)
    assert state[0, 0] == 0.0


def test_velocity_is_rotated_into_the_heading_at_any_tilt() -> None:
    qpos, qvel, _ = situation(50, 7)
    x_axis = rotate(qpos[:, 3:7], np.array([1.0, 0.0, 0.0]))
    ahead = x_axis[:, :2] / np.linalg.norm(x_axis[:, :2], axis=1, keepdims=True)
    aside = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    expected = [(qvel[:, :2] * ahead).sum(axis=1), (qvel[:, :2] * aside).sum(axis=1), qvel[:, 5]]
    np.testing.assert_allclose(heading_velocity(qpos, qvel), expected, atol=1e-12)


def test_command_is_slewed_and_bounded_and_trim_removes_the_error() -> None:
    walker = PolicyWalker(OURS, lambda raw: np.zeros((12, raw.shape[1])))
    qpos = np.zeros((1, 19))
    qpos[:, 3] = 1.0
    qvel = np.zeros((1, 18))
    qvel[0, 0] = 0.3  # it walks slower than the command
    memory = walker.initial_state(1).T.copy()
    seen = [
        walker.observe(qpos, qvel, np.array([[0.4, 9.0, 0.0]]), memory)[COMMAND, 0]
        for _ in range(100)
    ]
    assert seen[0][1] == pytest.approx(OURS.slew[1] / 50.0)
    assert max(row[1] for row in seen) <= OURS.command_high[1] + OURS.trim_limit[1]
    assert 0.4 < seen[-1][0] <= 0.4 + OURS.trim_limit[0]
    assert seen[-1][0] > seen[50][0]


@given(seed=st.integers(0, 2**31))
def test_mirrored_features_equal_features_of_the_mirrored_robot(seed: int) -> None:
    qpos, qvel, command = situation(1, seed)
    qpos, qvel = qpos[:, :19], qvel[:, :18]
    walker = PolicyWalker(OURS, lambda raw: np.zeros((12, raw.shape[1])))
    memory = walker.initial_state(1).T.copy()
    memory[:2, 0] = seed % 20, 1.0
    memory[8:20, 0] = qpos[0, 7:19]
    other = memory.copy()
    other[0, 0] = (other[0, 0] + OURS.cycle // 2) % OURS.cycle
    other[8:20, 0] = memory[8:20, 0][JOINTS] * JOINT_SIGNS
    mirrored = qpos.copy(), qvel.copy()
    mirrored[0][0, 3:7] *= [1.0, -1.0, 1.0, -1.0]
    mirrored[0][0, 1] *= -1.0
    mirrored[0][0, 7:19] = qpos[0, 7:19][JOINTS] * JOINT_SIGNS
    mirrored[1][0, :6] *= [1.0, -1.0, 1.0, -1.0, 1.0, -1.0]
    mirrored[1][0, 6:18] = qvel[0, 6:18][JOINTS] * JOINT_SIGNS
    raw = walker.observe(qpos, qvel, command, memory)
    turned = walker.observe(*mirrored, command * [1.0, -1.0, -1.0], other)
    places, signs = raw_mirror()
    np.testing.assert_allclose(turned[:, 0], raw[places, 0] * signs, atol=1e-9)


def test_the_heading_does_not_matter() -> None:
    qpos, qvel, command = situation(3, 9)
    walker = PolicyWalker(OURS, Mlp(OURS, layers(OURS)))
    turn = np.array([np.cos(0.6), 0.0, 0.0, np.sin(0.6)])
    turned, moved = qpos.copy(), qvel.copy()
    turned[:, 3:7] = quat_multiply(np.tile(turn, (3, 1)), qpos[:, 3:7])
    c, s = np.cos(1.2), np.sin(1.2)
    moved[:, 0], moved[:, 1] = c * qvel[:, 0] - s * qvel[:, 1], s * qvel[:, 0] + c * qvel[:, 1]
    one, two = walker.initial_state(3), walker.initial_state(3)
    for _ in range(10):
        a = walker.step(qpos, qvel, command, one)
        b = walker.step(turned, moved, command, two)
    np.testing.assert_allclose(a.position, b.position, atol=1e-5)


def saved(folder: Path) -> Path:
    path = folder / "mine.json"
    save_walker(path, WalkerCard(THEIRS, reproduce=("gpc train-walker",)), layers(THEIRS))
    return path


def test_saved_walker_loads_unchanged(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert read_card(path).description == THEIRS
    qpos, qvel, command = situation(3, 5)
    walker, before = load_walker(path), PolicyWalker(THEIRS, Mlp(THEIRS, layers(THEIRS)))
    a, b = walker.initial_state(3), before.initial_state(3)
    np.testing.assert_allclose(
        walker.step(qpos, qvel, command, a).position,
        before.step(qpos, qvel, command, b).position,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "format 'other'"),
        ({"robot": "spot"}, "robot 'spot'"),
        ({"description": {"name": "x"}}, "features"),
        ({"description": {"name": "x", "features": [], "colour": 1}}, "unknown entry colour"),
        ({"files": {}}, "safetensors"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    path = saved(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelFileError, match=words):
        load_walker(path)


def test_damaged_or_foreign_weights_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    weights = path.with_suffix(".safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(ModelFileError, match="SHA-256"):
        load_walker(path)
    weights.unlink()
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_walker(path)
    with pytest.raises(ModelFileError, match="does not exist"):
        load_walker(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    "values",
    [
        {"joints": JOINT_NAMES[:11]},
        {"default": (0.0,)},
        {"slew": (1.0, 1.0)},
        {"features": (("odour", 1.0),)},
    ],
)
def test_impossible_description_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match="walker theirs"):
        dataclasses.replace(THEIRS, **values)  # type: ignore[arg-type]


def test_layers_that_do_not_fit_are_refused() -> None:
    given = layers(THEIRS)
    with pytest.raises(ModelFileError, match="layer 0"):
        Mlp(OURS, [(given[0][0][:, :-1], given[0][1]), *given[1:]])
    with pytest.raises(ModelFileError, match="7 actions"):
        Mlp(THEIRS, given[:-1])
    given[1][0][0, 0] = np.nan
    with pytest.raises(ModelFileError, match="not finite"):
        Mlp(THEIRS, given)


def onnx_file(path: Path, given: list[Layer], rows: object) -> Path:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    nodes, weights, name = [], [], "seen"
    for i, (weight, bias) in enumerate(given):
        arrays = {f"w{i}": weight, f"b{i}": bias}
        weights += [numpy_helper.from_array(a.astype(np.float32), key) for key, a in arrays.items()]
        nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"g{i}"], transB=1))
        name = f"g{i}"
        if i < len(given) - 1:
            nodes.append(helper.make_node("Elu", [name], [f"e{i}"]))
            name = f"e{i}"
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "walker",
        [helper.make_tensor_value_info("seen", kind, [rows, given[0][0].shape[1]])],
        [helper.make_tensor_value_info(name, kind, [rows, 12])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("rows", ["many", 1], ids=["any number of robots", "one robot"])
def test_onnx_network_walks_like_the_same_weights(tmp_path: Path, rows: object) -> None:
    given = layers(THEIRS)
    path = onnx_file(tmp_path / "their.onnx", given, rows)
    adapter = tmp_path / "their.json"
    adapter.write_text(json.dumps(dataclasses.asdict(THEIRS)))
    walker = load_onnx(path, adapter)
    raw = np.random.default_rng(0).normal(0.0, 1.0, (RAW, 4))
    np.testing.assert_allclose(walker.network(raw), Mlp(THEIRS, given)(raw), atol=1e-5)


def test_an_onnx_network_that_does_not_fit_its_adapter_is_refused(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "their.onnx", layers(THEIRS), "many")
    fewer = dataclasses.replace(THEIRS, features=FEATURES[:-1])
    with pytest.raises(ModelFileError, match="sees 47 features"):
        OnnxNetwork(fewer, path)
    path.write_bytes(b"no network")
    with pytest.raises(ModelFileError, match="not an ONNX network"):
        OnnxNetwork(THEIRS, path)


def test_an_adapter_with_a_wrong_entry_names_it(tmp_path: Path) -> None:
    adapter = tmp_path / "a.json"
    with pytest.raises(ModelFileError, match="unknown entry kq"):
        parse_description({"name": "x", "features": [["gravity", 1.0]], "kq": 3.0}, adapter)


def test_onnx_with_external_data_or_without_finite_actions_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    def model(value: float, name: str, external: bool) -> Path:
        weight = numpy_helper.from_array(np.full((45, 12), value, np.float32), "w")
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 45])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 12])], [weight],
        )  # fmt: skip
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        made.ir_version = 8
        path = tmp_path / name
        onnx.save(made, path, save_as_external_data=external, size_threshold=0)
        return path

    described = Description(
        "other", tuple((n, 1.0) for n in ("angular velocity", "gravity", "command",
                                         "joint position", "joint velocity", "last action"))
    )  # fmt: skip
    OnnxNetwork(described, model(0.1, "good.onnx", False))
    with pytest.raises(ModelFileError, match="is not an ONNX network"):
        OnnxNetwork(described, model(0.1, "external.onnx", True))
    with pytest.raises(ModelFileError, match="12 finite actions"):
        OnnxNetwork(described, model(float("nan"), "nan.onnx", False))
