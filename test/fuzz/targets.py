"""What is fuzzed: for every kind of input a valid example and the code that reads it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import odd_bags
from mutation import mutate, mutate_json
from recorded_runs import MadeRun

from gpc_ros.cli.main import main, parse
from gpc_ros.common import config
from gpc_ros.common.errors import GpcError
from gpc_ros.common.paths import share

Mutation = Callable[[bytes, random.Random], bytes]


class Defect(Exception):
    """The code under test did something that it must not do."""


@dataclass(frozen=True)
class Target:
    """One kind of input.

    Attributes:
        example: returns a valid input; the folder is for scratch.
        run: reads an input; a GpcError is right, any other exception is a defect.
        mutations: the ways to change an input.
    """

    example: Callable[[Path], bytes]
    run: Callable[[bytes, Path], None]
    mutations: tuple[Mutation, ...] = (mutate,)


def commands(*words: str) -> None:
    """Run ``gpc`` and check exit code and error output."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    if code not in (0, 1, 2):
        raise Defect(f"exit code {code}")
    if "unexpected error" in err.getvalue() or "Traceback" in err.getvalue():
        raise Defect(err.getvalue()[-2000:])


def _run_bag(folder: Path) -> bytes:
    run = MadeRun(reach=0.1, end=0.15).write(folder / "example")
    return (run / "example.mcap").read_bytes()


def _plain_bag(folder: Path) -> bytes:
    """A bag without compression, so that mutations reach the messages."""
    from mcap.writer import CompressionType

    source = MadeRun(reach=0.1, end=0.15).write(folder / "example")
    from gpc_ros.bag.bag_reader import BagReader

    reader = BagReader(source)
    rows = [
        odd_bags.Row(name, time, data, reader.topics[name].type, reader.topics[name].text)
        for name, time, data in reader.raw()
    ]
    path = odd_bags.write_mcap(folder / "plain.mcap", rows, CompressionType.NONE, 4000)
    return path.read_bytes()


def _bag(data: bytes, folder: Path) -> None:
    bag = folder / "bag" / "bag.mcap"
    bag.parent.mkdir(exist_ok=True)
    bag.write_bytes(data)
    _all_commands(folder)


def _all_commands(folder: Path) -> None:
    commands("bag", "report", str(folder), "--no-video")
    commands("bag", "export", str(folder))
    commands("bag", "repair", str(folder))
    commands("bag", "replay", str(folder))


def _db3_example(folder: Path) -> bytes:
    path = odd_bags.write_db3(folder / "example.db3", odd_bags.points(40))
    return path.read_bytes()


def _db3(data: bytes, folder: Path) -> None:
    bag = folder / "bag" / "bag.db3"
    bag.parent.mkdir(exist_ok=True)
    bag.write_bytes(data)
    commands("bag", "export", str(folder))
    commands("bag", "repair", str(folder))


def _metadata_example(folder: Path) -> bytes:
    odd_bags.write_metadata(folder, {"b_0.mcap": 5, "b_1.mcap": 5}, {"/p": 10})
    return (folder / "metadata.yaml").read_bytes()


def _metadata(data: bytes, folder: Path) -> None:
    bag = folder / "bag"
    for i in range(2):
        odd_bags.write_mcap(bag / f"b_{i}.mcap", odd_bags.points(5, start=5 * i))
    (bag / "metadata.yaml").write_bytes(data)
    commands("bag", "export", str(folder))


def _definition(data: bytes, folder: Path) -> None:
    from gpc_ros.bag.message_types import Codec

    try:
        codec = Codec("gpc_msgs/msg/Plan", data.decode("utf-8", "replace"))
        codec.decode(b"\0\1\0\0" + b"\1" * 200)
    except GpcError:
        pass


def _definition_example(_: Path) -> bytes:
    from gpc_ros.bag.message_types import definition

    return definition("gpc_msgs/msg/Plan").text.encode()


def _proposal_card(data: bytes, folder: Path) -> None:
    weights = share("models", "proposals", "navigate.safetensors")
    _load_proposal(data, weights.read_bytes(), folder)


def _load_proposal(card: bytes, weights: bytes, folder: Path) -> None:
    from gpc_ros.proposal.flow_model import load_proposal

    (folder / "navigate.json").write_bytes(card)
    (folder / "navigate.safetensors").write_bytes(weights)
    try:
        proposal = load_proposal(folder / "navigate.json")
    except GpcError:
        return
    card_of = proposal.card
    start = np.random.default_rng(0).standard_normal((8, card_of.knots, 3))
    knots = proposal.sample(np.zeros(len(card_of.observation)), start, 4)
    if not np.isfinite(knots).all():
        raise Defect("a proposal with knots that are not finite was accepted")


