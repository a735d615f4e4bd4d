"""Synthetic messages, bags and runs for the tests of bag, replay and report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.bag.message_types import Codec, codec

POSE = "geometry_msgs/msg/PoseStamped"


def message(type_name: str, **fields: Any) -> Any:
    """Return a message with some fields set; a dict sets nested fields, all others are zero.

    A field ``stamp`` given for a message with a header sets the header's stamp [s].
    """
    if "stamp" in fields and "header" not in fields:
        fields["header"] = {"stamp": _time(fields.pop("stamp")), "frame_id": "map"}
    return _make(codec(type_name), type_name, fields)


def encoded(type_name: str, **fields: Any) -> bytes:
    """Return :func:`message` serialised."""
    return codec(type_name).encode(message(type_name, **fields))


def _time(seconds: float) -> dict[str, int]:
    nanoseconds = round(seconds * 1e9)
    return {"sec": nanoseconds // 10**9, "nanosec": nanoseconds % 10**9}


def _make(c: Any, type_name: str, fields: dict[str, Any]) -> Any:
    unknown = set(fields) - {name for name, _ in c.fields(type_name)}
    assert not unknown, f"{type_name} has no {unknown}"
    values = {}
    for name, (kind, rest) in c.fields(type_name):
        given = fields.get(name)
        if kind == 2:  # another message
            values[name] = _make(c, rest, given or {})
        elif kind == 1:
            values[name] = _scalar(rest[0]) if given is None else given
        else:
            (element, inner), length = rest
            if element == 2:
                values[name] = [_make(c, inner, item) for item in given or []]
            elif inner[0] == "string":
                values[name] = list(given or [])
            else:
                empty = np.zeros(length if kind == 3 else 0)
                values[name] = np.asarray(empty if given is None else given, dtype=inner[0])
    return c.make(type_name, **values)


def _scalar(base: str) -> Any:
    return {"string": "", "bool": False, "float64": 0.0, "float32": 0.0}.get(base, 0)


def pose_bytes(x: float, stamp: float = 0.0, frame: str = "map") -> bytes:
    """Return a serialised pose at x."""
    header = {"stamp": _time(stamp), "frame_id": frame}
    pose = {"position": {"x": x}, "orientation": {"w": 1.0}}
    return encoded(POSE, header=header, pose=pose)


@pytest.fixture(name="encoded")
def _encoded() -> Callable[..., bytes]:
    """Return a function that makes serialised messages."""
    return encoded


@pytest.fixture
def pose() -> Callable[..., bytes]:
    """Return a function that makes serialised poses."""
    return pose_bytes


@pytest.fixture
def pose_bag(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a bag with n messages on /pose, flushed in chunks."""

    def make(n: int = 20, every: int = 5, name: str = "bag", compression: str = "zstd") -> Path:
        folder = tmp_path / name
        writer = BagWriter(folder, {"task": "none"}, compression)
        writer.add_topic("/pose", POSE)
        for i in range(n):
            writer.write("/pose", pose_bytes(float(i)), 1_000_000_000 + i * 10_000_000)
            if (i + 1) % every == 0:
                writer.flush()
        writer.close()
        return folder

    return make


MSGS = "gpc_msgs/msg/"
T0 = 1_790_000_000.0  # clock time at which the goal of a synthetic run is set [s]
GOAL = (1.5, 0.5, 0.4)


