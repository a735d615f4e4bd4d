"""Shared records: the layout of qpos and qvel, and the check of readings."""

from __future__ import annotations

import numpy as np
import pytest

from gpc_ros.common.arrays import validate_array
from gpc_ros.common.errors import InputError
from gpc_ros.robot.types import JointCommand, RobotReading, SceneState


def test_state_and_simulation_arrays_convert_exactly() -> None:
    rng = np.random.default_rng(0)
    qpos, qvel = rng.normal(size=33), rng.normal(size=30)
    bodies = ("box", "cart")
    state = SceneState.from_arrays(1.5, qpos, qvel, bodies)
    np.testing.assert_array_equal(state.qpos(bodies), qpos)
    np.testing.assert_array_equal(state.qvel(bodies), qvel)
    np.testing.assert_array_equal(state.qpos(("cart",))[19:], qpos[26:])


def test_state_does_not_share_memory_with_the_simulation() -> None:
    qpos, qvel = np.zeros(19), np.zeros(18)
    state = SceneState.from_arrays(0.0, qpos, qvel)
    qpos[:] = 1.0
    assert state.qpos().max() == 0.0


def test_readings_with_bad_fields_are_named() -> None:
    reading = RobotReading(0.0, np.zeros(12), np.zeros(11))
    with pytest.raises(InputError, match="robot reading: velocity: expected shape 12"):
        reading.check()
    reading.velocity = np.full(12, np.inf)
    with pytest.raises(InputError, match=r"velocity: entry \[0\] is inf"):
        reading.check()


def test_damping_command_only_brakes() -> None:
    command = JointCommand.damping(3.0)
    assert command.kp.max() == 0.0
    assert (command.kd == 3.0).all()
    assert not command.effort.any()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, 2.0], "x: expected shape 3, got"),
        ([1.0, 2.0, float("nan")], "entry \\[2\\] is nan"),
        (["a", 1, 2], "x: not numbers"),
        ([[1.0, 2.0, 3.0]], "expected shape 3"),
    ],
)
def test_arrays_from_outside_are_checked(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        validate_array(value, (3,), "x")
