"""Readings and commands survive the way through the robot's messages, in its joint order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import InputError
from gpc_ros.robot.joints import JOINT_NAMES, STAND, UPPER
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.unitree import codec, low_level_messages
from gpc_ros.unitree.low_level_messages import COMMAND, STATE

seeds = st.integers(0, 2**32 - 1)


def rows(seed: int, count: int) -> list[np.ndarray]:
    """Return rows of 12 numbers as single precision holds them."""
    numbers = np.random.default_rng(seed).normal(0.0, 10.0, (count, 12))
    return list(numbers.astype(np.float32).astype(np.float64))


@given(seeds)
def test_a_command_arrives_as_it_was_sent(seed: int) -> None:
    dq, tau, kp, kd = (0.1 * row.astype(np.float32) for row in rows(seed, 4))
    q = (STAND + np.random.default_rng(seed).uniform(-0.5, 0.5, 12)).astype(np.float32)
    sent = JointCommand(*(x.astype(np.float64) for x in (q, dq, tau, np.abs(kp), np.abs(kd))))
    record = low_level_messages.seal(codec.command_to_low_cmd(sent, codec.new_command()))
    got = codec.command_from_low_cmd(COMMAND.decode(COMMAND.encode(record)))
    for name in ("position", "velocity", "effort", "kp", "kd"):
        assert getattr(got, name).tolist() == getattr(sent, name).tolist()


@given(seeds)
def test_a_reading_arrives_as_it_was_sent(seed: int) -> None:
    q, dq, tau = rows(seed, 3)
    sent = RobotReading(1.5, q, dq, tau, foot_force=np.array([1.0, 2.0, 3.0, 4.0]), battery=0.8)
    sent.temperature, sent.tick = np.arange(30.0, 42.0), 2**32 + 7
    record = codec.reading_to_low_state(sent, codec.new_state())
    got = codec.reading_from_low_state(STATE.decode(STATE.encode(record)), 1.5)
    for name in ("position", "velocity", "effort", "foot_force", "temperature", "orientation"):
        assert getattr(got, name).tolist() == getattr(sent, name).tolist(), name
    assert (got.battery, got.tick, got.stamp, got.faults) == (0.8, 7, 1.5, ())


def test_the_first_motor_is_the_front_right_hip() -> None:
    command = JointCommand.damping(0.0)
    command.position[JOINT_NAMES.index("FR_hip_joint")] = 0.5
    record = codec.command_to_low_cmd(command, codec.new_command())
    # A joint without stiffness does not follow its position, which still lies in its range.
    calf = float(np.nextafter(np.float32(UPPER[2]), np.float32(-1.0)))
    assert record["motor"]["q"][:12].tolist() == pytest.approx([0.5, 0, calf, *[0, 0, calf] * 3])
    reading = RobotReading(0.0, np.zeros(12), np.zeros(12), foot_force=np.array([0.0, 9, 0, 0]))
    assert codec.reading_to_low_state(reading, codec.new_state())["foot_force"].tolist() == [
        9,
        0,
        0,
        0,
    ]


def test_a_new_command_controls_nothing() -> None:
    command = codec.command_from_low_cmd(codec.new_command())
    assert not command.kp.any() and not command.kd.any() and not command.effort.any()
    assert not command.position.any() and not command.velocity.any()


def test_an_idle_motor_and_a_stop_value_take_the_gain_away() -> None:
    sent = JointCommand(STAND, *(np.full(12, 1.0) for _ in range(4)))
    record = codec.command_to_low_cmd(sent, codec.new_command())
    record["motor"]["mode"][0] = low_level_messages.IDLE
    record["motor"]["q"][1] = low_level_messages.STOP_POSITION
    record["motor"]["dq"][2] = low_level_messages.STOP_VELOCITY
    got = codec.command_from_low_cmd(record)
    hip, thigh, calf = (JOINT_NAMES.index(f"FR_{s}_joint") for s in ("hip", "thigh", "calf"))
    assert (got.kp[hip], got.kd[hip], got.effort[hip]) == (0.0, 0.0, 0.0)
    assert (got.kp[thigh], got.kd[thigh], got.effort[thigh]) == (0.0, 1.0, 1.0)
    assert (got.kp[calf], got.kd[calf], got.velocity[calf]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("name", ["position", "velocity", "effort", "kp", "kd"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_never_sent(name: str, value: float) -> None:
    command = JointCommand.damping(3.0)
    getattr(command, name)[5] = value
    record = codec.new_command()
    before = record.tobytes()
    with pytest.raises(InputError):
        codec.command_to_low_cmd(command, record)
    assert record.tobytes() == before


def test_a_negative_gain_is_never_sent() -> None:
    with pytest.raises(InputError, match="kd of FL_hip_joint is -1"):
        codec.command_to_low_cmd(JointCommand.damping(-1.0), codec.new_command())


def test_lost_motors_are_named() -> None:
    lost = np.zeros(12, dtype=bool)
    lost[2] = True
    assert codec.reading_from_low_state(codec.new_state(), 0.0, lost).faults == (
        "FL_calf_joint: the robot has lost this motor",
    )
