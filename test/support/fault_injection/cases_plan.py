"""Faults of planner, plans, state and goals: rows 1 to 3, 6, 7, 19, 20, 24."""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rclpy.node import Node

from fault_injection.cases import (
    ACTIVE,
    NO_DELAY,
    ReactionError,
    case,
    check,
    counts,
    holds,
    now_counted,
    until_moving,
)
from fault_injection.live_graph import LiveGraph
from fault_injection.observer import Heard, SilentError
from fault_injection.proposals import write_misleading
from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_msgs.msg import SupervisorState, WalkerState
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.types import SceneState
from gpc_ros.ros import qos
from gpc_ros.ros.convert import msgs, robot_msgs, state_msgs

_AFTER_PLAN = "last plan sent to first walker step with a command of zero"


# A command that a planner never returns, so that it can be recognized.
ODD = (0.0, 0.1234, 0.0)


def plan_message(
    g: LiveGraph,
    knot: tuple[float, float, float] = (0.2, 0.0, 0.0),
    task: str = "box_push",
    robot: str = "go2",
    number: int | None = None,
    spoilt: bool = False,
) -> PlanMsg:
    """Return a plan that is valid for a third of a second, or a plan with a NaN."""
    now = g.observer.now()
    knots = np.array([knot, knot])
    identity = int(now * 1e3) if number is None else number
    plan = Plan(identity, task, robot, now, now, now + 0.35, knots, 0.2, 1, 0.0)
    message = state_msgs.plan_to_msg(plan, PlanMsg())
    if spoilt:
        message.knots[0] = float("nan")
    return message


def send_plan(
    g: LiveGraph,
    knot: tuple[float, float, float] = (0.2, 0.0, 0.0),
    number: int | None = None,
) -> None:
    """Publish a plan as a stranger."""
    g.observer.publish("plan", plan_message(g, knot, number=number))


@contextlib.contextmanager
def in_place_of_planner(g: LiveGraph) -> Iterator[Callable[[PlanMsg], None]]:
    """Kill the planner and publish plans under its name; yield the publisher of a plan.

    Plans of any other publisher are rejected before their content is checked. The robot follows the
    successor's plans at the start.
    """
    killed = g.kill("planner")
    node = Node("planner", context=g.observer.node.context)
    publisher = node.create_publisher(PlanMsg, "plan", qos.command())
    try:
        held = g.supervisor(SupervisorState.HOLDING, "", killed)
        # The killed planner stays in the graph until the middleware removes it.
        g.observer.wait(
            "supervisor",
            lambda m: m.state == ACTIVE,
            held.sent,
            lambda: publisher.publish(plan_message(g)),
        )
        yield publisher.publish
    finally:
        node.destroy_node()


def _plan_runs_out(g: LiveGraph, begin: float) -> float:
    """Check that the robot followed the last plan to its end and then stood."""
    held = g.supervisor(SupervisorState.HOLDING, "no plan", begin)
    last = g.observer.kept("plan")[-1]
    expiry = msgs.seconds(last.message.expiry)
    steps = g.observer.kept("walker_state", last.sent)
    still = [h for h in steps if not any(h.message.command)
             and msgs.seconds(h.message.header.stamp) >= expiry]  # fmt: skip
    zero = still[0] if still else g.observer.wait(
        "walker_state",
        lambda m: not any(m.command) and msgs.seconds(m.header.stamp) >= expiry,
        last.sent,
    )  # fmt: skip
    check(msgs.seconds(held.message.header.stamp) >= expiry, "it stood before the plan was over")
    late = [h for h in g.observer.kept("walker_state", zero.sent) if any(h.message.command)]
    check(not late, "it walked after the plan was over")
    return zero.sent - last.sent


@case(1, "plan followed to its expiry, then stands", 0.35, _AFTER_PLAN)
def planner_stalled(g: LiveGraph) -> float:
    """Planner stalls."""
    until_moving(g)
    begin = g.observer.now()
    g.pause("planner")
    return _plan_runs_out(g, begin)


