"""Run one episode in lockstep: plant, bridge core and planner advance without a clock.

The same objects run live; only the transport between them is missing, so a result depends only on
the settings and the seed. By default planner and bridge receive the true state and a plan arrives
at once; a plan delay and the estimator can be switched on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from gpc_ros.bridge.controller import BridgeController
from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.errors import ConfigError, GpcError
from gpc_ros.estimation.estimator import Estimator
from gpc_ros.locomotion.registry import DEFAULT_WALKER, WALKER_CHOICE, make_walker
from gpc_ros.locomotion.walker import Walker
from gpc_ros.planning.cycle_report import PlannerReport
from gpc_ros.planning.plan import Plan
from gpc_ros.planning.planner import Planner, PlannerConfig
from gpc_ros.robot.types import RobotReading, SceneState
from gpc_ros.simulation.plant import PERIOD, DivergedError, Plant
from gpc_ros.tasks import build_model, make_task
from gpc_ros.tasks.judge import GoalJudge
from gpc_ros.tasks.task import Task

# Before the episode the robot stands up until the supervisor is ready, which takes about 1 s.
_READY_LIMIT = 10.0


@dataclass(frozen=True)
class EpisodeConfig:
    """Parameters of an episode."""

    task: str = param("box_push", "Task to run; gpc tasks lists them")
    walker: str = param(DEFAULT_WALKER, WALKER_CHOICE)
    rate: float = param(10.0, "Plans per second", unit="Hz", low=1.0, high=50.0)
    duration: float = param(25.0, "Time to give up after", unit="s", low=0.1, high=600.0)
    plan_delay: float = param(
        0.0, "Delay from a state to the arrival of its plan", unit="s", low=0.0, high=0.2
    )
    estimated: bool = param(False, "Use the estimated state instead of the true one")
    planner: PlannerConfig = PlannerConfig()

    def check(self) -> None:
        """Raise ConfigError if the plan delay is not shorter than the planning period."""
        if self.delay_ticks >= self.plan_ticks:
            raise ConfigError(
                f"plan_delay: {self.plan_delay:g} s is not shorter than the {1 / self.rate:g} s "
                f"between plans; lower it or the rate of {self.rate:g} Hz"
            )

    @property
    def plan_ticks(self) -> int:
        """Number of control periods between two plans."""
        return round(1.0 / self.rate / PERIOD)

    @property
    def delay_ticks(self) -> int:
        """Number of control periods from a state to the arrival of its plan."""
        return round(self.plan_delay / PERIOD)


@dataclass(frozen=True)
class EpisodeResult:
    """How an episode ended.

    Attributes:
        seed: seed of start, goal and sampling.
        success: whether the goal was reached and held.
        time: time to success, or the duration after a failure [s].
        distance: distance to the goal at the end [m].
        yaw_error: yaw error at the end [rad].
        fell: whether the robot fell or a safety limit stopped it.
        plans: number of planning cycles.
        plan_ms: median time of a cycle on this machine [ms]; the only value that differs between
            runs with the same seed.
    """

    seed: int
    success: bool
    time: float
    distance: float
    yaw_error: float
    fell: bool
    plans: int
    plan_ms: float

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return asdict(self)


class PlannerInputs(NamedTuple):
    """Arguments of a planning cycle; see :meth:`gpc_ros.planning.planner.Planner.plan`."""

    state: SceneState
    walker_state: Array
    goal: Array
    now: float


class Observer:
    """Callbacks of an episode in lockstep; subclasses override some of them.

    Callbacks must not modify their arguments: an observed episode gives bit-identical results.
    """

    def before_plan(self, lockstep: Lockstep, inputs: PlannerInputs) -> None:
        """Handle the start of a planning cycle."""

    def after_plan(self, lockstep: Lockstep, plan: Plan | None, report: PlannerReport) -> None:
        """Handle the result of a planning cycle."""

    def plan_received(self, lockstep: Lockstep, plan: Plan) -> None:
        """Handle a plan that the bridge has just received."""

    def after_tick(self, lockstep: Lockstep) -> None:
        """Handle the end of a control period."""


class Trace(Observer):
    """Collects times (T,) [s], true scenes (T, nq) and best costs (T,) at the plan rate."""

    def __init__(self) -> None:
        """Start empty."""
        self.times: list[float] = []
        self.qpos: list[Array] = []
        self.costs: list[float] = []

    def after_plan(self, lockstep: Lockstep, plan: Plan | None, report: PlannerReport) -> None:
        """Append one sample."""
        self.times.append(lockstep.time)
        self.qpos.append(lockstep.plant.data.qpos.copy())
        self.costs.append(report.best_cost)


def run_episode(
    config: EpisodeConfig,
    seed: int,
    task_overrides: Mapping[str, Any] | None = None,
    optimizer: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
) -> EpisodeResult:
    """Run one episode from its seed to success or to the end of its duration.

    Args:
        config: parameters of the episode.
        seed: of start, goal, sensor noise and sampling.
        task_overrides: parameters of the task by dotted name.
        optimizer: parameters of the optimizer by dotted name.
        observer: receives the callbacks of the episode.

    Raises:
        ConfigError: an unknown task, walker or parameter, or a bad value.
    """
    lockstep = Lockstep(config, seed, task_overrides, optimizer, observer=observer)
    lockstep.get_ready()
    return lockstep.run()


class Lockstep:
    """Plant, bridge core and planner of one episode.

    Args:
        config: parameters of the episode.
        seed: of start, goal, sensor noise and sampling.
        task_overrides: parameters of the task by dotted name.
        optimizer: parameters of the optimizer by dotted name.
        walker: replaces the walker of the configuration.
        observer: receives the callbacks of the episode.

    Attributes:
        observer: the same; may be replaced between two ticks.
    """

    def __init__(
        self,
        config: EpisodeConfig,
        seed: int,
        task_overrides: Mapping[str, Any] | None = None,
        optimizer: Mapping[str, Any] | None = None,
        walker: Walker | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Build plant, bridge and planner and place the robot at its start.

        Raises:
            ConfigError: an unknown task, walker or parameter, or a bad value.
        """
        config.check()
        self.config, self.seed = config, seed
        self.task: Task = make_task(config.task, task_overrides)
        self.walker: Walker = walker or make_walker(config.walker)
        self.episode = self.task.sample_episode(seed)
        model = build_model(self.task, "plant", self.walker.gains)
        self.plant = Plant(model, self.task.bodies, seed=seed)
        self.plant.reset(self.episode.qpos)
        self.bridge = BridgeController(self.walker, task=config.task)
        self.estimator = Estimator(self.task.bodies) if config.estimated else None
        self._state: SceneState | None = None
        self.observer = observer or Observer()
        self._begin = 0.0
        planner = replace(config.planner, seed=seed)
        self.planner = Planner(self.task, self.walker, planner, dict(optimizer or {}))

    @property
    def time(self) -> float:
        """Time since the episode began [s]; before :meth:`run`, since the plant was built."""
        return self.plant.time - self._begin

    def get_ready(self) -> None:
        """Arm the bridge and let the robot stand up.

        Raises:
            GpcError: arming was refused or the robot was not ready in time.
        """
        self.tick()
        while self._state is None and self.plant.time < _READY_LIMIT:
            self.tick()
        accepted, reason = self.bridge.arm()
        if not accepted:
            raise GpcError(f"episode {self.seed}: arming was refused: {reason}")
        while self.bridge.decision.state.name != "READY":
            self.tick()
            if self.plant.time > _READY_LIMIT:
                raise GpcError(
                    f"episode {self.seed}: the robot is not ready after {_READY_LIMIT:g} s: "
                    f"{'; '.join(self.bridge.decision.reasons)}"
                )

    def tick(self) -> None:
        """Advance plant, estimator and bridge by one control period."""
        now = self.plant.time
        reading = self.plant.reading()
        self.bridge.set_reading(reading, now)
        self._state = self._observe(reading, now)
        if self._state is not None:
            self.bridge.set_state(self._state, now)
        self.plant.step(self.bridge.step(now))
        self.observer.after_tick(self)

    def _observe(self, reading: RobotReading, now: float) -> SceneState | None:
        """Return the state that the bridge receives; None until the estimator has one."""
        if self.estimator is None:
            return self.plant.truth()
        self.estimator.on_reading(reading, now)
        for pose in self.plant.poses():
            self.estimator.on_mocap(pose.body, pose.stamp, pose.position, pose.quaternion, now)
        return self.estimator.estimate()

    def _plan(self) -> tuple[Plan | None, float]:
        """Return the next plan, which starts after the plan delay, and its plan time [s]."""
        now = self.plant.time
        # The true state is current; the newest estimate is from the previous period.
        state = self.plant.truth() if self.estimator is None else self._state
        if state is None:
            return None, 0.0
        start = now + self.config.delay_ticks * PERIOD
        inputs = PlannerInputs(state, self.bridge.walker_state, self.episode.goal, start)
        self.observer.before_plan(self, inputs)
        plan, report = self.planner.plan(*inputs)
        self.observer.after_plan(self, plan, report)
        return plan, report.plan_time

    def run(self) -> EpisodeResult:
        """Plan and act until success, a fall or the end of the duration."""
        self._begin = self.plant.time
        judge = GoalJudge(self.task, self.episode.goal)
        plan_times: list[float] = []
        fell = False
        while not fell and self.time < self.config.duration - PERIOD / 2:
            plan, seconds = self._plan()
            plan_times.append(seconds)
            try:
                for tick in range(self.config.plan_ticks):
                    if tick == self.config.delay_ticks and plan is not None:
                        self.bridge.set_plan(plan, self.plant.time)
                        self.observer.plan_received(self, plan)
                    self.tick()
                    judge.update(self.plant.time, self.plant.data.qpos)
                    if judge.reached:
                        return self._result(True, False, plan_times)
            except DivergedError:
                fell = True
            fell = fell or self.bridge.decision.state.name == "FAULT"
        return self._result(False, fell, plan_times)

    def _result(self, success: bool, fell: bool, plan_times: list[float]) -> EpisodeResult:
        progress = self.task.progress(self.plant.data.qpos, self.episode.goal)
        return EpisodeResult(
            seed=self.seed,
            success=success,
            time=round(self.time, 4) if success else self.config.duration,
            distance=progress.distance,
            yaw_error=progress.yaw_error,
            fell=fell,
            plans=len(plan_times),
            plan_ms=float(1e3 * np.median(plan_times)),
        )