def _with_checksum(card: Path, weights: bytes) -> bytes:
    document = json.loads(card.read_text())
    document["files"]["safetensors"]["sha256"] = hashlib.sha256(weights).hexdigest()
    return json.dumps(document).encode()


def _proposal_weights(data: bytes, folder: Path) -> None:
    card = share("models", "proposals", "navigate.json")
    _load_proposal(_with_checksum(card, data), data, folder)


def _walker(card: bytes, weights: bytes, folder: Path) -> None:
    from gpc_ros.locomotion.registry import make_walker

    (folder / "learned.json").write_bytes(card)
    (folder / "learned.safetensors").write_bytes(weights)
    try:
        walker = make_walker(str(folder / "learned.json"))
    except GpcError:
        return
    state = walker.initial_state(1)
    qpos = np.zeros((1, 19))
    qpos[0, 2:4] = 0.3, 1.0
    for _ in range(3):
        targets = walker.step(qpos, np.zeros((1, 18)), np.zeros((1, 3)), state)
    if not np.isfinite(targets.position).all():
        raise Defect("a walker with targets that are not finite was accepted")


def _walker_card(data: bytes, folder: Path) -> None:
    _walker(data, share("models", "walkers", "learned.safetensors").read_bytes(), folder)


def _walker_weights(data: bytes, folder: Path) -> None:
    _walker(_with_checksum(share("models", "walkers", "learned.json"), data), data, folder)


def _parameters(data: bytes, folder: Path) -> None:
    from gpc_ros.settings.node_settings import PlannerSettings
    from gpc_ros.settings.parameter_files import read_parameters

    (folder / "planner.yaml").write_bytes(data)
    with contextlib.suppress(GpcError):
        config.replace(PlannerSettings(), read_parameters(folder / "planner.yaml"), "file")


def _offsets(data: bytes, folder: Path) -> None:
    from gpc_ros.mocap.mocap_offsets import read_offsets

    (folder / "offsets.yaml").write_bytes(data)
    with contextlib.suppress(GpcError):
        read_offsets(folder / "offsets.yaml")


def _command_line(data: bytes, _: Path) -> None:
    words = data.decode("utf-8", "replace").split("\n")
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(GpcError, SystemExit),
    ):
        parse(words)


_WORDS = (
    *[
        "sim",
        "bag",
        "report",
        "replay",
        "proposal",
        "collect",
        "walker",
        "train",
        "evaluate",
        "doctor",
        "config",
        "--set",
    ],
    *[
        "seed:=3",
        "samples:=8",
        "--num-rollouts",
        "8",
        "=",
        ":=",
        "--",
        "-",
        "--out",
        "box_push",
        "task:=navigate",
    ],
    *[
        "planner.cem.elites=3",
        "--seeds",
        "0:3",
        "--help",
        "--version",
        "goal:=1,2",
        "goal:=nan,nan,nan",
    ],
    *["1e400", "[", "{", "--set=a.b=c"],
    *("\0", "é", "x" * 300, ""),
)


def _words(data: bytes, rng: random.Random) -> bytes:
    return "\n".join(rng.choice(_WORDS) for _ in range(rng.randrange(1, 6))).encode()


def _file(*parts: str) -> Callable[[Path], bytes]:
    return lambda _: share(*parts).read_bytes()


def _offsets_example(_: Path) -> bytes:
    return b"base: {position: [0.1, 0.0, 0.2], orientation: [1.0, 0.0, 0.0, 0.0]}\n"


TARGETS: dict[str, Target] = {
    "bag": Target(_run_bag, _bag),
    "plain_bag": Target(_plain_bag, _bag),
    "sqlite": Target(_db3_example, _db3),
    "metadata": Target(_metadata_example, _metadata),
    "definition": Target(_definition_example, _definition),
    "proposal_card": Target(
        _file("models", "proposals", "navigate.json"), _proposal_card, (mutate, mutate_json)
    ),
    "proposal_weights": Target(
        _file("models", "proposals", "navigate.safetensors"), _proposal_weights
    ),
    "walker_card": Target(
        _file("models", "walkers", "learned.json"), _walker_card, (mutate, mutate_json)
    ),
    "walker_weights": Target(_file("models", "walkers", "learned.safetensors"), _walker_weights),
    "parameters": Target(_file("config", "planner.yaml"), _parameters),
    "offsets": Target(_offsets_example, _offsets),
    "command_line": Target(lambda _: b"sim", _command_line, (mutate, _words)),
}
# Nothing under test may start a window or talk to a robot.
os.environ.setdefault("MUJOCO_GL", "disable")
