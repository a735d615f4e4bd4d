"""Joint limits: no command leaves them, and violations are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gpc_ros.robot.joints import LOWER, STAND, TORQUE_LIMIT, UPPER, VELOCITY_LIMIT
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.safety.limits import JointLimiter, LimitsConfig, VelocityLimiter

FINE: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


def command(position: np.ndarray) -> JointCommand:
    return JointCommand(position, np.zeros(12), np.zeros(12), np.full(12, 80.0), np.full(12, 2.0))


def reading(**changes: np.ndarray) -> RobotReading:
    values: dict[str, Any] = {"position": STAND.copy(), "velocity": np.zeros(12), **changes}
    return RobotReading(0.0, **values)


any_number = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(targets=st.lists(arrays(np.float64, 12, elements=any_number), max_size=6))
def test_no_sequence_of_targets_leaves_the_limits(targets: list[np.ndarray]) -> None:
    limiter = JointLimiter()
    last = None
    for target in targets:
        sent, _ = limiter.limit(command(target))
        assert np.isfinite(sent.position).all()
        if sent.kp.max() > 0.0:
            assert (sent.position >= LOWER).all()
            assert (sent.position <= UPPER).all()
            if last is not None:
                assert np.abs(sent.position - last).max() <= limiter.config.max_step + 1e-12
            last = sent.position


def test_targets_within_limits_pass_unchanged() -> None:
    limiter = JointLimiter()
    sent, faults = limiter.limit(command(STAND + 0.1))
    np.testing.assert_array_equal(sent.position, STAND + 0.1)
    assert not faults
    assert limiter.clamped == limiter.stepped == 0


def test_clamped_and_limited_targets_are_counted() -> None:
    limiter = JointLimiter()
    limiter.limit(command(STAND))
    far = STAND.copy()
    far[2] = UPPER[2] + 0.1
    limiter.limit(command(far))
    assert limiter.clamped == 1
    assert limiter.stepped == 1


def test_far_outside_for_three_cycles_is_a_fault_that_names_the_joint() -> None:
    limiter = JointLimiter()
    far = STAND.copy()
    far[5] = UPPER[5] + 0.5
    assert [bool(limiter.limit(command(far))[1]) for _ in range(3)] == [False, False, True]
    assert "FR_calf_joint: target" in limiter.limit(command(far))[1][0]
    limiter.limit(command(STAND))
    assert not limiter.limit(command(far))[1]


def test_targets_that_are_not_finite_damp() -> None:
    sent, faults = JointLimiter().limit(command(np.full(12, np.nan)))
    assert sent.kp.max() == 0.0
    assert faults == ("the joint targets are not finite",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"velocity": 46.0}, "RL_thigh_joint: 46.0 rad/s is over the limit of 45.15 rad/s"),
        ({"effort": 30.0}, "RL_thigh_joint: 30.0 N m is over the limit of 23.7 N m"),
    ],
)
def test_overload_slows_down_and_is_a_fault_after_a_few_cycles(
    changes: dict[str, float], message: str
) -> None:
    limiter = JointLimiter(LimitsConfig(overload_cycles=3))
    arrays_ = {}
    for name, value in changes.items():
        arrays_[name] = np.zeros(12)
        arrays_[name][7] = value
    results = [limiter.watch(reading(**arrays_)) for _ in range(3)]
    assert results == [((), (message,)), ((), (message,)), ((message,), ())]


def test_a_single_cycle_over_the_limit_does_not_count() -> None:
    limiter = JointLimiter(LimitsConfig(overload_cycles=2))
    fast = np.zeros(12)
    fast[0] = 50.0
    for _ in range(5):
        broken, near = limiter.watch(reading(velocity=fast))
        assert broken == () and near[0].startswith("FL_hip_joint")
        assert limiter.watch(reading()) == FINE


def test_a_leg_driven_faster_than_its_motor_turns_is_not_a_fault() -> None:
    limiter = JointLimiter(LimitsConfig(overload_cycles=1))
    assert limiter.watch(reading(velocity=1.4 * VELOCITY_LIMIT)) == FINE


def test_a_saturated_motor_is_not_a_fault() -> None:
    limiter = JointLimiter(LimitsConfig(overload_cycles=1))
    assert limiter.watch(reading(effort=TORQUE_LIMIT.copy())) == FINE


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (79.0, ((), ())),
        (85.0, ((), ("RR_thigh_joint: motor at 85 deg C (limit 80 deg C)",))),
        (99.0, (("RR_thigh_joint: motor at 99 deg C (limit 95 deg C)",), ())),
    ],
)
def test_a_warm_motor_is_a_warning_and_a_hot_one_a_fault(
    degrees: float, expected: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    temperature = np.full(12, 40.0)
    temperature[10] = degrees
    limiter = JointLimiter(LimitsConfig(temperature_cycles=1))
    assert limiter.watch(reading(temperature=temperature)) == expected


def test_a_motor_is_too_hot_after_a_few_cycles_in_a_row() -> None:
    limiter, hot = JointLimiter(), reading(temperature=np.full(12, 150.0))
    sentence = "FL_hip_joint: motor at 150 deg C (limit 95 deg C)"
    for _ in range(3):
        assert [limiter.watch(hot) for _ in range(4)] == [((), (sentence,))] * 4
        assert limiter.watch(reading()) == FINE
    assert [limiter.watch(hot) for _ in range(5)][-1] == ((sentence,), ())


def test_held_target_is_repeated_and_rate_limited_target_arrives() -> None:
    limiter = JointLimiter(LimitsConfig(max_step=0.1))
    limiter.limit(command(STAND))
    held = command(STAND + 0.25)
    sent = [limiter.limit(held)[0] for _ in range(5)]
    np.testing.assert_allclose(sent[0].position, STAND + 0.1)
    np.testing.assert_allclose(sent[1].position, STAND + 0.2)
    np.testing.assert_array_equal(sent[2].position, STAND + 0.25)
    assert sent[3] is sent[4]


def test_velocity_and_torque_of_a_command_are_limited() -> None:
    wild = JointCommand(STAND, np.full(12, 1e9), np.full(12, -1e9), np.ones(12), np.ones(12))
    sent, _ = JointLimiter().limit(wild)
    np.testing.assert_array_equal(sent.velocity, VELOCITY_LIMIT)
    np.testing.assert_array_equal(sent.effort, -TORQUE_LIMIT)


def test_walking_commands_are_limited_reduced_and_finite() -> None:
    limiter = VelocityLimiter(np.array([-0.6, -0.4, -1.2]), np.array([0.8, 0.4, 1.2]))
    np.testing.assert_array_equal(limiter.limit(np.array([0.1, 0.2, 0.3])), [0.1, 0.2, 0.3])
    assert limiter.limited == 0
    np.testing.assert_array_equal(limiter.limit(np.array([9.0, -9.0, 0.0])), [0.8, -0.4, 0.0])
    np.testing.assert_array_equal(limiter.limit(np.array([9.0, -9.0, 0.0]), 0.5), [0.4, -0.2, 0.0])
    np.testing.assert_array_equal(limiter.limit(np.array([np.nan, 0.1, 0.1])), np.zeros(3))
    np.testing.assert_array_equal(limiter.limit(np.zeros(2)), np.zeros(3))
    assert limiter.limited == 4
