"""The bridge's core: from the newest reading, estimate and plan to one joint command, at 500 Hz.

It owns the walker on the robot and its memory. The supervisor decides what the legs do; the joint
limiter has the last word on what is sent. Nothing here blocks, raises on bad input or holds the
last command because an input is missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gpc_ros.arrays import Array
from gpc_ros.bridge.stand_up import StandUp, StandUpConfig
from gpc_ros.config import param
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.plan import ROBOT, Plan
from gpc_ros.robot.types import JointCommand, RobotReading, RobotState
from gpc_ros.safety.limits import JointLimiter, LimitsConfig
from gpc_ros.safety.supervisor import (
    Decision,
    State,
    Supervisor,
    SupervisorConfig,
    SupervisorInputs,
)

# A stamp this far ahead of the clock is wrong, not early [s].
_FUTURE = 0.05
# A clock that goes back by more than this has jumped [s].
_JUMP = 0.1


@dataclass(frozen=True)
class ControllerConfig:
    """Parameters of the bridge's core."""

    damping: float = param(3.0, "Gain kd while damping", unit="N m s/rad", low=0.5, high=10.0)
    supervisor: SupervisorConfig = SupervisorConfig()
    limits: LimitsConfig = LimitsConfig()
    stand_up: StandUpConfig = StandUpConfig()


class BridgeController:
    """The control loop without its clock and its transport.

    Attributes:
        walker: runs at its own rate between the calls of :meth:`step`.
        walker_state: its memory (S,).
        walker_stamp: time of its last step [s].
        executed_command: velocity command in force (3,).
        decision: of the supervisor in the last step.
        counters: what was refused, dropped or clamped, by name.
    """

    def __init__(
        self, walker: Walker, task: str = "box_push", config: ControllerConfig | None = None
    ) -> None:
        """Start disarmed.

        Args:
            walker: the one that the planner rolls out.
            task: plans of another task are refused.
            config: parameters.
        """
        self.walker, self.task = walker, task
        self.config = config or ControllerConfig()
        self._supervisor = Supervisor(self.config.supervisor)
        self._limiter = JointLimiter(self.config.limits)
        self._reading: RobotReading | None = None
        self._estimate: RobotState | None = None
        self._plan: Plan | None = None
        self._stand_up: StandUp | None = None
        self._memory = walker.initial_state(1)
        self._qpos, self._qvel = np.zeros((1, 19)), np.zeros((1, 18))
        self._held: JointCommand | None = None
        self._next_tick = -math.inf
        self._now = -math.inf
        self._broken: tuple[str, ...] = ()
        self._no_effort = np.zeros(12)
        self.walker_stamp = 0.0
        self.executed_command = np.zeros(3)
        self.decision = Decision(State.DISARMED, "damping")
        self.counters = dict.fromkeys(
            (
                "readings_dropped",
                "states_dropped",
                "plans_refused",
                "targets_clamped",
                "steps_limited",
                "clock_jumps",
            ),
            0,
        )

    @property
    def walker_state(self) -> Array:
        """Memory of the walker (S,), a copy."""
        return self._memory[0].copy()

    def set_reading(self, reading: RobotReading, received: float) -> bool:
        """Take in a reading of the robot; return False if it was dropped.

        It is dropped if a value is not finite, or the stamp is not newer or lies in the future.
        """
        last = -math.inf if self._reading is None else self._reading.stamp
        if not _finite_reading(reading) or not last < reading.stamp <= received + _FUTURE:
            self.counters["readings_dropped"] += 1
            return False
        self._reading = reading
        self._broken, _ = self._limiter.watch(reading)
        return True

    def set_state(self, state: RobotState, received: float) -> bool:
        """Take in an estimate; return False if it was dropped (as for readings)."""
        last = -math.inf if self._estimate is None else self._estimate.stamp
        if not _finite_state(state) or not last < state.stamp <= received + _FUTURE:
            self.counters["states_dropped"] += 1
            return False
        self._estimate = state
        return True

    def set_plan(self, plan: Plan, received: float) -> bool:
        """Take in a plan; return False if it was refused.

        It is refused if it is for another task or robot, older than the last one, or expired. A
        planner that was restarted counts from one again: once the last plan has expired any id is
        taken.
        """
        older = self._plan is not None and plan.id < self._plan.id and received < self._plan.expiry
        if plan.task != self.task or plan.robot != ROBOT or older or plan.expiry <= received:
            self.counters["plans_refused"] += 1
            return False
        self._plan = plan
        return True

    def arm(self) -> tuple[bool, str]:
        """Ask to stand up; return whether it is granted, and why not."""
        return self._supervisor.arm()

    def disarm(self) -> tuple[bool, str]:
        """Sink to the ground and disarm."""
        return self._supervisor.disarm(self._now)

    def stop(self) -> tuple[bool, str]:
        """Damp at once."""
        return self._supervisor.stop(self._now)

    def reset(self) -> tuple[bool, str]:
        """Leave a fault."""
        return self._supervisor.reset()

    def step(self, now: float) -> JointCommand:
        """Return the command for this cycle.

        Args:
            now: time of the clock that the stamps are on [s].
        """
        if now < self._now - _JUMP:
            self._forget_time()
        self._now = now
        before = self._supervisor.state
        self.decision = self._supervisor.update(now, self._inputs(now))
        if self.decision.state == State.STANDING_UP and before != State.STANDING_UP:
            self._stand_up = None
        command = self._act(now)
        self.counters["targets_clamped"] = self._limiter.clamped
        self.counters["steps_limited"] = self._limiter.stepped
        return command

    def _forget_time(self) -> None:
        """Drop everything that is stamped by a clock that has jumped back."""
        self.counters["clock_jumps"] += 1
        self._reading = self._estimate = self._plan = None
        self._next_tick = -math.inf

    def _inputs(self, now: float) -> SupervisorInputs:
        reading, estimate, plan = self._reading, self._estimate, self._plan
        return SupervisorInputs(
            reading_age=math.inf if reading is None else now - reading.stamp,
            state_age=math.inf if estimate is None else now - estimate.stamp,
            plan_fresh=plan is not None and now < plan.expiry,
            tilt=0.0 if reading is None else _tilt(reading.orientation),
            height=math.inf if estimate is None else float(estimate.position[2]),
            battery=1.0 if reading is None else reading.battery,
            stood_up=self._stand_up is not None and self._stand_up.done(now),
            broken_limits=self._broken,
        )

    def _act(self, now: float) -> JointCommand:
        """Return the limited command of the decided mode."""
        mode = self.decision.mode
        if mode == "damping" or self._reading is None:
            return self._damp()
        if mode == "stand_up":
            if self._stand_up is None:
                self._limiter.forget()
                self._stand_up = StandUp(
                    self._reading.position, now, self.walker.gains, self.config.stand_up
                )
                self._memory[:] = self.walker.initial_state(1)
                self._next_tick = -math.inf
            wanted = self._stand_up.command(now)
        else:
            wanted = self._walk(now, follow=mode == "walk")
        command, faults = self._limiter.limit(wanted)
        if faults:
            self._supervisor.fail("; ".join(faults))
            return self._damp()
        return command

    def _damp(self) -> JointCommand:
        self._stand_up = None
        self._held = None
        self._limiter.forget()
        self.executed_command = np.zeros(3)
        return JointCommand.damping(self.config.damping)

    def _walk(self, now: float, *, follow: bool) -> JointCommand:
        """Run the walker when its period has passed; hold its targets in between."""
        if now < self._next_tick - 1e-6 and self._held is not None:
            return self._held
        period = 1.0 / self.walker.rate
        # Keep the walker's rhythm, but do not catch up after a pause.
        self._next_tick = (
            now + period if now - self._next_tick > period else self._next_tick + period
        )
        command = self._plan.command(now) if follow and self._plan else np.zeros(3)
        np.minimum(command, self.walker.command_high, out=command)
        np.maximum(command, self.walker.command_low, out=command)
        self.executed_command = command
        self._fill_state(now)
        targets = self.walker.step(self._qpos, self._qvel, command[None], self._memory)
        self.walker_stamp = now
        gains = self.walker.gains
        self._held = JointCommand(
            targets.position[0], targets.velocity[0], self._no_effort, gains.kp, gains.kd
        )
        return self._held

    def _fill_state(self, now: float) -> None:
        """Write what the walker sees: the estimate if it is fresh, else the robot's own sensors."""
        assert self._reading is not None
        qpos, qvel = self._qpos[0], self._qvel[0]
        qpos[7:19], qvel[6:18] = self._reading.position, self._reading.velocity
        estimate = self._estimate
        if estimate is not None and now - estimate.stamp <= self.config.supervisor.state_age:
            qpos[0:3], qpos[3:7] = estimate.position, estimate.orientation
            qvel[0:3], qvel[3:6] = estimate.linear_velocity, estimate.angular_velocity
        else:
            qpos[3:7] = self._reading.orientation
            qvel[0:3], qvel[3:6] = 0.0, self._reading.angular_velocity