@case(1, "plan followed to its expiry, then stands", 0.35, _AFTER_PLAN)
def planner_killed(g: LiveGraph) -> float:
    """Planner killed."""
    until_moving(g)
    return _plan_runs_out(g, g.kill("planner"))


@case(2, "best so far used, miss counted, next cycle on time",
      0.025, "end of the next cycle later than one period after the missed one")  # fmt: skip
def deadline_missed(g: LiveGraph) -> float:
    """One planning deadline missed."""
    before = g.observer.last("planner/status").message
    try:
        missed = _too_many_candidates(g)
        after = g.observer.wait("planner/status", lambda m: True, missed.sent)
        again = g.observer.wait("planner/status", lambda m: True, after.sent)
        g.said("planner", "missed its last deadline")
    finally:
        g.set_parameters("planner", num_rollouts=before.num_rollouts)
    return (again.sent - after.sent) - again.message.period


def _too_many_candidates(g: LiveGraph) -> Heard:
    """Request more and more candidates until a cycle misses its deadline and still gives a plan."""
    for samples in (24, 48, 96, 192, 384):
        begin = g.observer.now()
        g.set_parameters("planner", num_rollouts=samples)
        misses = g.observer.last("planner/status").message.misses
        with contextlib.suppress(SilentError):
            return g.observer.wait(
                "planner/status",
                functools.partial(_missed, samples, misses),
                begin,
                patience=3.0,
            )
    raise ReactionError("no number of candidates costs a deadline and leaves a plan")


def _missed(samples: int, misses: int, message: Any) -> bool:
    """Return whether a cycle with this number of candidates missed its deadline and gave a plan."""
    # A late cycle that completed all candidates does not count: it dropped none.
    cut = message.completed < message.num_rollouts
    return bool(
        message.num_rollouts == samples and message.misses > misses and message.id > 0 and cut
    )


@case(3, "planner stops, robot stands", 0.15,
      "stamp of the last state to first walker step with a command of zero")  # fmt: skip
def state_silent(g: LiveGraph) -> float:
    """State silent (estimator stopped)."""
    begin = g.observer.now()
    g.pause("estimator")
    still = holds(g, begin, "estimate of where the robot is")
    stamp = msgs.seconds(g.observer.kept("scene_state")[-1].message.header.stamp)
    reported = g.observer.wait("planner/status", lambda m: "the state is" in m.hold_reason, begin)
    g.observer.pass_time(0.3)
    check(not g.observer.kept("plan", reported.sent), "the planner continued")
    return still.sent - stamp


@case(6, "dropped, counted, never followed")
def plan_not_finite(g: LiveGraph) -> float:
    """Plan with a knot that is NaN."""
    return _refused(g, "rejected plan", {"spoilt": True})


@case(7, "refused, counted, never followed")
def plan_of_another_task(g: LiveGraph) -> float:
    """Plan of another task."""
    return _refused(g, "plans_refused", {"task": "navigate"})


@case(7, "refused, counted, never followed")
def plan_of_another_robot(g: LiveGraph) -> float:
    """Plan for another robot."""
    return _refused(g, "plans_refused", {"robot": "spot"})


@case(7, "refused, counted, never followed")
def plan_with_an_older_id(g: LiveGraph) -> float:
    """Plan with an older id."""
    return _refused(g, "plans_refused", {"number": 1})


def _refused(g: LiveGraph, name: str, changes: dict[str, Any]) -> float:
    begin = g.observer.now()
    with in_place_of_planner(g) as publish:
        turn = itertools.cycle((False, True))

        def send() -> None:  # a good and a bad plan alternately, so that a good plan is in force
            publish(plan_message(g, ODD, **changes) if next(turn) else plan_message(g))

        counts(g, name, now_counted(g, name), send)
    for heard in g.observer.kept("walker_state", begin):
        command = np.array(heard.message.command)
        check(bool(np.isfinite(command).all()), "a command that is not finite was followed")
        check(abs(command[1] - ODD[1]) > 1e-6, "an invalid plan was followed")
    return NO_DELAY


