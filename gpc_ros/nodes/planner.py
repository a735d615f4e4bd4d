"""Node ``planner``: turns the newest state into a plan, at a fixed rate, with a deadline.

It holds (publishes no plan; its status contains the reason) without a goal, without a fresh and
finite state, while the robot is not active, and when an object was not seen or has left the
workspace. The bridge then follows the last plan to its end and stands.
"""

from __future__ import annotations

import dataclasses
import sys
import time

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.publisher import Publisher

from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import PlannerCycle, PlannerStatus, SupervisorState, WalkerState
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_msgs.srv import SetGoal
from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import GpcError, InputError
from gpc_ros.common.graph_identity import own_service
from gpc_ros.common.mujoco_warnings import silence_mujoco
from gpc_ros.common.timing import RollingPercentiles
from gpc_ros.planning.cycle import CycleRecord, make_cycle_inputs, make_cycle_record
from gpc_ros.planning.plan import Plan
from gpc_ros.planning.planner import PlannerReport
from gpc_ros.planning.rollout import Deadline
from gpc_ros.robot.types import SceneState
from gpc_ros.ros import qos
from gpc_ros.ros.convert import msgs, robot_msgs, state_msgs
from gpc_ros.ros.convert.cycle_msgs import cycle_to_msg
from gpc_ros.ros.convert.status_msgs import (
    CycleContext,
    is_active,
    is_down,
    mode_text,
    status_to_msg,
)
from gpc_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics, Report
from gpc_ros.ros.endpoints import TopicAuthority
from gpc_ros.ros.ownership import ExclusivePublisher
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.runner import Stop, run
from gpc_ros.ros.validator import MessageValidator
from gpc_ros.settings.node_settings import PlannerSettings
from gpc_ros.settings.planner_setup import make_planner, reconfigured

# A stamp may lie this far in the future before it counts as wrong [s].
_FUTURE = 0.01
# A clock that steps back further than this was reset [s].
_JUMP = 0.5
_MAX_GOAL = 1024  # of a goal in serialized form [bytes]
_GRAPH_PERIOD = 0.2  # between two looks at the publishers of goals [s]