def _tilt(quat: Array) -> float:
    """Return the angle [rad] between the z axis of an attitude (4,) wxyz and the vertical."""
    cosine = 1.0 - 2.0 * (quat[1] * quat[1] + quat[2] * quat[2])
    return math.acos(min(max(cosine, -1.0), 1.0))


def _finite_reading(reading: RobotReading) -> bool:
    """Return whether lengths are right and all values that matter are finite.

    One sum a field: it is not finite if any entry is not, at a fraction of the cost.
    """
    r = reading
    if not r.position.shape == r.velocity.shape == r.effort.shape == r.temperature.shape == (12,):
        return False
    if r.orientation.shape != (4,) or r.angular_velocity.shape != (3,):
        return False
    total = r.position.sum() + r.velocity.sum() + r.effort.sum() + r.temperature.sum()
    total += r.orientation.sum() + r.angular_velocity.sum() + r.linear_acceleration.sum()
    return math.isfinite(total + r.stamp + r.battery)


def _finite_state(state: RobotState) -> bool:
    """Return whether what the bridge uses of an estimate has the right length and is finite."""
    s = state
    if s.position.shape != (3,) or s.orientation.shape != (4,):
        return False
    if s.linear_velocity.shape != (3,) or s.angular_velocity.shape != (3,):
        return False
    total = s.position.sum() + s.orientation.sum()
    total += s.linear_velocity.sum() + s.angular_velocity.sum()
    return math.isfinite(total + s.stamp)
