"""Turn the newest reading, estimate and plan into one joint command, 500 times a second.

The controller owns the walker on the robot and its memory. The supervisor decides between damping,
motions, standing and walking; the joint limiter is the last step before a command is sent. Nothing
here blocks, raises on bad input, or repeats the last command because an input is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gpc_ros.bridge.clock_watch import ClockReport, ClockWatch
from gpc_ros.bridge.input_checks import Inputs
from gpc_ros.bridge.stand_up import Motion, StandUpConfig, sit_down, stand_up
from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.types import JointCommand, RobotReading, SceneState
from gpc_ros.safety.limits import JointLimiter, LimitsConfig, VelocityLimiter
from gpc_ros.safety.states import MODES
from gpc_ros.safety.supervisor import (
    Decision,
    Mode,
    State,
    Supervisor,
    SupervisorConfig,
    SupervisorInputs,
)

# Cycles that come this much before the walker's time count as on time [s].
_EARLY = 0.0009
# After a pause of this loop longer than the first time, readings that arrived meanwhile get the
# second time to be read before their age counts as silence of the robot [s].
_PAUSE, _CATCH_UP = 0.01, 0.005
# How long a warning about a clamped target is shown [s].
_SHOWN = 1.0


@dataclass(frozen=True)
class ControllerConfig:
    """Parameters of the bridge's core."""

    damping: float = param(3.0, "Gain kd while damping", unit="N m s/rad", low=0.5, high=10.0)
    plan_life: float = param(
        2.0, "Longest time that any plan is followed", unit="s", low=0.05, high=60.0
    )
    supervisor: SupervisorConfig = SupervisorConfig()
    limits: LimitsConfig = LimitsConfig()
    stand_up: StandUpConfig = StandUpConfig()


