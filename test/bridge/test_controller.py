"""The bridge's core: the walker's rhythm, refusals, ages, and that nothing is held for ever."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.bridge.controller import BridgeController
from gpc_ros.bridge.driver import MockDriver
from gpc_ros.locomotion.walker import make_walker
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.joints import LIE, LOWER, STAND, UPPER
from gpc_ros.robot.types import JointCommand, RobotReading, RobotState
from gpc_ros.safety.supervisor import State

WALKER = make_walker("trot")
LEVEL = np.array([1.0, 0.0, 0.0, 0.0])


def reading(stamp: float, **changes: Any) -> RobotReading:
    return RobotReading(stamp, **{"position": STAND.copy(), "velocity": np.zeros(12), **changes})


def estimate(stamp: float) -> RobotState:
    zero = np.zeros(3)
    return RobotState(stamp, np.array([0, 0, 0.3]), LEVEL, zero, zero, STAND, np.zeros(12))


def plan(start: float, id: int = 1, **changes: Any) -> Plan:
    values = {
        "id": id, "task": "box_push", "robot": "go2", "stamp": start, "start": start,
        "expiry": start + 0.3, "knots": np.tile([0.4, 0.0, 0.2], (3, 1)), "knot_dt": 0.5,
        "order": 1, "cost": 1.0,
    }  # fmt: skip
    return Plan(**{**values, **changes})


class Rig:
    """A controller with a clock that runs at 500 Hz and inputs that can be cut."""

    def __init__(self) -> None:
        self.bridge = BridgeController(WALKER)
        self.now = 0.0
        self.command = JointCommand.damping(0.0)

    def run(self, seconds: float, *, readings: bool = True, states: bool = True) -> None:
        for _ in range(round(seconds * 500)):
            self.now += 0.002
            if readings:
                self.bridge.set_reading(reading(self.now), self.now)
            if states:
                self.bridge.set_state(estimate(self.now), self.now)
            self.command = self.bridge.step(self.now)

    def is_in(self, state: State) -> bool:
        return self.bridge.decision.state == state


@pytest.fixture
def ready() -> Rig:
    rig = Rig()
    rig.run(0.01)
    assert rig.bridge.arm()[0]
    rig.run(0.6)
    assert rig.is_in(State.READY)
    return rig


def test_disarmed_it_damps() -> None:
    rig = Rig()
    rig.run(0.1)
    assert rig.command.kp.max() == 0.0
    assert rig.command.kd.min() > 0.0


def test_stand_up_goes_slowly_from_lying_to_standing() -> None:
    bridge = BridgeController(WALKER)
    bridge.set_reading(reading(0.0, position=LIE.copy()), 0.0)
    bridge.step(0.0)
    assert bridge.arm()[0]
    last, now = LIE, 0.0
    while bridge.decision.state != State.READY:
        now += 0.002
        bridge.set_reading(reading(now, position=last.copy()), now)
        bridge.set_state(estimate(now), now)
        command = bridge.step(now)
        if bridge.decision.state == State.STANDING_UP:
            assert np.abs(command.position - last).max() <= 0.002 * 1.6  # 1 rad/s on average
            last = command.position
        assert now < 5.0
    np.testing.assert_allclose(last, STAND, atol=0.01)


def test_walker_runs_at_its_own_rate_and_targets_are_held_in_between(ready: Rig) -> None:
    ready.bridge.set_plan(plan(ready.now), ready.now)
    stamps, targets = [], []
    for _ in range(100):
        ready.run(0.002)
        stamps.append(ready.bridge.walker_stamp)
        targets.append(ready.command.position.copy())
    changes = np.flatnonzero(np.diff(stamps))
    assert set(np.diff(changes)) == {10}
    for k in range(1, 100):
        if stamps[k] == stamps[k - 1]:
            np.testing.assert_array_equal(targets[k], targets[k - 1])


def test_fresh_plan_is_followed_and_its_end_is_a_stop(ready: Rig) -> None:
    ready.bridge.set_plan(plan(ready.now), ready.now)
    ready.run(0.1)
    assert ready.is_in(State.ACTIVE)
    np.testing.assert_allclose(ready.bridge.executed_command, [0.4, 0.0, 0.2], atol=1e-6)
    ready.run(0.25)  # the plan lived for 0.3 s
    assert ready.is_in(State.HOLDING)
    assert not ready.bridge.executed_command.any()
    assert ready.command.kp.min() > 0.0  # it stands


def test_silent_estimator_makes_it_stand_and_its_return_makes_it_go_on(ready: Rig) -> None:
    ready.bridge.set_plan(plan(ready.now, expiry=ready.now + 10), ready.now)
    ready.run(0.1)
    ready.run(0.15, states=False)
    assert ready.is_in(State.HOLDING)
    assert not ready.bridge.executed_command.any()
    ready.run(0.05)
    assert ready.is_in(State.ACTIVE)


def test_silent_robot_damps_and_latches(ready: Rig) -> None:
    ready.run(0.06, readings=False)
    assert ready.is_in(State.FAULT)
    assert ready.command.kp.max() == 0.0
    ready.run(1.0)
    assert ready.is_in(State.FAULT)
    assert "no reading from the robot" in ready.bridge.decision.reasons[0]
    assert ready.bridge.reset()[0]
    ready.run(0.01)
    assert ready.bridge.arm()[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "navigate"},
        {"robot": "spot"},
        {"expiry": -1.0},
    ],
)
def test_plans_for_something_else_are_refused_and_counted(
    ready: Rig, changes: dict[str, Any]
) -> None:
    assert not ready.bridge.set_plan(plan(ready.now, **changes), ready.now)
    assert ready.bridge.counters["plans_refused"] == 1
    ready.run(0.02)
    assert ready.is_in(State.READY)


def test_older_plan_ids_are_refused_until_the_last_plan_has_expired(ready: Rig) -> None:
    assert ready.bridge.set_plan(plan(ready.now, id=7), ready.now)
    assert not ready.bridge.set_plan(plan(ready.now, id=6), ready.now)
    ready.run(0.4)
    assert ready.bridge.set_plan(plan(ready.now, id=1), ready.now)  # a restarted planner


@pytest.mark.parametrize(
    ("changes", "stamp"),
    [
        ({"position": np.full(12, np.nan)}, 10.0),
        ({"velocity": np.full(12, np.inf)}, 10.0),
        ({"orientation": np.full(4, np.nan)}, 10.0),
        ({"position": np.zeros(11)}, 10.0),
        ({}, 9.0),
        ({}, 11.0),
        ({}, float("nan")),
    ],
    ids=["nan", "inf", "attitude", "length", "old stamp", "future stamp", "nan stamp"],
)
def test_bad_readings_are_dropped_and_counted(changes: dict[str, Any], stamp: float) -> None:
    bridge = BridgeController(WALKER)
    assert bridge.set_reading(reading(9.5), 9.5)
    assert not bridge.set_reading(reading(stamp, **changes), 10.0)
    assert bridge.counters["readings_dropped"] == 1


def test_bad_states_are_dropped_and_counted() -> None:
    bridge = BridgeController(WALKER)
    bad = estimate(1.0)
    bad.linear_velocity = np.array([np.nan, 0, 0])
    assert not bridge.set_state(bad, 1.0)
    assert bridge.set_state(estimate(1.0), 1.0)
    assert not bridge.set_state(estimate(1.0), 1.0)
    assert bridge.counters["states_dropped"] == 2


def test_a_clock_that_jumps_back_drops_all_inputs(ready: Rig) -> None:
    ready.bridge.set_plan(plan(ready.now, expiry=ready.now + 100), ready.now)
    ready.run(0.1)
    ready.now = 0.0
    ready.run(0.004, readings=False, states=False)
    assert ready.bridge.counters["clock_jumps"] == 1
    assert ready.command.kp.max() == 0.0


def test_walker_state_is_a_copy(ready: Rig) -> None:
    ready.bridge.walker_state[:] = 1e9
    assert np.abs(ready.bridge.walker_state).max() < 1e6


@given(data=st.data())
def test_from_no_inputs_does_a_command_leave_the_joint_limits(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    bridge = BridgeController(WALKER)
    now = 0.0
    for _ in range(60):
        now += float(rng.choice([0.002, 0.002, 0.02, 0.3]))
        wild = np.where(
            rng.random(12) < 0.05, rng.choice([np.nan, 1e9, -1e9]), rng.normal(0, 2, 12)
        )
        if rng.random() < 0.8:
            bridge.set_reading(reading(now, velocity=wild), now)
        if rng.random() < 0.7:
            state = estimate(now)
            state.linear_velocity = wild[:3]
            bridge.set_state(state, now)
        if rng.random() < 0.3:
            knots = rng.normal(0, 3, (3, 3))
            bridge.set_plan(plan(now, id=int(rng.integers(0, 9)), knots=knots), now)
        if rng.random() < 0.3:
            getattr(bridge, str(rng.choice(["arm", "reset", "arm", "stop"])))()
        command = bridge.step(now)
        assert np.isfinite(command.position).all()
        assert np.isfinite(command.velocity).all()
        if command.kp.max() > 0.0:
            assert (command.position >= LOWER).all()
            assert (command.position <= UPPER).all()


def test_mock_driver_gives_readings_in_order_and_remembers_commands() -> None:
    driver = MockDriver()
    driver.readings = [reading(0.0), reading(1.0)]
    first, second = driver.read(), driver.read()
    assert first is not None
    assert second is not None
    assert (first.stamp, second.stamp, driver.read()) == (0.0, 1.0, None)
    driver.write(JointCommand.damping(3.0))
    driver.close()
    assert len(driver.commands) == 1
    assert driver.closed
