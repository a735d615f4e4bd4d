"""The bridge's core: the walker's rhythm, refusals, ages, and damping in every failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.bridge.controller import BridgeController, ControllerConfig
from gpc_ros.bridge.driver import MockDriver
from gpc_ros.bridge.stand_up import StandUpConfig, stand_up
from gpc_ros.common.arrays import Array
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.locomotion.trot import Trot
from gpc_ros.locomotion.walker import JointTargets, Walker
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.joints import LIE, LOWER, STAND, UPPER
from gpc_ros.robot.types import JointCommand, RobotReading, SceneState
from gpc_ros.safety.supervisor import Decision, State, SupervisorConfig
from gpc_ros.simulation.plant import PERIOD, Plant, PlantConfig
from gpc_ros.tasks import build_model, make_task

WALKER = make_walker("trot")
LEVEL = np.array([1.0, 0.0, 0.0, 0.0])


def reading(stamp: float, **changes: Any) -> RobotReading:
    return RobotReading(stamp, **{"position": STAND.copy(), "velocity": np.zeros(12), **changes})


def estimate(stamp: float, height: float = 0.3) -> SceneState:
    zero = np.zeros(3)
    return SceneState(stamp, np.array([0, 0, height]), LEVEL, zero, zero, STAND, np.zeros(12))


def plan(start: float, id: int = 1, **changes: Any) -> Plan:
    values = {
        "id": id, "task": "box_push", "robot": "go2", "stamp": start, "start": start,
        "expiry": start + 0.3, "knots": np.tile([0.4, 0.0, 0.2], (3, 1)), "knot_dt": 0.5,
        "order": 1, "cost": 1.0,
    }  # fmt: skip
    return Plan(**{**values, **changes})


class Rig:
    """A controller with a clock that runs at 500 Hz and inputs that can be cut."""

    def __init__(self, walker: Walker = WALKER, config: ControllerConfig | None = None) -> None:
        self.now = self.real = 0.0
        self.bridge = BridgeController(walker, config=config, clock=lambda: self.real)
        self.command = JointCommand.damping(0.0)

    def run(
        self, seconds: float, *, readings: bool = True, states: bool = True, beat: str = "",
        height: float = 0.3, **changes: Any,
    ) -> None:  # fmt: skip
        for _ in range(round(seconds * 500)):
            self.now += 0.002
            self.real += 0.002
            if beat:
                self.bridge.set_emergency_stop(False, beat)
            if readings:
                self.bridge.set_reading(reading(self.now, **changes), self.now)
            if states:
                self.bridge.set_state(estimate(self.now, height), self.now)
            self.command = self.bridge.step(self.now)

    def stand_up(self) -> None:
        self.run(0.01)
        assert self.bridge.arm()[0]
        self.run(0.6)
        assert self.is_in(State.READY)

    @property
    def decision_mode(self) -> str:
        return self.bridge.decision.mode

    def is_in(self, state: State) -> bool:
        return self.bridge.decision.state == state


class Faulty(Trot):
    """A walker that goes wrong on request."""

    kind = ""

    def step(self, qpos: Array, qvel: Array, command: Array, state: Array) -> JointTargets:
        targets = super().step(qpos, qvel, command, state)
        if self.kind == "raises":
            raise ZeroDivisionError("division by zero")
        if self.kind == "not finite":
            targets.position[:], state[:] = np.nan, np.nan
        if self.kind == "far outside":
            targets.position[0, 2] = 9.0
        if self.kind == "a little outside":
            targets.position[0, 2] = UPPER[2] + 0.1
        return targets


@pytest.fixture
def ready() -> Rig:
    rig = Rig()
    rig.stand_up()
    return rig


def test_disarmed_it_damps() -> None:
    rig = Rig()
    rig.run(0.1)
    assert rig.command.kp.max() == 0.0
    assert rig.command.kd.min() > 0.0


def test_stand_up_goes_slowly_from_lying_to_standing() -> None:
    bridge = BridgeController(WALKER)
    bridge.set_reading(reading(0.0, position=LIE.copy()), 0.0)
    bridge.set_state(estimate(0.0), 0.0)
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


@pytest.mark.parametrize("to", [0.0, 1000.0], ids=["back", "ahead"])
def test_a_clock_that_jumps_makes_it_stand_until_everything_is_new(ready: Rig, to: float) -> None:
    ready.bridge.set_plan(plan(ready.now, id=9, expiry=ready.now + 1.5), ready.now)
    ready.run(0.1)
    assert ready.is_in(State.ACTIVE)
    ready.now = to
    ready.run(0.002, readings=False, states=False)
    assert ready.bridge.counters["clock_jumps"] == 1
    assert ready.is_in(State.HOLDING)
    assert "the clock has jumped" in ready.bridge.decision.reasons[0]
    assert ready.command.kp.min() > 0.0
    ready.run(0.1)
    assert ready.is_in(State.HOLDING)  # the plan is forgotten, too
    assert ready.bridge.set_plan(plan(ready.now, id=1), ready.now)
    ready.run(0.01)
    assert ready.is_in(State.ACTIVE)


@pytest.mark.parametrize("by", [0.4, 30.0])
def test_a_reading_of_the_time_before_a_jump_is_not_taken_for_silence(
    ready: Rig, by: float
) -> None:
    ready.now += by
    ready.run(0.002, readings=False, states=False)
    assert not ready.bridge.set_reading(reading(ready.now - by), ready.now)
    assert not ready.bridge.set_state(estimate(ready.now - by), ready.now)
    ready.run(0.1)
    assert not ready.is_in(State.FAULT)


def test_after_a_jump_of_the_clock_the_robot_must_go_on_reporting(ready: Rig) -> None:
    ready.now = 0.0
    ready.run(0.06, readings=False)
    assert ready.is_in(State.FAULT)


def test_a_clock_jump_during_stand_up_restarts_the_motion() -> None:
    rig = Rig()
    rig.run(0.01)
    rig.bridge.arm()
    rig.run(0.4)
    rig.now = 100.0
    rig.run(0.4)
    assert rig.is_in(State.STANDING_UP)
    rig.run(0.2)
    assert rig.is_in(State.READY)


def test_a_control_loop_that_stood_still_does_not_go_on(ready: Rig) -> None:
    ready.now += 0.3
    ready.real += 0.3
    ready.run(0.002)
    assert ready.is_in(State.FAULT)
    assert "the control loop stood still for" in ready.bridge.decision.reasons[0]


def test_readings_that_arrived_during_a_pause_are_read_before_silence_is_declared(
    ready: Rig,
) -> None:
    ready.now += 0.05
    ready.real += 0.05
    ready.run(0.004, readings=False)  # it takes two cycles to come through
    ready.run(0.1)
    assert ready.is_in(State.READY)


def test_a_robot_that_is_silent_after_such_a_pause_damps_at_once(ready: Rig) -> None:
    ready.now += 0.05
    ready.real += 0.05
    ready.run(0.008, readings=False)
    assert ready.is_in(State.FAULT)
    assert "no reading from the robot" in ready.bridge.decision.reasons[0]


def test_times_that_are_not_finite_damp_and_are_counted(ready: Rig) -> None:
    assert ready.bridge.step(float("nan")).kp.max() == 0.0
    assert ready.bridge.decision.state == State.FAULT
    assert ready.bridge.counters["bad_times"] == 1


def test_walker_state_is_a_copy(ready: Rig) -> None:
    ready.bridge.walker_state[:] = 1e9
    assert np.abs(ready.bridge.walker_state).max() < 1e6


def test_a_joint_that_stays_overloaded_is_named_and_latches_within_20_ms(ready: Rig) -> None:
    torque = np.zeros(12)
    torque[4] = 30.0
    for _ in range(10):
        ready.now += 0.002
        ready.bridge.set_reading(reading(ready.now, effort=torque), ready.now)
        ready.bridge.step(ready.now)
    assert ready.is_in(State.FAULT)
    assert ready.bridge.decision.reasons == (
        "FR_thigh_joint: 30.0 N m is over the limit of 23.7 N m",
    )


def test_a_warm_motor_halves_the_walking_command_and_warns(ready: Rig) -> None:
    ready.bridge.set_plan(plan(ready.now), ready.now)
    ready.now += 0.022
    warm = np.full(12, 85.0)
    ready.bridge.set_reading(reading(ready.now, temperature=warm), ready.now)
    ready.bridge.set_state(estimate(ready.now), ready.now)
    ready.bridge.step(ready.now)
    assert ready.is_in(State.ACTIVE)
    np.testing.assert_allclose(ready.bridge.executed_command, [0.2, 0.0, 0.1])
    assert "motor at 85 deg C" in ready.bridge.decision.reasons[0]


def test_a_robot_that_falls_over_damps(ready: Rig) -> None:
    on_its_side = np.array([0.7071068, 0.7071068, 0.0, 0.0])
    ready.run(0.018, orientation=on_its_side)
    assert ready.command.kp.min() > 0.0
    ready.run(0.004, orientation=on_its_side)
    assert ready.command.kp.max() == 0.0
    assert ready.bridge.decision.reasons[0].startswith("the base is tilted by 1.57 rad")


def test_a_base_on_the_ground_damps(ready: Rig) -> None:
    ready.run(0.048, height=0.08)
    assert ready.command.kp.min() > 0.0
    ready.run(0.004, height=0.08)
    assert ready.command.kp.max() == 0.0
    assert "it has fallen" in ready.bridge.decision.reasons[0]


SPOILT: dict[str, dict[str, Any]] = {
    "battery": {"battery": 0.0},
    "temperature": {"temperature": np.full(12, 150.0)},
    "tilt": {"orientation": np.array([0.0, 1.0, 0.0, 0.0])},
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_single_bad_sample_neither_damps_nor_sits_down(ready: Rig, name: str) -> None:
    for _ in range(20):
        ready.run(0.002, **SPOILT[name])
        ready.run(0.05)
        assert ready.is_in(State.READY)
    ready.run(2.1, **SPOILT[name])
    assert ready.decision_mode in ("damping", "sit_down")


@pytest.mark.parametrize("pause", [0.065, 0.1, 0.2, 5.0])
def test_a_bridge_that_was_stopped_longer_than_the_watchdog_begins_by_damping(
    ready: Rig, pause: float
) -> None:
    assert PlantConfig().watchdog_timeout > SupervisorConfig().max_loop_pause
    ready.now += pause
    ready.real += pause
    ready.run(0.002)
    assert not ready.command.kp.any()
    ready.run(1.0)
    assert ready.is_in(State.FAULT)


def standing_still(rig: Rig, seconds: float, **changes: Any) -> float:
    """Let monotonic time advance while the clock stands still; return when it braked [s]."""
    begin, stamp = rig.real, rig.now
    for k in range(round(seconds * 500)):
        rig.real += 0.002
        if changes:
            values = {"position": STAND.copy(), "velocity": np.zeros(12), **changes}
            rig.bridge.set_reading(RobotReading(stamp + 0.002 * (k + 1), **values), rig.now)
        if not rig.bridge.step(rig.now).kp.any():
            return rig.real - begin
    return np.inf


@pytest.mark.parametrize("at", [None, 0.0], ids=["where it was", "at zero"])
@pytest.mark.parametrize("changes", [{}, *SPOILT.values()], ids=["silent", *SPOILT])
def test_a_clock_that_stands_still_hides_no_danger(
    ready: Rig, at: float | None, changes: dict[str, Any]
) -> None:
    if at is not None:
        ready.now = at
    assert standing_still(ready, 1.0, **changes) <= 0.035
    assert ready.bridge.decision.state == State.FAULT
    reason = ready.bridge.decision.reasons[0]
    assert changes or "the clock has stood still" in reason


def test_a_silent_stop_is_noticed_although_the_clock_stands_still() -> None:
    limits = SupervisorConfig(heartbeat=True, clock_still=10.0, reading_age=1.0)
    rig = Rig(config=ControllerConfig(supervisor=limits))
    rig.bridge.set_emergency_stop(False, "hand")
    rig.run(0.01)
    assert rig.bridge.arm()[0]
    assert standing_still(rig, 1.0) <= 0.52
    assert "emergency stop hand" in rig.bridge.decision.reasons[0]


def test_a_clock_that_stands_still_has_a_reason_of_its_own_and_forbids_arming() -> None:
    rig = Rig()
    rig.run(0.1)
    for _ in range(100):
        rig.real += 0.002
        rig.bridge.step(rig.now)
    accepted, reason = rig.bridge.arm()
    assert not accepted
    assert "the clock has stood still for 0.20 s" in reason
    rig.run(0.1)
    assert rig.bridge.arm()[0]


@pytest.mark.parametrize("rate", [0.5, 0.7, 1.5, 3.0, 1000.0])
def test_a_clock_of_a_wrong_rate_is_a_fault(ready: Rig, rate: float) -> None:
    for _ in range(600):
        ready.real += 0.002
        ready.now += 0.002 * rate
        ready.bridge.set_reading(reading(ready.now), ready.now)
        ready.bridge.set_state(estimate(ready.now), ready.now)
        ready.bridge.step(ready.now)
    assert ready.is_in(State.FAULT)
    assert "clock" in "; ".join(ready.bridge.decision.reasons)


def test_another_authority_makes_it_stand_and_forbids_arming(ready: Rig) -> None:
    ready.bridge.set_plan(plan(ready.now, expiry=ready.now + 1.0), ready.now)
    ready.bridge.set_other_authority("another bridge commands this robot: /b")
    ready.run(0.03)
    assert ready.is_in(State.HOLDING)
    assert ready.bridge.decision.reasons[0].startswith("another bridge commands")
    ready.bridge.set_other_authority("")
    ready.run(0.03)
    assert ready.is_in(State.ACTIVE)


def test_no_plan_is_followed_longer_than_its_longest_life(ready: Rig) -> None:
    ready.bridge.set_plan(plan(ready.now, expiry=ready.now + 1e9), ready.now)
    ready.run(1.9)
    assert ready.is_in(State.ACTIVE)
    ready.run(0.2)
    assert ready.is_in(State.HOLDING)


@pytest.mark.parametrize("answer", [None, "x", [1.0], [np.nan, 0.0, 0.0], ZeroDivisionError()])
def test_a_plan_that_cannot_be_evaluated_is_a_zero_command(ready: Rig, answer: Any) -> None:
    def command(time: float) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    bad = SimpleNamespace(id=5, task="box_push", robot="go2", expiry=ready.now + 1, command=command)
    ready.bridge.set_plan(cast(Plan, bad), ready.now)
    ready.run(0.05)
    assert not ready.bridge.executed_command.any()
    assert ready.command.kp.min() > 0.0
    counters = ready.bridge.counters
    assert counters["plans_refused"] + counters["commands_limited"] > 0


@pytest.mark.parametrize("kind", ["raises", "not finite", "far outside"])
def test_a_walker_that_fails_damps_latched_and_recovers_after_reset(kind: str) -> None:
    walker = Faulty()
    rig = Rig(walker)
    rig.stand_up()
    walker.kind = kind
    rig.run(0.03)
    assert rig.is_in(State.FAULT)
    assert rig.command.kp.max() == 0.0
    assert rig.bridge.decision.reasons
    assert np.isfinite(rig.bridge.walker_state).all()
    walker.kind = ""
    assert rig.bridge.reset()[0]
    rig.run(0.01)
    rig.stand_up()


def test_a_clamped_target_is_a_warning_for_a_second() -> None:
    walker = Faulty()
    rig = Rig(walker)
    rig.stand_up()
    walker.kind = "a little outside"
    rig.run(0.04)
    walker.kind = ""
    rig.run(0.04)
    assert rig.bridge.decision.reasons[0].startswith("FL_calf_joint: target")
    assert rig.bridge.counters["targets_clamped"] > 0
    rig.run(1.1)
    assert not rig.bridge.decision.reasons


def test_without_an_estimate_it_is_not_armed() -> None:
    rig = Rig()
    rig.run(0.01, states=False)
    assert rig.bridge.arm() == (False, "no estimate of where the robot is yet")
    rig.run(0.01)
    assert rig.bridge.arm()[0]


def test_the_emergency_stop_damps_in_the_next_cycle_and_latches(ready: Rig) -> None:
    ready.bridge.set_emergency_stop(True)
    ready.run(0.002)
    assert ready.bridge.decision.state == State.FAULT
    assert not ready.command.kp.any()
    ready.bridge.set_emergency_stop(False)
    ready.run(1.0)
    assert ready.bridge.decision.state == State.FAULT
    assert ready.bridge.reset()[0]


def test_one_released_stop_does_not_release_another(ready: Rig) -> None:
    for k in range(500):
        if k % 50 == 0:
            ready.bridge.set_emergency_stop(True, "hand")
        if k % 50 == 7:
            ready.bridge.set_emergency_stop(False, "desk")
        ready.run(0.002)
        if k:
            assert ready.is_in(State.FAULT)
            assert ready.bridge.reset() == (False, "the emergency stop is pressed: hand")
            assert not ready.bridge.arm()[0]
    assert ready.bridge.stops["hand"][0] and not ready.bridge.stops["desk"][0]
    assert 0.0 <= ready.bridge.stops["desk"][1] <= 0.1
    ready.bridge.set_emergency_stop(False, "hand")
    ready.run(0.002)
    assert ready.bridge.reset()[0]


def test_a_silent_stop_damps_although_another_one_still_sends() -> None:
    config = ControllerConfig(supervisor=SupervisorConfig(heartbeat=True))
    rig = Rig(config=config)
    rig.bridge.set_emergency_stop(False, "hand")
    rig.bridge.set_emergency_stop(False, "desk")
    rig.run(0.01, beat="desk")
    assert rig.bridge.arm()[0]
    rig.run(0.48, beat="desk")
    assert rig.is_in(State.STANDING_UP)
    rig.run(0.02, beat="desk")
    assert rig.is_in(State.FAULT)
    assert "heartbeat of the emergency stop hand" in rig.bridge.decision.reasons[0]


def test_a_stop_that_was_taken_out_of_service_no_longer_counts(ready: Rig) -> None:
    ready.bridge.set_emergency_stop(True, "hand")
    ready.run(0.002)
    ready.bridge.remove_stop("hand")
    ready.bridge.remove_stop("never seen")
    ready.run(0.002)
    assert ready.bridge.stops == {}
    assert ready.bridge.reset()[0]


def test_a_silent_emergency_stop_forbids_arming_and_damps() -> None:
    config = ControllerConfig(supervisor=SupervisorConfig(heartbeat=True))
    now = 0.0
    bridge = BridgeController(WALKER, config=config, clock=lambda: now)

    def run(seconds: float) -> None:
        nonlocal now
        for _ in range(round(seconds * 500)):
            now += 0.002
            bridge.set_reading(reading(now), now)
            bridge.set_state(estimate(now), now)
            bridge.step(now)

    run(0.01)
    assert bridge.arm() == (False, "no heartbeat of the emergency stop yet")
    heard = now
    bridge.set_emergency_stop(False)
    run(0.002)
    assert bridge.arm()[0]
    run(0.49)
    assert bridge.decision.mode == "stand_up"
    run(0.02)
    assert bridge.decision == Decision(State.FAULT, "damping", bridge.decision.reasons)
    assert now - heard < 0.53


SPRAWL = np.array([0.9, 0.2, -1.0] * 4)


@pytest.mark.parametrize(
    "start", [STAND, LIE, SPRAWL, LOWER, UPPER], ids=["standing", "lying", "sprawl", "low", "high"]
)
def test_stand_up_is_slow_and_smooth_from_any_pose(start: np.ndarray) -> None:
    motion = stand_up(start, 5.0, WALKER.gains, StandUpConfig())
    np.testing.assert_array_equal(motion.command(4.0).position, start)
    commands = [motion.command(t) for t in np.arange(5.0, motion.end + 0.1, 0.002)]
    positions = np.array([c.position for c in commands])
    # A smooth step is half as fast again in its middle.
    assert np.abs(np.diff(positions, axis=0)).max() <= 1.51 * 0.002
    np.testing.assert_allclose(positions[-1], STAND)
    gains = np.array([c.kp[0] for c in commands]) / WALKER.gains.kp[0]
    assert gains[0] == pytest.approx(0.3)
    assert (np.diff(gains) >= 0.0).all()
    assert gains[-1] == 1.0
    folded = np.abs(positions - LIE).max(axis=1).min() < 0.01
    assert folded == (start is not STAND)


def test_it_stands_up_from_a_sprawl_into_which_it_fell() -> None:
    task = make_task("navigate")
    plant = Plant(build_model(task, "plant", WALKER.gains), seed=6)
    qpos = task.sample_episode(6).qpos.copy()
    rng = np.random.default_rng(6)
    qpos[7:19] = np.clip(STAND + rng.normal(0.0, 0.8, 12), LOWER, UPPER)
    plant.reset(qpos)
    bridge = BridgeController(WALKER, "navigate")

    def run(seconds: float) -> None:
        for _ in range(round(seconds / PERIOD)):
            bridge.set_reading(plant.reading(), plant.time)
            bridge.set_state(plant.truth(), plant.time)
            plant.step(bridge.step(plant.time))

    run(2.0)
    assert plant.data.qpos[2] < 0.12
    assert bridge.arm()[0]
    run(3.5)
    assert bridge.decision == Decision(State.READY, "stand")
    assert plant.data.qpos[2] > 0.28


def test_legs_that_do_not_follow_the_stand_up_are_a_fault() -> None:
    bridge = BridgeController(WALKER)
    now = 0.0
    bridge.set_reading(reading(now, position=LIE.copy()), now)
    bridge.set_state(estimate(now), now)
    bridge.step(now)
    assert bridge.arm()[0]
    while bridge.decision.state != State.FAULT:
        now += 0.002
        bridge.set_reading(reading(now, position=LIE.copy()), now)
        bridge.step(now)
        assert bridge.decision.state != State.READY
        assert now < 3.0
    assert "the legs do not stand" in bridge.decision.reasons[0]


def test_cycles_that_jitter_do_not_shift_the_walker(ready: Rig) -> None:
    rng = np.random.default_rng(0)
    ready.run(0.02)
    begin, stamps = ready.now, set()
    for k in range(1, 501):
        now = begin + 0.002 * k + float(rng.uniform(-0.0004, 0.0004))
        ready.bridge.set_reading(reading(now), now)
        ready.bridge.step(now)
        stamps.add(ready.bridge.walker_stamp)
    ticks = np.array(sorted(stamps))
    np.testing.assert_allclose(np.diff(ticks), 0.02, atol=0.001)


@pytest.mark.parametrize("nothing", [None, 1.0, "x", SimpleNamespace(stamp=0.5)])
def test_an_input_that_is_not_a_record_is_refused(nothing: Any) -> None:
    bridge = BridgeController(WALKER)
    assert not bridge.set_reading(nothing, 1.0)
    assert not bridge.set_state(nothing, 1.0)
    assert not bridge.set_plan(nothing, 1.0)
    names = {"readings_dropped", "states_dropped", "plans_refused"}
    assert {name for name, count in bridge.counters.items() if count == 1} == names
    assert set(bridge.refusals) == names


def test_the_defect_of_an_input_is_named() -> None:
    bridge = BridgeController(WALKER)
    bridge.set_reading(reading(0.0, velocity=np.full(12, np.nan)), 0.0)
    assert bridge.refusals["readings_dropped"] == "reading: velocity is not finite"
    bridge.set_reading(reading(0.0, orientation=np.zeros(4)), 0.0)
    assert "is not a unit quaternion" in bridge.refusals["readings_dropped"]
    bridge.set_reading(reading(0.5), 0.0)
    assert "0.500 s ahead of the clock" in bridge.refusals["readings_dropped"]
    bridge.set_plan(plan(0.0, task="navigate"), 0.0)
    assert "task 'navigate', this bridge runs 'box_push'" in bridge.refusals["plans_refused"]


@given(seed=st.integers(0, 2**31))
def test_no_inputs_make_it_leave_the_limits_or_walk_on_old_inputs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bridge = BridgeController(WALKER)
    now, came, ends = 0.0, {"reading": -9.0, "state": -9.0}, -9.0
    for _ in range(60):
        now += float(rng.choice([0.002, 0.002, 0.002, 0.02, 0.06, 0.3, -0.05]))
        wild = np.where(
            rng.random(12) < 0.05, rng.choice([np.nan, 1e9, -1e9]), rng.normal(0, 2, 12)
        )
        if rng.random() < 0.8 and bridge.set_reading(reading(now, velocity=wild), now):
            came["reading"] = now
        if rng.random() < 0.7:
            state = estimate(now)
            state.linear_velocity = wild[:3]
            if bridge.set_state(state, now):
                came["state"] = now
        if rng.random() < 0.3:
            knots = rng.normal(0, 3, (3, 3))
            if bridge.set_plan(plan(now, id=int(rng.integers(0, 9)), knots=knots), now):
                ends = now + 0.3
        if rng.random() < 0.3:
            getattr(bridge, str(rng.choice(["arm", "reset", "arm", "stop"])))()
        command = bridge.step(now)
        for values in vars(command).values():
            assert np.isfinite(values).all()
        if command.kp.max() > 0.0:
            assert (command.position >= LOWER).all()
            assert (command.position <= UPPER).all()
        if bridge.decision.state == State.ACTIVE:
            assert now - came["reading"] <= 0.04
            assert now - came["state"] <= 0.1
            assert now < ends


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