class MadeRun:
    """A synthetic run: the robot walks along x while the box glides to its goal.

    Args:
        reach: time of arrival of the box [s]; it rests afterwards.
        end: end of the recording [s].
        task: name of the task.
        prefix: of every topic.
    """

    def __init__(
        self, reach: float = 2.0, end: float = 3.0, task: str = "box_push", prefix: str = "/"
    ) -> None:
        self.reach, self.end, self.task, self.prefix = reach, end, task, prefix
        self.info = {"task": task, "seed": "7", "gpc_ros": "0.1.0"}
        self.leave_out: set[str] = set()
        self.miss_always = False
        self.gain = 80.0  # kp of the joint commands
        self.status: dict[str, Any] = {}
        self.modes: list[tuple[float, int, str, list[str]]] = [
            (-1.0, 1, "STANDING_UP", ["standing up"]),
            (-0.5, 2, "READY", []),
            (0.0, 3, "ACTIVE", []),
        ]

    def write(self, folder: Path) -> Path:
        """Write the bag."""
        self._writer = BagWriter(folder, self.info)
        messages = [
            *self._goal(), *self._states(), *self._cycles(), *self._modes(), *self._joints(),
        ]  # fmt: skip
        for time, topic, type_name, fields in sorted(messages, key=lambda m: m[0]):
            if topic in self.leave_out:
                continue
            name = self.prefix + topic
            fields.setdefault("stamp", T0 + time)
            self._writer.add_topic(name, type_name)
            received = round((T0 + time + 0.001) * 1e9)
            self._writer.write(name, encoded(type_name, **fields), received)
        self._writer.close()
        return folder

    def box(self, time: float) -> tuple[float, float, float]:
        """Return the true planar pose of the box at a time."""
        share = min(max(time / self.reach, 0.0), 1.0)
        return GOAL[0] - (1.0 - share), GOAL[1], GOAL[2]

    def _goal(self) -> list[Any]:
        pose = _planar(*GOAL, height=0.0)
        return [(0.0, "goal", POSE, {"pose": pose})]

    def _states(self) -> list[Any]:
        messages = []
        for time in np.arange(-1.0, self.end + 1e-9, 0.02):
            for topic, error in (("scene_state", 0.01), ("ground_truth", 0.0)):
                box = {
                    "name": "box", "pose": _planar(*self.box(time), height=0.175), "age": 0.004,
                }  # fmt: skip
                fields: dict[str, Any] = {
                    "pose": _planar(0.2 * max(time, 0.0) + error, 0.0, 0.0, height=0.3),
                    "twist": {"linear": {"x": 0.2 if time > 0.0 else 0.0}},
                    "joint_position": np.tile([0.0, 0.8, -1.5], 4),
                    "covariance": np.full(12, 1e-4),
                    "base_age": 0.003,
                    "objects": [box] if self.task == "box_push" else [],
                }
                messages.append((float(time), topic, MSGS + "SceneState", fields))
            speed = 0.25 if time > 0.0 else 0.0
            command: dict[str, Any] = {"command": [speed, 0.0, 0.0], "walker": "trot"}
            messages.append((float(time), "walker_state", MSGS + "WalkerState", command))
        return messages

    def _cycles(self) -> list[Any]:
        messages = []
        misses = 0
        for i, time in enumerate(np.arange(0.0, self.end, 0.1)):
            missed = i == 5 or self.miss_always
            misses += missed
            fields: dict[str, Any] = {
                "id": i + 1, "cycles": i + 1, "misses": misses, "task": self.task,
                "optimizer": "cem", "num_rollouts": 16, "valid": 12 if missed else 16,
                "completed": 12 if missed else 16, "plan_time": 0.095 if missed else 0.03,
                "deadline": 0.09, "rollout_time": 0.025, "state_age": 0.006, "best_cost": 1.0,
                "nominal_cost": 1.1, "mean_cost": 2.0, "effective_sample_size": 9.0,
                "sigma": [0.3, 0.2, 0.6], "term_names": ["distance", "yaw", "fall"],
                "term_values": [0.8, 0.2, 0.0], "goal": GOAL, **self.status,
            }  # fmt: skip
            messages.append((float(time), "planner/status", MSGS + "PlannerStatus", fields))
            plan = {
                "id": i + 1, "task": self.task, "robot": "go2", "knot_dt": 0.5, "order": 1,
                "start": _time(T0 + time), "expiry": _time(T0 + time + 0.3),
                "knots": np.zeros(12), "cost": 1.0,
            }  # fmt: skip
            messages.append((float(time), "plan", MSGS + "Plan", plan))
        return messages

    def _modes(self) -> list[Any]:
        return [
            (time, "supervisor", MSGS + "SupervisorState", {
                "state": number, "name": name, "reasons": reasons, "period_p99": 0.0021,
                "latency_p99": 0.003, "counter_names": ["plans refused"], "counter_values": [2],
            })
            for time, number, name, reasons in self.modes
        ]  # fmt: skip

    def _joints(self) -> list[Any]:
        messages: list[Any] = []
        for time in np.arange(-1.0, self.end, 0.02):
            q = np.tile([0.0, 0.8, -1.5], 4)
            command = {"position": q, "kp": np.full(12, self.gain)}
            messages.append((float(time), "joint_commands", MSGS + "JointCommand", command))
            reading = {
                "name": [f"j{i}" for i in range(12)], "position": q + np.radians(2.0),
                "velocity": np.zeros(12), "effort": np.full(12, 5.0),
            }  # fmt: skip
            messages.append((float(time), "joint_states", "sensor_msgs/msg/JointState", reading))
        return messages


def _planar(x: float, y: float, yaw: float, height: float) -> dict[str, Any]:
    return {
        "position": {"x": float(x), "y": float(y), "z": height},
        "orientation": {"z": float(np.sin(yaw / 2)), "w": float(np.cos(yaw / 2))},
    }


@pytest.fixture
def message_of() -> Callable[..., bytes]:
    """Return a function that serialises a type from its definition."""

    def make(type_name: str, text: str, **fields: Any) -> bytes:
        c = Codec(type_name, text)
        return c.encode(_make(c, type_name, fields))

    return make


@pytest.fixture
def made_run() -> type[MadeRun]:
    """Return the class of synthetic runs."""
    return MadeRun