@case(19, "faded out to plain search", 1.0,
      "planning cycles (20 a second), its first candidate to its weight below 0.1")  # fmt: skip
def proposal_useless(g: LiveGraph) -> float:
    """Proposal that always goes the wrong way."""
    card = write_misleading(g.folder / f"misleading_{time.time_ns()}.json")
    g.kill("planner")
    begin = g.observer.now()
    g.start_again("planner", proposal__file=str(card), num_rollouts=6)
    g.observer.wait("planner/status", lambda m: m.hold_reason == "no goal", begin)
    g.give_goal()
    first = g.observer.wait("planner/status", lambda m: m.proposed > 0, begin).message
    faded = g.observer.wait(
        "planner/status", lambda m: m.id > 0 and m.proposal_weight < 0.1, begin
    ).message
    check(faded.proposal.startswith("flow"), "the proposal was not used")
    return float(faded.cycles - first.cycles) / 20.0


@case(20, "no plan, reported", walking=False)
def rollouts_diverge(g: LiveGraph) -> float:
    """Every rollout diverges."""
    for name in ("bridge", "estimator"):
        g.kill(name)
    walker = make_walker(DEFAULT_WALKER)
    memory = walker.initial_state(1)[0]

    def speak(speed: float) -> None:
        """Publish the messages of the killed nodes, with a speed at which rollouts diverge."""
        now, last = g.observer.now(), g.observer.last("scene_state").message
        state = state_msgs.scene_state_from_msg(last)
        state = SceneState(**{**vars(state), "stamp": now})
        state.linear_velocity = np.full(3, speed)
        g.observer.publish(
            "scene_state", state_msgs.scene_state_to_msg(state, SceneStateMsg()), qos.sensor(1)
        )
        message = WalkerState(walker=walker.name)
        robot_msgs.walker_state_to_msg(now, np.zeros(3), memory, message)
        g.observer.publish("walker_state", message, qos.sensor(1))
        mode = SupervisorState(state=SupervisorState.READY, name="READY")
        g.observer.publish("supervisor", mode, qos.report())

    o = g.observer
    begin = o.now()
    g.give_goal(lambda: speak(0.0))
    good = o.wait("planner/status", lambda m: m.id > 0, begin, lambda: speak(0.0))
    bad = o.wait("planner/status", lambda m: "diverged" in m.hold_reason, good.sent,
                 lambda: speak(1e8))  # fmt: skip
    check(bad.message.id == 0, "a plan was published though all rollouts diverged")
    for topic in ("scene_state", "walker_state", "supervisor"):
        o.silence(topic)
    return NO_DELAY


@case(24, "refused with the reason")
def goal_unreachable(g: LiveGraph) -> float:
    """Goal that cannot be reached."""
    answer = g.set_goal(100.0, 0.0, 0.0)
    check(not answer.success, "a goal out of reach was accepted")
    check("workspace" in answer.message, f"the answer was: {answer.message}")
    g.supervisor(ACTIVE)
    return NO_DELAY


@case(24, "planner holds and reports it, robot stands", 0.1,
      "first state with the object outside to the planner's report")  # fmt: skip
def object_outside(g: LiveGraph) -> float:
    """Object out of the workspace."""
    begin = g.observer.now()
    g.fault(objects="jump", distance=20.0)
    reported = g.observer.wait("planner/status", lambda m: "workspace" in m.hold_reason, begin)
    g.supervisor(SupervisorState.HOLDING, "", reported.sent)
    outside = g.observer.kept("scene_state", begin)
    first = next(h for h in outside
                 if h.message.objects and h.message.objects[0].pose.position.x > 10.0)  # fmt: skip
    return reported.sent - first.sent
