"""The viewer's node in a real browser: a slider changes the planner's parameter, a goal is set."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.srv import GetParameters

from gpc_msgs.msg import PlannerStatus, SupervisorState, WalkerState
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_msgs.srv import SetGoal
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.robot.types import SceneState
from gpc_ros.ros import qos
from gpc_ros.ros.convert import robot_msgs, state_msgs
from gpc_ros.tasks.task import standing_robot

pytestmark = pytest.mark.integration

# A passing test does not wait for it; without a graphics card a frame takes seconds.
PATIENCE = 240.0
QUICK = ("task:=navigate", "num_rollouts:=4", "horizon:=0.4", "rate:=10.0", "exclusivity_wait:=0.3")


class Live:
    """A planner and the viewer's page, with a probe in place of the other nodes."""

    def __init__(self, probe: Any, page: Any) -> None:
        self.probe, self.page = probe, page
        self.memory = make_walker(DEFAULT_WALKER).initial_state(1)[0]

    def speak(self) -> None:
        """Publish one round of the other nodes' messages, and let the browser work."""
        self.publish()
        self.page.wait_for_timeout(20)

    @contextlib.contextmanager
    def speaking(self) -> Iterator[None]:
        """Continue to publish during a slow action of the browser."""
        stop = threading.Event()

        def run() -> None:
            while not stop.wait(0.02):
                self.publish()

        thread = threading.Thread(target=run)
        thread.start()
        yield
        stop.set()
        thread.join()

    def publish(self) -> None:
        """Publish one round."""
        now = self.probe.now()
        state = SceneState.from_arrays(now, standing_robot(0.0, 0.0, 0.0), np.zeros(18))
        self.probe.publish(
            "scene_state", state_msgs.scene_state_to_msg(state, SceneStateMsg()), qos.sensor(1)
        )
        memory = robot_msgs.walker_state_to_msg(
            now, np.zeros(3), self.memory, WalkerState(walker=DEFAULT_WALKER)
        )
        self.probe.publish("walker_state", memory, qos.sensor(1))
        mode = SupervisorState(state=SupervisorState.READY, name="READY")
        self.probe.publish("supervisor", mode, qos.report())

    def until_parameter(self, name: str, attribute: str, expected: Any) -> None:
        """Publish until a parameter of the planner has a value."""
        value = None
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            service = "planner/get_parameters"
            answer = self.probe.call(service, GetParameters, self.speak, names=[name])
            value = getattr(answer.values[0], attribute)
            if value == expected:
                return
            for _ in range(20):
                self.speak()
        raise AssertionError(f"the planner's {name} is {value!r}, not {expected!r}")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Publish until a condition holds."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if condition():
                return
            self.speak()
        raise AssertionError(f"the condition was not met: {what}")

    def open(self, folder: str) -> None:
        """Open a folder of the panel, at any scroll position."""
        self.page.get_by_text(folder, exact=True).dispatch_event("click")

    def slider(self, label: str) -> Any:
        """Return the slider of a label."""
        name = self.page.get_by_text(label, exact=True).get_attribute("for")
        return self.page.locator(f'[id="{name}"]').get_by_role("slider")


@pytest.fixture
def live(
    probe: Any,
    start_node: Callable[..., Any],
    browser_page: Any,
    open_page: Callable[[str, str], Any],
) -> Live:
    """Start planner and viewer, and open the page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start_node("planner", *QUICK)
    quick = ("rate:=5.0", "scheduling.nice:=0")  # the test waits for the page
    view = start_node("view", "task:=navigate", f"port:={port}", *quick)
    made = Live(probe, browser_page)
    made.until(lambda: "view: http" in view.output(), "the viewer's address")
    open_page(re.findall(r"view: (http\S+)", view.output())[0], "cost weights")
    return made


def test_a_slider_changes_the_planners_parameter(live: Live) -> None:
    live.until(lambda: live.page.get_by_text("ready", exact=True).count() > 0, "the state is shown")
    live.open("cost weights")
    live.slider("cost.yaw").press("ArrowRight")
    live.until_parameter("task_params", "string_value", "cost.yaw=0.31")
    live.open("planner")
    live.slider("cem.elite_fraction").press("ArrowRight")
    live.until_parameter("cem.elite_fraction", "double_value", pytest.approx(0.26))


def test_page_shows_the_current_parameters_and_sets_the_goal(
    live: Live, save_picture: Callable[[Any, str], None]
) -> None:
    live.probe.listen("goal", PoseStamped, qos.latched())
    live.probe.listen("planner/status", PlannerStatus, qos.report())
    live.probe.call("set_goal", SetGoal, live.speak, x=1.0, y=0.5, yaw=0.0)
    live.open("set the goal")
    x = live.page.get_by_label("x [m]")
    live.until(lambda: x.input_value() == "1", "the goal in force")
    x.fill("2")
    x.press("Enter")
    live.page.get_by_role("button", name="set goal").click()
    goal = live.probe.wait("goal", lambda m: m.pose.position.x == 2.0, live.speak)
    assert goal.pose.position.y == 0.5
    live.probe.wait("planner/status", lambda s: s.best_cost > 0.0, live.speak)
    live.open("cost weights")
    live.open("planner")
    with live.speaking():
        live.slider("cost.yaw").hover()
        save_picture(live.page, "view_live.jpg")
    x.fill("90")
    x.press("Enter")
    live.page.get_by_role("button", name="set goal").click()
    live.until(lambda: live.page.get_by_text("goal refused").count() > 0, "the refusal")
    live.until(lambda: x.input_value() == "2", "the goal that is still in force")