class BridgeController:
    """The control loop without its clock and its transport.

    Args:
        walker: the one that the planner rolls out.
        task: plans of another task are refused.
        config: parameters.
        clock: monotonic time [s], beside the time of the stamps: the ages of everything that
            endangers the robot are taken from it. None where ``now`` cannot fail, as in lockstep.

    Attributes:
        walker: runs at its own rate between the calls of :meth:`step`.
        walker_stamp: time of its last step [s].
        executed_command: velocity command in force (3,), read-only.
        decision: of the supervisor in the last step.
    """

    def __init__(
        self,
        walker: Walker,
        task: str = "box_push",
        config: ControllerConfig | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Start disarmed.

        Raises:
            ConfigError: the walker asks for gains above the limits.
        """
        self.walker, self.task = walker, task
        self.config = config or ControllerConfig()
        self._watch = ClockWatch(self.config.supervisor, clock)
        self._supervisor = Supervisor(self.config.supervisor)
        self._limiter = JointLimiter(self.config.limits)
        limits = self.config.limits
        limits.check_gains(walker.name, walker.gains.kp, walker.gains.kd)
        self._velocity = VelocityLimiter(
            walker.command_low, walker.command_high, limits.command_fraction
        )
        self._in = Inputs(task, self.config.plan_life)
        self._motion: Motion | None = None
        self._motion_to = ""  # the mode that it belongs to
        self._memory = walker.initial_state(1)
        self._qpos, self._qvel = np.zeros((1, 19)), np.zeros((1, 18))
        self._held: JointCommand | None = None
        self._next_tick = -math.inf
        self._now = -math.inf
        self._excused, self._excused_until = 0.0, -math.inf
        self._broken: tuple[str, ...] = ()
        self._near: tuple[str, ...] = ()
        self._clamped, self._clamped_at = 0, -math.inf
        self._other_authority = ""
        # Of each emergency stop: whether it is pressed, and the time of its last message [s].
        self._stops: dict[str, tuple[bool, float]] = {}
        self._events = dict.fromkeys(("clock_jumps", "bad_times", "walker_failures"), 0)
        self._zero = _frozen(np.zeros(3))
        self._effort = _frozen(np.zeros(12))
        self._brake = JointCommand.damping(self.config.damping)
        for values in vars(self._brake).values():
            _frozen(values)
        self.walker_stamp = 0.0
        self.executed_command = self._zero
        self.decision = Decision(State.DISARMED, "damping")

    @property
    def walker_state(self) -> Array:
        """Memory of the walker (S,), a copy."""
        return self._memory[0].copy()

    @property
    def counters(self) -> dict[str, int]:
        """Counts of refused, dropped and limited inputs and commands, by name; a copy."""
        return {
            **self._in.counters,
            "targets_clamped": self._limiter.clamped,
            "steps_limited": self._limiter.stepped,
            "commands_limited": self._velocity.limited,
            **self._events,
        }

    @property
    def stops(self) -> dict[str, tuple[bool, float]]:
        """Every known emergency stop by name: whether it is pressed, and its age [s]; a copy."""
        now = self._watch.elapsed
        return {
            name: (pressed, max(now - heard, 0.0)) for name, (pressed, heard) in self._stops.items()
        }

    @property
    def refusals(self) -> dict[str, str]:
        """Reason of the last dropped input, by the name of its counter."""
        return self._in.refusals

    def set_reading(self, reading: RobotReading, received: float) -> bool:
        """Take in a reading of the robot, see :meth:`Inputs.set_reading`."""
        accepted = self._in.set_reading(reading, received, self._watch.read(received))
        if accepted:
            broken, self._near = self._limiter.watch(reading)
            self._broken = (*reading.faults, *broken)
        return accepted

    def set_state(self, state: SceneState, received: float) -> bool:
        """Take in an estimate, see :meth:`Inputs.set_state`."""
        return self._in.set_state(state, received, self._watch.read(received))

    def set_plan(self, plan: Plan, received: float) -> bool:
        """Take in a plan, see :meth:`Inputs.set_plan`."""
        return self._in.set_plan(plan, received, self._watch.read(received))

    def set_other_authority(self, reason: str) -> None:
        """Set the reason to stand while another authority commands the robot; empty without one."""
        self._other_authority = reason

    def set_emergency_stop(self, pressed: bool, stop: str = "unnamed") -> None:
        """Take in a message of an emergency stop; each one is also its heartbeat.

        Every stop counts on its own: the robot damps while any of them is pressed, and where a
        heartbeat is required, once any of them falls silent.

        Args:
            pressed: whether this stop is pressed.
            stop: identity of the stop, the same in all of its messages.
        """
        self._stops[stop] = (pressed, self._watch.read(self._now))

    def remove_stop(self, stop: str) -> None:
        """Drop an emergency stop that a person has taken out of service."""
        self._stops.pop(stop, None)

    def arm(self) -> tuple[bool, str]:
        """Ask to stand up; return whether it is granted, and why not."""
        return self._supervisor.arm()

    def sit_down(self) -> tuple[bool, str]:
        """Ask to sit down slowly, and then to disarm."""
        return self._supervisor.sit_down(self._watch.elapsed)

    def disarm(self) -> tuple[bool, str]:
        """Sink to the ground and disarm."""
        return self._supervisor.disarm(self._watch.elapsed)

    def stop(self) -> tuple[bool, str]:
        """Damp at once."""
        return self._supervisor.stop(self._watch.elapsed)

    def reset(self) -> tuple[bool, str]:
        """Leave a fault."""
        return self._supervisor.reset()

    def goal_refusal(self) -> str:
        """Return why new goals are to be refused; empty if they are not."""
        return self._supervisor.goal_refusal()

    @property
    def battery(self) -> float:
        """State of charge in the last reading [0..1]; 1 before the first."""
        return self._in.reading.battery if self._in.reading else 1.0

    def step(self, now: float) -> JointCommand:
        """Return the command for this cycle.

        Args:
            now: time of the clock that the stamps are on [s]. If it is not finite every age is
                unknown, so a robot that stands or walks damps.
        """
        if not math.isfinite(now):
            self._events["bad_times"] += 1
            unknown = SupervisorInputs(math.nan, math.nan)
            self.decision = self._supervisor.update(self._watch.elapsed, unknown)
            return self._damp()
        inputs = self._inputs(now, self._watch_clock(now))
        self.decision = self._supervisor.update(self._watch.elapsed, inputs)
        mode = self.decision.mode
        if mode == "damping" or self._in.reading is None:
            return self._damp()
        wanted = (
            self._move(mode, now, self._in.reading)
            if mode in ("stand_up", "sit_down")
            else self._walk(now, self._in.reading)
        )
        if wanted is None:
            return self._damp()
        command, faults = self._limiter.limit(wanted)
        if faults:
            return self._fail("; ".join(faults))
        if self._limiter.clamped > self._clamped:
            self._clamped, self._clamped_at = self._limiter.clamped, now
        return command

    def _watch_clock(self, now: float) -> ClockReport:
        """Advance the clocks; drop every input with a stamp of the time before a jump."""
        clocks = self._watch.update(now)
        self._now = now
        if clocks.jumped:
            self._events["clock_jumps"] += 1
            self._in.restart(now, self._watch.elapsed)
            self._motion = None  # it begins again where the legs are
            self._next_tick = self._clamped_at = self._excused_until = -math.inf
        elif clocks.pause > _PAUSE:
            self._excused = clocks.pause
            self._excused_until = self._watch.elapsed + _CATCH_UP
        return clocks

    def _inputs(self, now: float, clocks: ClockReport) -> SupervisorInputs:
        known, elapsed = self._in, self._watch.elapsed
        # The motion of another state does not count in this one.
        motion = self._motion if MODES[self._supervisor.state] == self._motion_to else None
        warnings = self._near
        if now - self._clamped_at < _SHOWN:
            warnings = (*warnings, self._limiter.last_clamped)
        excused = self._excused if elapsed < self._excused_until else 0.0
        return SupervisorInputs(
            elapsed - known.reading_time - excused,
            elapsed - known.state_time,
            known.plan is not None and now < known.plan_end and elapsed < known.plan_timeout,
            known.tilt,
            known.height,
            self.battery,
            known.reading is None or known.reading.battery_reported,
            bool(motion and known.reading and motion.done(now, known.reading.position)),
            0.0 if motion is None else now - motion.end,
            self._broken,
            warnings,
            clocks.pause,
            clocks.jumped,
            clocks.error,
            self._other_authority,
            self.stops,
            max(elapsed - known.base_seen, 0.0),
            max(elapsed - known.object_seen, 0.0),
            known.estimate.mocap_inconsistency if known.estimate else "",
        )

    def _damp(self) -> JointCommand:
        self._motion = None
        self._held = None
        self._limiter.reset()
        self.executed_command = self._zero
        return self._brake

    def _fail(self, why: str) -> JointCommand:
        """Latch a fault that was detected after the decision, and damp in the same cycle."""
        self.decision = self._supervisor.fail(why)
        self._memory[:] = self.walker.initial_state(1)  # it may be the cause
        return self._damp()

    def _move(self, mode: Mode, now: float, reading: RobotReading) -> JointCommand:
        """Return the command of a motion, which begins where the legs are."""
        if self._motion is None or self._motion_to != mode:
            if mode == "stand_up":
                self._limiter.reset()
            # Legs that carry the robot begin at their last target, not where they sag to.
            target = self._held if mode == "sit_down" else None
            start = reading.position if target is None else target.position
            make = stand_up if mode == "stand_up" else sit_down
            self._motion = make(start, now, self.walker.gains, self.config.stand_up)
            self._motion_to = mode
            self._memory[:] = self.walker.initial_state(1)
            self._held, self._next_tick = None, -math.inf
            self.executed_command = self._zero
        return self._motion.command(now)

    def _walk(self, now: float, reading: RobotReading) -> JointCommand | None:
        """Run the walker when its period has passed; hold its targets in between.

        Returns None if the walker failed.
        """
        if self._held is not None and now < self._next_tick - _EARLY:
            return self._held
        period = 1.0 / self.walker.rate
        # Keep the walker's rhythm, but do not catch up after a pause.
        late = now - self._next_tick > period
        self._next_tick = (now if late else self._next_tick) + period
        self.executed_command = command = self._command(now)
        self._fill_state(reading)
        try:
            targets = self.walker.step(self._qpos, self._qvel, command[None], self._memory)
        except Exception as error:  # of any kind: the legs must get a command
            self._events["walker_failures"] += 1
            self._fail(f"the walker failed: {error}")
            return None
        self.walker_stamp = now
        gains = self.walker.gains
        self._held = JointCommand(
            targets.position[0], targets.velocity[0], self._effort, gains.kp, gains.kd
        )
        return self._held

    def _command(self, now: float) -> Array:
        """Return the velocity command (3,) for the coming period of the walker."""
        plan = self._in.plan
        if self.decision.mode != "walk" or plan is None:
            return self._zero
        try:
            command = np.asarray(plan.command(now), dtype=np.float64)
        except Exception as error:  # of any kind: the plan comes from outside
            self._in.drop_plan(f"{plan.id} cannot be evaluated: {error}")
            return self._zero
        share = self.config.limits.derate_factor if self._near else 1.0
        return _frozen(self._velocity.limit(command, share))

    def _fill_state(self, reading: RobotReading) -> None:
        """Write the walker's inputs: the estimate if it is fresh, else the robot's own sensors."""
        qpos, qvel = self._qpos[0], self._qvel[0]
        qpos[7:19], qvel[6:18] = reading.position, reading.velocity
        estimate = self._in.estimate
        age = self._watch.elapsed - self._in.state_time
        fresh = age <= self.config.supervisor.state_age
        if estimate is not None and fresh:
            qpos[0:3], qpos[3:7] = estimate.position, estimate.orientation
            qvel[0:3], qvel[3:6] = estimate.linear_velocity, estimate.angular_velocity
        else:
            qpos[3:7] = reading.orientation
            qvel[0:3], qvel[3:6] = 0.0, reading.angular_velocity


def _frozen(values: Array) -> Array:
    values.setflags(write=False)
    return values
