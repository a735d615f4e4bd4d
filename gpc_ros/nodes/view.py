"""Node ``view``: the graph in a browser, with sliders for the planner.

It takes only the newest message of each topic, a few times a second. While the page is not open it
neither subscribes nor draws.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile

import gpc_msgs.msg
from gpc_msgs.msg import Plan, PlannerStatus, SceneState, SupervisorState, WalkerState
from gpc_ros.bag import topics
from gpc_ros.common import config
from gpc_ros.common.assignments import parse_assignments
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.ros import qos
from gpc_ros.ros.convert import msgs, robot_msgs, state_msgs
from gpc_ros.ros.diagnostics import OK, Diagnostics, Report
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.runner import PeriodicNode, Stop, run
from gpc_ros.ros.validator import MessageValidator
from gpc_ros.settings.node_settings import PlannerSettings, ViewSettings
from gpc_ros.settings.viewer_settings import announcement
from gpc_ros.tasks import make_task
from gpc_ros.view import require_viser
from gpc_ros.view.snapshot import (
    Pose,
    Snapshot,
    candidates_from_msg,
    cycle_from_msg,
    start_from_msg,
)
from gpc_ros.view.steering import GoalSteering, ParameterSteering

if TYPE_CHECKING:
    from gpc_ros.view.sliders import Sliders

_PLANNER = "planner"
# Live parameters of the planner that have no slider: the weights are part of this text.
_TEXTS = ("task_params",)
# The record of a planning cycle contains many candidates [bytes].
_MAX_BYTES = 1 << 20


class ViewNode(PeriodicNode):
    """The page behind subscriptions."""

    def __init__(self, stop: Stop) -> None:
        """Start the server and connect."""
        require_viser()
        from gpc_ros.view.goal_marker import GoalControls
        from gpc_ros.view.sliders import Sliders
        from gpc_ros.view.viewer_page import Page

        self.node = node = Node("view")
        s = NodeParameters(node, ViewSettings()).settings
        self.scheduling = s.scheduling
        self.period = self.serve = 1.0 / s.rate
        self._task = make_task(s.task, parse_assignments(s.task_params, "task_params"))
        walker = make_walker(s.walker)
        self._walker = walker.name
        self._memory_size = walker.state_size
        self._page = Page(self._task, walker, s, f"{s.task}, live")
        self._goal_controls = GoalControls(self._page.server, self._page.notify)
        live = [p for p in config.parameters(PlannerSettings()) if p.live and p.name not in _TEXTS]
        weights = [
            dataclasses.replace(p, live=True)
            for p in config.parameters(self._task.config.cost, "cost.")
        ]
        self._sliders: list[Sliders] = [
            Sliders(self._page.server, "cost weights", weights, self._page.notify),
            Sliders(self._page.server, "planner", live, self._page.notify),
        ]
        self._page.add_layers()
        self._parameters = ParameterSteering(
            node, _PLANNER, [p.name for p in live], weights, self._show, self._page.notify
        )
        self._goals = GoalSteering(node, self._page.notify)
        self._snapshot = Snapshot()
        self._validator = MessageValidator(node)
        self._inputs: list[tuple[PolledSubscription[Any], Callable[[Any], None]]] = []
        Diagnostics(node, self._diagnose)
        print(announcement(s, self._page.url), flush=True)

    def step(self, late: float) -> None:
        """Process new messages, forward changes of the user and draw."""
        self._listen(self._page.watched)
        for subscription, take in self._inputs:
            message = subscription.latest()
            if message is not None:
                self._validator.validate(subscription.topic, take, message)
        changes: dict[str, Any] = {}
        for sliders in self._sliders:
            changes.update(sliders.take())
        self._parameters.step(changes)
        refused = self._goals.step(self._goal_controls.take())
        self._page.look_at(self._snapshot)
        if not self._page.watched:
            return
        self._page.show(self._snapshot)
        self._goal_controls.show(self._snapshot.goal)
        if refused:
            self._goal_controls.reset()

    def _listen(self, watched: bool) -> None:
        """Subscribe while the page is open.

        Every received message costs its sender and this machine time, even if it is not shown.
        """
        if watched and not self._inputs:
            self._inputs = self._subscribe()
        elif self._inputs and not watched:
            for subscription, _ in self._inputs:
                subscription.close()
            # The last snapshot is old when the next page is opened.
            self._inputs, self._snapshot = [], Snapshot()
            self._page.reset_view()

    def _subscribe(self) -> list[tuple[PolledSubscription[Any], Callable[[Any], None]]]:
        """Subscribe to the shown topics; best effort, so that no publisher waits for this node."""
        newest = qos.sensor(1)
        found: list[tuple[type, str, QoSProfile, Callable[[Any], None]]] = [
            (SceneState, topics.STATE.name, newest, self._take_state),
            (Plan, topics.PLAN.name, newest, self._take_plan),
            (PlannerStatus, topics.STATUS.name, newest, self._take_cycle),
            (SupervisorState, topics.SUPERVISOR.name, newest, self._take_mode),
            (WalkerState, topics.WALKER.name, newest, self._take_memory),
            (PoseStamped, topics.GOAL.name, qos.latched(), self._take_goal),
        ]
        # Where the planner publishes the candidates of every cycle.
        record = getattr(gpc_msgs.msg, "PlannerCycle", None)
        if record is not None:
            found.append((record, "planner/cycle", newest, self._take_candidates))
        for body in ("base", *self._task.bodies):
            name = topics.mocap(body).name
            found.append((PoseStamped, name, newest, self._mocap_taker(body)))
        return [
            (PolledSubscription(self.node, kind, topic, profile, max_bytes=_MAX_BYTES), take)
            for kind, topic, profile, take in found
        ]

    def _take_state(self, message: SceneState) -> None:
        self._snapshot.state = state_msgs.scene_state_from_msg(message)

    def _take_plan(self, message: Plan) -> None:
        """Take a plan with the state of now, since it is rolled out from where it begins."""
        self._snapshot.plan = state_msgs.plan_from_msg(message)
        self._snapshot.start = self._snapshot.state

    def _take_candidates(self, message: Any) -> None:
        """Take a cycle's candidates; those of the next or the last plan look alike."""
        if message.id:
            self._snapshot.candidates = candidates_from_msg(message, len(message.knots) // 3)
            start = start_from_msg(message, self._task.bodies)
            self._snapshot.start = start or self._snapshot.start

    def _take_cycle(self, message: PlannerStatus) -> None:
        self._snapshot.cycle = cycle_from_msg(message)
        if message.hold_reason:
            self._snapshot.plan = None

    def _take_mode(self, message: SupervisorState) -> None:
        self._snapshot.mode, self._snapshot.reasons = message.name, tuple(message.reasons)

    def _take_memory(self, message: WalkerState) -> None:
        self._snapshot.walker_state = robot_msgs.walker_state_from_msg(
            message, self._walker, self._memory_size
        )

    def _take_goal(self, message: PoseStamped) -> None:
        self._snapshot.goal = msgs.goal_from_msg(message)

    def _mocap_taker(self, body: str) -> Callable[[PoseStamped], None]:
        def take(message: PoseStamped) -> None:
            pose = msgs.pose_from_msg(message)
            self._snapshot.mocap[body] = Pose(pose.position, pose.orientation)

        return take

    def _show(self, name: str, value: Any) -> None:
        """Show a parameter's value on its control."""
        for sliders in self._sliders:
            sliders.show(name, value)

    def _diagnose(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        return OK, "watched" if self._page.watched else "nobody watches", self._validator.figures()

    def close(self) -> None:
        """Stop the server."""
        self._page.close()


def main() -> int:
    """Run the node."""
    return run(ViewNode)


if __name__ == "__main__":
    sys.exit(main())
