"""Node ``monitor``: sets the goal, shows and judges the episode, writes video and report.

Its end ends the graph; exit code 0 is success. It has no influence on control.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from gpc_msgs.msg import PlannerStatus, SupervisorState
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_msgs.srv import SetGoal
from gpc_ros.common.arrays import Array
from gpc_ros.common.assignments import NO_GOAL, parse_assignments, parse_goal
from gpc_ros.common.graph_identity import own_service
from gpc_ros.common.timing import Rate, TopicTimeout
from gpc_ros.evaluation.status_line import Line, Metrics, status_line
from gpc_ros.graph.launcher import STATUS_LINE
from gpc_ros.ros import qos
from gpc_ros.ros.convert import state_msgs
from gpc_ros.ros.convert.status_msgs import is_active, is_latched, mode_text
from gpc_ros.ros.diagnostics import OK, WARN, Diagnostics, Report
from gpc_ros.ros.parameters import NodeParameters
from gpc_ros.ros.polling import PolledSubscription
from gpc_ros.ros.runner import Stop, run
from gpc_ros.ros.validator import MessageValidator
from gpc_ros.settings.node_settings import MonitorSettings
from gpc_ros.tasks import make_task
from gpc_ros.tasks.judge import EpisodeJudge, Verdict

# Between two ticks [s].
_PERIOD = 0.1
# TopicTimeout of the true state that ends an episode [s].
_SILENCE = 2.0
# How long the planner may take to answer, and the recorder to close the bag [s].
_ANSWER = 15.0
_CLOSING = 40.0
# How long video and report may take [s].
_RENDERING = 600.0
# How long the robot may take to get down at the end [s].
_SETTLING = 10.0
_DOWN = (SupervisorState.DISARMED, SupervisorState.DAMPING, SupervisorState.FAULT)
# Time of the start after which missing nodes are shown [s].
_QUIET = 5.0


class Monitor:
    """Runs one episode: wait, ask, watch, close, render, end.

    Each phase is a method that the timer calls until it names the next one.
    """

    def __init__(self, stop: Stop) -> None:
        """Connect to the other nodes."""
        self._stop = stop
        self.node = node = Node("monitor")
        self._settings = s = NodeParameters(node, MonitorSettings()).settings
        self.scheduling = s.scheduling
        self._task = make_task(s.task, parse_assignments(s.task_params, "task_params"))
        self._goal = self._chosen_goal()
        self._judge = (
            None if self._goal is None else EpisodeJudge(self._task, self._goal, s.duration)
        )
        self._verdict: Verdict | None = None
        self._validator = MessageValidator(node)
        self._figures = Metrics()
        self._plan_rate = Rate()
        self._truth = PolledSubscription(node, SceneStateMsg, s.truth, qos.sensor(20))
        self._status = PolledSubscription(node, PlannerStatus, "planner/status", qos.report())
        self._modes = PolledSubscription(node, SupervisorState, "supervisor", qos.report())
        self._set_goal = node.create_client(SetGoal, own_service("set_goal"))
        # The first available service lets the robot down at the end.
        self._down = [
            node.create_client(Trigger, own_service(name)) for name in ("sit_down", "disarm")
        ]
        self._stop_recorder = node.create_client(Trigger, own_service("recorder/stop"))
        self._supervisor: SupervisorState | None = None
        self._answers: dict[str, Future] = {}
        self._renderer: subprocess.Popen[bytes] | None = None
        self._since = time.monotonic()
        self._silence = TopicTimeout(2.0 * _PERIOD)
        self._phase: Callable[[float], None] = self._wait
        in_place = bool(os.environ.get(STATUS_LINE)) or sys.stdout.isatty()
        self._line = Line(in_place, _write)
        Diagnostics(node, self._diagnose)
        node.create_timer(_PERIOD, self._tick)
        if self._goal is None:
            self._line.say(f"{s.task}: no goal; the service set_goal or gpc view gives one")
        else:
            x, y, yaw = self._goal
            self._line.say(f"{s.task}: goal {x:.2f} m, {y:.2f} m, {yaw:.2f} rad (seed {s.seed})")

    def _chosen_goal(self) -> Array | None:
        """Return the goal (3,) to set, None to set none.

        Raises:
            UnreachableGoalError: it lies outside the workspace of the task.
        """
        text = self._settings.goal
        if text == NO_GOAL:
            return None
        goal = parse_goal(text) if text else self._task.sample_episode(self._settings.seed).goal
        return self._task.check_goal(goal)

    def _tick(self) -> None:
        """Process new messages and continue the current phase."""
        now = time.monotonic()
        for status in self._status.drain():
            self._take_status(status, now)
        for mode in self._modes.drain():
            self._supervisor = mode
            self._figures.supervisor = mode.name.lower()
        self._figures.plan_rate = self._plan_rate.value(now)
        self._phase(now)

    def _take_status(self, status: PlannerStatus, now: float) -> None:
        figures = self._figures
        if not status.hold_reason:
            self._plan_rate.add(now)
            figures.cost, figures.plan_time = status.best_cost, status.plan_time
        figures.plans, figures.misses = status.cycles, status.misses

    def _next(self, phase: Callable[[float], None]) -> None:
        self._phase, self._since = phase, time.monotonic()

    def _wait(self, now: float) -> None:
        """Wait for the other nodes and for the robot to stand."""
        missing = self._missing()
        if not missing and self._goal is None:
            self._next(self._look)
        elif not missing:
            assert self._goal is not None
            x, y, yaw = (float(value) for value in self._goal)
            request = SetGoal.Request(x=x, y=y, yaw=yaw)
            self._answers = {"planner": self._set_goal.call_async(request)}
            self._next(self._ask)
        elif now - self._since > self._settings.start_timeout:
            self._finish(Verdict(False, 0.0, f"the graph did not start: {'; '.join(missing)}"))
        elif now - self._since > _QUIET:
            self._line.show(f"waiting: {'; '.join(missing)}", now)

    def _look(self, now: float) -> None:
        """Show the status without a judgement."""
        if missing := self._missing():
            self._line.show(f"waiting: {'; '.join(missing)}", now)
        else:
            self._line.show(status_line(now - self._since, None, self._figures), now)

    def _missing(self) -> list[str]:
        """Return one sentence for each missing part of the graph."""
        missing = []
        if not self._set_goal.service_is_ready():
            missing.append("no planner")
        if self._supervisor is None:
            missing.append("no bridge")
        elif not is_active(self._supervisor):
            missing.append(f"the robot is not active: {mode_text(self._supervisor)}")
        if not self._truth.publishers():
            missing.append(f"no publisher of {self._settings.truth}")
        if self._settings.record and not self._stop_recorder.service_is_ready():
            missing.append("no recorder")
        return missing

    def _ask(self, now: float) -> None:
        """Wait for the planner's answer to the goal."""
        future = self._answers["planner"]
        if future.done():
            answer = future.result()
            if answer.success:
                self._next(self._watch)
            else:
                self._finish(Verdict(False, 0.0, f"the planner refused the goal: {answer.message}"))
        elif now - self._since > _ANSWER:
            self._finish(Verdict(False, 0.0, "the planner did not answer"))

    def _watch(self, now: float) -> None:
        """Judge every true state; show the status line."""
        judge = self._judge
        assert judge is not None
        messages = list(self._truth.drain())
        silence = self._silence.look(now, heard=bool(messages))
        for message in messages:
            state = self._validator.validate(
                self._settings.truth, state_msgs.scene_state_from_msg, message
            )
            # An estimate may not have all objects yet.
            if state is None or not state.objects.keys() >= set(self._task.bodies):
                continue
            verdict = judge.judge(state.stamp, state.qpos(self._task.bodies))
            if verdict is not None:
                self._finish(verdict)
                return
        self._line.show(status_line(judge.time, judge.progress, self._figures), now)
        if silence > _SILENCE:
            reason = f"{self._settings.truth} has been silent for {_SILENCE:g} s"
            self._finish(Verdict(False, judge.time, reason))
        elif self._supervisor is not None and is_latched(self._supervisor):
            reason = f"the robot stopped: {mode_text(self._supervisor)}"
            self._finish(Verdict(False, judge.time, reason))

    def _finish(self, verdict: Verdict) -> None:
        """Print the verdict, let the robot lie down and close the bag."""
        self._verdict = verdict
        if self._judge is not None:
            self._line.say(status_line(self._judge.time, self._judge.progress, self._figures))
        word = "success" if verdict.success else "FAILED"
        self._line.say(f"{word} after {verdict.time:.1f} s: {verdict.reason}")
        self._answers = {}
        if self._settings.record and self._stop_recorder.service_is_ready():
            request = Trigger.Request()
            self._answers["recorder"] = self._stop_recorder.call_async(request)
        ready = [client for client in self._down if client.service_is_ready()]
        if ready:
            self._answers["bridge"] = ready[0].call_async(Trigger.Request())
        self._next(self._close_bag)

    def _close_bag(self, now: float) -> None:
        """Wait until the bag is closed, then start on video and report."""
        late = now - self._since > _CLOSING
        if not late and not all(future.done() for future in self._answers.values()):
            return
        recorder = self._answers.get("recorder")
        if recorder is None or not recorder.done() or not recorder.result().success:
            if self._settings.record:
                self._line.say("no recording: the recorder did not close a bag")
            self._end()
            return
        if not self._settings.report:
            self._end()
            return
        self._line.say("making episode.mp4 and report.html ...")
        self._renderer = subprocess.Popen(
            [sys.executable, "-m", "gpc_ros.cli.main", "bag", "report", self._settings.folder]
        )
        self._next(self._render)

    def _render(self, now: float) -> None:
        """Wait for video and report."""
        assert self._renderer is not None
        code = self._renderer.poll()
        if code is None and now - self._since < _RENDERING:
            return
        if code != 0:
            self._line.say("video or report could not be made; the bag is whole")
        self._end()

    def _end(self) -> None:
        """List the files of the run, and end the graph once the robot is down."""
        folder = Path(self._settings.folder)
        for path in sorted(folder.glob("*")) if self._settings.record else []:
            self._line.say(f"  {path}")
        self._next(self._settle)

    def _settle(self, now: float) -> None:
        """Wait until the legs carry no load: they lose their force with the end of the graph."""
        down = self._supervisor is None or self._supervisor.state in _DOWN
        if down or now - self._since > _SETTLING:
            assert self._verdict is not None
            self._stop.request(0 if self._verdict.success else 1)

    def _diagnose(self) -> Report:
        """Return level, sentence and figures for diagnostics."""
        phase = self._phase.__name__.strip("_")
        time = 0.0 if self._judge is None else self._judge.time
        figures = {"phase": phase, "time [s]": time, **self._validator.figures()}
        if self._verdict is not None and not self._verdict.success:
            return WARN, self._verdict.reason, figures
        return OK, phase, figures

    def close(self) -> None:
        """End the process that makes video and report, if it still runs."""
        if self._renderer is not None and self._renderer.poll() is None:
            self._renderer.terminate()
            self._renderer.wait(10.0)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> int:
    """Run the node."""
    return run(Monitor)


if __name__ == "__main__":
    sys.exit(main())