class PlannerNode:
    """The planner behind topics."""

    def __init__(self, stop: Stop) -> None:
        """Build task and planner, and connect."""
        silence_mujoco()
        self.node = node = Node("planner")
        self._parameters = NodeParameters(node, PlannerSettings(), self._configure)
        self._settings = s = self._parameters.settings
        self.scheduling = s.scheduling
        self._clock = node.get_clock()
        self._last_cycle = self._now()
        # Ids continue when this node is restarted: the bridge rejects smaller ones.
        self._planner = make_planner(s, first_id=max(1, int(self._last_cycle * 1e3)))
        self._task, self._walker = self._planner.task, self._planner.walker
        self._proposal_name = self._name_proposal()
        self._warm_up()
        self._validator = MessageValidator(node)
        self._state_in = PolledSubscription(node, SceneStateMsg, "scene_state", qos.sensor(1))
        self._walker_in = PolledSubscription(node, WalkerState, "walker_state", qos.sensor(1))
        self._mode_in = PolledSubscription(node, SupervisorState, "supervisor", qos.report())
        self._plans = ExclusivePublisher(
            node, PlanMsg, "plan", qos.command(5.0 / s.rate), s.exclusivity_wait
        )
        self._status: Publisher | None = None
        self._record: CycleRecord | None = None
        self._authority = TopicAuthority(node, {"goal_pose": ""}, shared=("goal_pose",))
        self._goals_in = PolledSubscription(
            node, PoseStamped, "goal_pose", qos.report(), max_bytes=_MAX_GOAL,
            on_reject=self._validator.reject, admit=self._authority.gate("goal_pose"),
        )  # fmt: skip
        self._goal: Array | None = None
        self._state: SceneState | None = None
        self._walker_state: Array | None = None
        self._active, self._mode, self._goal_refusal = False, "unknown", ""
        self._cycles = self._misses = 0
        self._report = PlannerReport(hold_reason="looking for other planners")
        self._plan_times = RollingPercentiles(200)
        self._ages = RollingPercentiles(200)
        Diagnostics(node, self._diagnose)
        self._plans.check_regularly(stop, self._announce)
        node.create_timer(_GRAPH_PERIOD, self._authority.update)
        node.create_timer(1.0 / s.rate, self._cycle)

    def _announce(self) -> None:
        """Create publishers and services; no other planner has them."""
        node = self.node
        self._status = node.create_publisher(PlannerStatus, "planner/status", qos.report())
        self._cycle_out = node.create_publisher(PlannerCycle, "planner/cycle", qos.report())
        self._goal_out = node.create_publisher(PoseStamped, "goal", qos.latched())
        for service in ("set_goal", own_service("set_goal")):
            node.create_service(SetGoal, service, self._on_set_goal)

    def _warm_up(self) -> None:
        """Plan once and reset, so that the first cycle is not slower than the rest."""
        start = self._task.sample_episode(0)
        nv = self._planner.model.nv
        state = SceneState.from_arrays(0.0, start.qpos, np.zeros(nv), self._task.bodies)
        self._planner.plan(state, self._walker.initial_state(1)[0], start.goal, 0.0)
        self._planner.reset()

    def _name_proposal(self) -> str:
        """Publish and log the proposal, and return its name for the status."""
        proposal, logger = self._planner.proposal, self.node.get_logger()
        if proposal is None:
            logger.info(f"planning without a learned proposal: {self._planner.no_proposal}")
            return f"({self._planner.no_proposal})"
        card = proposal.card
        self._parameters.add_facts(proposal=dataclasses.asdict(card))
        name = f"{card.kind} {card.task} {card.files['safetensors']['sha256'][:12]}"
        logger.info(f"part of the candidates comes from the learned proposal {name}")
        return name

    def _configure(self, settings: PlannerSettings) -> None:
        """Take over parameters that were changed while the node runs.

        Raises:
            ConfigError: one of them cannot change now; nothing has changed then.
        """
        planner = reconfigured(self._planner, settings)
        if planner is not self._planner:
            # The bridge follows the last plan until the next one arrives.
            self._planner = planner
        self._task, self._settings = planner.task, settings

    def _cycle(self) -> None:
        """Plan once, or publish why not."""
        begin = time.monotonic()
        now = self._now()
        if now < self._last_cycle - _JUMP:
            self.node.get_logger().warning("the clock was set back: starting over")
            self._planner.reset()
            self._state = None
        self._last_cycle = now
        self._take_in()
        if self._status is None:
            return  # another planner may be there already
        for goal in self._goals_in.drain():
            self._on_goal_pose(goal)
        reason = self._hold_reason(now)
        plan = None
        if reason:
            self._report = PlannerReport(
                hold_reason=reason, num_rollouts=self._settings.num_rollouts
            )
        else:
            plan = self._plan(now, begin)
        if plan is not None:
            self._plans.publisher.publish(state_msgs.plan_to_msg(plan, PlanMsg()))
        self._status.publish(self._status_message(now, plan))
        if self._record is not None:
            # Last, after the plan was published.
            self._cycle_out.publish(cycle_to_msg(self._record, PlannerCycle()))
            self._record = None

    def _take_in(self) -> None:
        """Take the newest message of each input; a bad one leaves the previous in place."""
        message = self._state_in.latest()
        if message is not None:
            self._state = (
                self._validator.validate("scene_state", state_msgs.scene_state_from_msg, message)
                or self._state
            )
        walker = self._walker_in.latest()
        if walker is not None:
            memory = self._validator.validate("walker_state", self._walker_memory, walker)
            self._walker_state = self._walker_state if memory is None else memory
        self._take_mode()

    def _take_mode(self) -> None:
        for supervisor in self._mode_in.drain():
            self._mode, self._active = mode_text(supervisor), is_active(supervisor)
            self._fix_goals(is_down(supervisor))
            self._goal_refusal = supervisor.goal_refusal

    def _fix_goals(self, down: bool) -> None:
        """Fix who may publish goals while the robot is armed."""
        lease = self._authority.lease
        if down:
            lease.release()
        elif not lease.is_fixed:
            self._authority.update()
            lease.fix()

    def _walker_memory(self, message: WalkerState) -> Array:
        return robot_msgs.walker_state_from_msg(message, self._walker.name, self._walker.state_size)

    def _hold_reason(self, now: float) -> str:
        """Return why there must be no plan now; empty if there may be one."""
        s, state = self._settings, self._state
        if self._goal is None:
            return "no goal"
        if not self._active:
            return f"the robot is not active: {self._mode}"
        if state is None:
            return "no state yet"
        age = now - state.stamp
        if not -_FUTURE <= age <= s.max_state_age:
            return f"the state is {age:.3f} s old, allowed are {s.max_state_age:g} s"
        if self._walker_state is None:
            return "no walker state yet"
        for body in self._task.bodies:
            if body not in state.objects:
                return f"object '{body}' was never seen"
            if state.objects[body].age > s.max_object_age:
                return f"object '{body}' was not seen for {state.objects[body].age:.1f} s"
        reach = float(np.hypot(*self._task.target_pose(state.qpos(self._task.bodies))[:2]))
        if reach > self._task.config.workspace:
            return f"outside the workspace: {reach:.2f} m from the map origin"
        return ""

    def _plan(self, now: float, begin: float) -> Plan | None:
        """Run the planner with the deadline that the period leaves."""
        s = self._settings
        assert self._state is not None and self._goal is not None
        assert self._walker_state is not None
        deadline = Deadline(begin + s.deadline_fraction / s.rate)
        given = self._state, self._walker_state, self._goal, now
        # Without a subscriber no record is made.
        recorded = self._cycle_out.get_subscription_count() > 0
        inputs = make_cycle_inputs(self._planner, *given) if recorded else None
        try:
            plan, self._report = self._planner.plan(*given, deadline)
        except GpcError as error:
            self._validator.reject("scene_state", str(error))
            self._report = PlannerReport(hold_reason=str(error), num_rollouts=s.num_rollouts)
            return None
        self._cycles += 1
        if inputs is not None:
            self._record = make_cycle_record(
                inputs,
                plan,
                self._report,
                limited=True,
                keep=s.record_candidates,
                cycle=self._cycles,
                settings=self._parameters.serial,
            )
        self._misses += self._report.missed
        self._plan_times.add(self._report.plan_time)
        self._ages.add(self._report.state_age)
        return plan

    def _status_message(self, now: float, plan: Plan | None) -> PlannerStatus:
        s = self._settings
        context = CycleContext(
            stamp=now if self._state is None else self._state.stamp,
            plan_id=0 if plan is None else plan.id,
            cycles=self._cycles,
            misses=self._misses,
            task=s.task,
            optimizer=s.optimizer,
            horizon=s.horizon,
            period=1.0 / s.rate,
            deadline=s.deadline_fraction / s.rate,
            goal=self._goal,
            state=self._state,
            dropped_states=self._validator.rejected["scene_state"],
            proposal=self._proposal_name,
        )
        return status_to_msg(self._report, context, PlannerStatus())

    def _on_goal_pose(self, message: PoseStamped) -> None:
        """Take a goal from a topic, as RViz sends it."""
        try:
            self._accept_goal(msgs.goal_from_msg(message))
        except GpcError as error:
            self._validator.reject("goal_pose", str(error))

    def _on_set_goal(
        self, request: SetGoal.Request, response: SetGoal.Response
    ) -> SetGoal.Response:
        """Take a goal from a caller and answer with the reason of a refusal."""
        try:
            self._accept_goal(np.array([request.x, request.y, request.yaw]))
        except GpcError as error:
            self._validator.reject("set_goal", str(error))
            response.success, response.message = False, str(error)
            return response
        response.success, response.message = True, "accepted"
        return response

    def _accept_goal(self, goal: Array) -> None:
        """Check a goal, adopt it and publish it.

        Raises:
            InputError: it is not finite, or the bridge refuses new goals.
            UnreachableGoalError: it lies outside the workspace.
        """
        self._take_mode()
        if self._goal_refusal:
            raise InputError(f"no new goal: {self._goal_refusal}")
        self._goal = self._task.check_goal(goal)
        shown = msgs.goal_to_msg(self._goal, self._now())
        self._goal_out.publish(shown)
        x, y, yaw = self._goal
        self.node.get_logger().info(f"goal: {x:.2f} m, {y:.2f} m, {yaw:.2f} rad")

    def _diagnose(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        p50, p99, longest = self._plan_times.percentiles()
        age50, age99, _ = self._ages.percentiles()
        figures = {
            "plans": self._cycles,
            "deadline misses": self._misses,
            "plan time p50 [ms]": p50 * 1e3,
            "plan time p99 [ms]": p99 * 1e3,
            "plan time max [ms]": longest * 1e3,
            "state age p50 [ms]": age50 * 1e3,
            "state age p99 [ms]": age99 * 1e3,
            "best cost": self._report.best_cost,
            "proposal usefulness": self._report.proposal.usefulness,
            "proposal weight": self._report.proposal.weight,
            **self._validator.figures(),
            **self._authority.lease.holders(),
        }
        if names := self._plans.other_publishers:
            return ERROR, f"another planner publishes: {', '.join(names)}", figures
        if self._report.hold_reason:
            return WARN, f"holding: {self._report.hold_reason}", figures
        if self._report.missed:
            return WARN, "missed its last deadline", figures
        return OK, "planning", figures

    def close(self) -> None:
        """Do nothing; the last plan expires by itself."""

    def _now(self) -> float:
        return self._clock.now().nanoseconds * 1e-9


def main() -> int:
    """Run the node."""
    return run(PlannerNode)


if __name__ == "__main__":
    sys.exit(main())
