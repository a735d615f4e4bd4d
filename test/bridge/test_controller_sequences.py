"""From no sequence of inputs and requests does the bridge leave its limits or use old inputs."""

from __future__ import annotations

import numpy as np
from fault_injection.audit import CommandAudit
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gpc_ros.bridge.controller import BridgeController, ControllerConfig
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.joints import LIE, LOWER, STAND, UPPER
from gpc_ros.robot.types import ObjectState, RobotReading, SceneState
from gpc_ros.safety.supervisor import POWERED, State, SupervisorConfig

CONFIG = ControllerConfig(supervisor=SupervisorConfig(heartbeat=True))
LEVEL = np.array([1.0, 0.0, 0.0, 0.0])
ON_ITS_SIDE = np.array([0.7071068, 0.7071068, 0.0, 0.0])
# What an array may be spoilt with.
WRONG = (np.nan, np.inf, -np.inf, 1e300)


class Sequences(RuleBasedStateMachine):
    """A bridge whose clock goes on by cycles, and everything that may happen in between."""

    def __init__(self) -> None:
        super().__init__()
        self.bridge = BridgeController(make_walker("trot"), config=CONFIG, clock=lambda: self.now)
        self.audit = CommandAudit()
        self.now, self.sequence = 100.0, 0
        self.rng = np.random.default_rng(0)
        self.joints = LIE.copy()
        self.came = {"reading": -1e9, "state": -1e9, "plan": -1e9, "heartbeat": -1e9}
        self.pressed = {"hand": False, "desk": False}
        self.seen = 0.0

    @initialize(seed=st.integers(0, 2**31))
    def begin(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def read(self, orientation: np.ndarray = LEVEL, spoil: float | None = None) -> None:
        position = self.joints + self.rng.normal(0.0, 0.01, 12)
        if spoil is not None:
            position[self.rng.integers(12)] = spoil
        reading = RobotReading(self.now, position, np.zeros(12), orientation=orientation.copy())
        if self.bridge.set_reading(reading, self.now):
            self.came["reading"] = self.now

    def estimate(self, age: float = 0.0, unseen: float = 0.0, spoil: float | None = None) -> None:
        velocity = np.zeros(3) if spoil is None else np.full(3, spoil)
        box = {"box": ObjectState(np.ones(3), LEVEL, age=unseen)}
        state = SceneState(
            self.now - age, np.array([0.0, 0.0, 0.3]), LEVEL, velocity, np.zeros(3), STAND,
            np.zeros(12), box, base_age=unseen,
        )  # fmt: skip
        if self.bridge.set_state(state, self.now):
            self.came["state"] = self.now - age
            self.seen = self.now - age - unseen

    def cycle(self) -> None:
        self.now += 0.002
        self.sequence += 1
        command = self.bridge.step(self.now)
        self.audit.check(command, "bridge", self.sequence)
        if command.kp.any():  # the legs follow
            self.joints += np.clip(command.position - self.joints, -0.03, 0.03)

    @rule(cycles=st.integers(1, 300))
    def all_is_well_for_a_while(self, cycles: int) -> None:
        for k in range(cycles):
            self.read()
            if k % 3 == 0:
                self.estimate()
            if k % 50 == 0:
                self.beat()
            self.cycle()
            self.check_now()

    @rule(cycles=st.integers(1, 60))
    def only_readings_come(self, cycles: int) -> None:
        for _ in range(cycles):
            self.read()
            self.cycle()
            self.check_now()

    @rule(cycles=st.integers(1, 60))
    def nothing_comes(self, cycles: int) -> None:
        for _ in range(cycles):
            self.cycle()
            self.check_now()

    @rule()
    def beat(self) -> None:
        for stop, pressed in self.pressed.items():
            self.bridge.set_emergency_stop(pressed, stop)
        self.came["heartbeat"] = self.now

    @rule(pressed=st.booleans(), stop=st.sampled_from(["hand", "desk"]))
    def emergency_stop(self, pressed: bool, stop: str) -> None:
        self.pressed[stop] = pressed
        self.bridge.set_emergency_stop(pressed, stop)
        self.cycle()
        if any(self.pressed.values()):
            assert self.bridge.decision.state == State.FAULT
            assert not self.bridge.reset()[0]
            assert not self.bridge.arm()[0]

    @rule(spoil=st.sampled_from(WRONG))
    def a_bad_reading_comes(self, spoil: float) -> None:
        self.read(spoil=spoil)
        self.cycle()

    @rule(
        age=st.floats(0.0, 1.0), unseen=st.floats(0.0, 4.0), spoil=st.sampled_from((None, *WRONG))
    )
    def a_strange_estimate_comes(self, age: float, unseen: float, spoil: float | None) -> None:
        self.estimate(age, unseen, spoil)
        self.cycle()

    @rule(life=st.floats(-1.0, 9.0), size=st.floats(0.0, 50.0), number=st.integers(0, 99))
    def a_plan_comes(self, life: float, size: float, number: int) -> None:
        knots = self.rng.normal(0.0, 1.0, (3, 3)) * size
        plan = Plan(
            number, "box_push", "go2", self.now, self.now, self.now + life, knots, 0.2, 1, 0
        )
        if self.bridge.set_plan(plan, self.now):
            self.came["plan"] = min(self.now + life, self.now + CONFIG.plan_life)

    @rule()
    def it_falls_over(self) -> None:
        self.read(ON_ITS_SIDE)
        self.cycle()

    @rule(request=st.sampled_from(["arm", "arm", "arm", "reset", "reset", "sit_down", "disarm"]))
    def a_person_asks(self, request: str) -> None:
        done, said = getattr(self.bridge, request)()
        assert isinstance(done, bool) and said

    @rule()
    def a_person_stops_it(self) -> None:
        assert self.bridge.stop()[0]
        self.cycle()
        assert self.bridge.decision.state not in POWERED

    @rule(leap=st.sampled_from([-50.0, -0.5, 0.3, 30.0]))
    def the_clock_leaps(self, leap: float) -> None:
        self.now += leap
        if leap < 0.0:  # ages are of the new clock
            self.came = {
                "reading": self.now, "state": -1e9, "plan": -1e9, "heartbeat": self.now,
            }  # fmt: skip
        self.cycle()

    @invariant()
    def no_limit_is_broken(self) -> None:
        assert self.audit.violations == []

    @invariant()
    def check_now(self) -> None:
        state, s = self.bridge.decision.state, CONFIG.supervisor
        if state == State.ACTIVE:
            assert self.now - self.came["reading"] <= s.reading_age + 1e-9
            assert self.now - self.came["state"] <= s.state_age + 1e-9
            assert self.now < self.came["plan"] + 1e-9
            assert self.now - self.seen <= s.object_age + 1e-9
        else:
            assert not self.bridge.executed_command.any()
        if state in POWERED and self.sequence:
            assert (self.joints >= LOWER - 0.02).all() and (self.joints <= UPPER + 0.02).all()


Sequences.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
test_from_no_sequence_are_limits_or_ages_broken = Sequences.TestCase
