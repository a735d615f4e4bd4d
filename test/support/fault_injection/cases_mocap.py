"""Faults of motion capture and of stamps: rows 13 to 16."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from fault_injection.cases import NO_DELAY, case, check, holds, latched
from fault_injection.live_graph import LiveGraph, MishapError
from gpc_msgs.msg import SupervisorState
from gpc_ros.ros.convert import msgs

# Mean speed below which a robot stands, though it sways [m/s].
_STANDS = 0.2
# Longest time between consecutive states [s].
_NEXT = 0.012


@case(13, "coasts on leg odometry, stands after 2 s", 2.05,
      "stamp of the last pose to first walker step with a command of zero")  # fmt: skip
def base_unseen(g: LiveGraph) -> float:
    """Base unseen."""
    begin = g.observer.now()
    g.fault(base="hidden")
    still = holds(g, begin, "motion capture has not seen the robot")
    last = msgs.seconds(g.observer.kept("mocap/base/pose")[-1].message.header.stamp)
    before = [h for h in g.observer.kept("supervisor", last + 0.2) if h.sent < last + 1.8]
    waited = [h for h in before if "has not seen the robot" in "; ".join(h.message.reasons)]
    check(not waited, "it did not coast")
    return still.sent - last


@case(13, "stands after 1 s", 1.1,
      "object's age one second to first walker step with a command of zero")  # fmt: skip
def object_unseen(g: LiveGraph) -> float:
    """Object unseen."""
    begin = g.observer.now()
    g.fault(objects="hidden")
    still = holds(g, begin, "motion capture has not seen an object")
    newest = [h for h in g.observer.kept("scene_state", begin) if h.sent < still.sent][-1].message
    unseen_since = msgs.seconds(newest.header.stamp) - newest.objects[0].age
    return still.sent - unseen_since


def largest_step(g: LiveGraph, since: float) -> float:
    """Return the largest change of velocity from one state to the next [m/s].

    Pairs with a missing state in between are skipped, since the robot itself may have accelerated.
    """
    states = [
        (msgs.seconds(m.header.stamp), np.array([v.x, v.y, v.z]))
        for m in (h.message for h in g.observer.kept("scene_state", since))
        for v in [m.twist.linear]
    ]
    steps = [
        float(np.linalg.norm(after - before))
        for (early, before), (late, after) in itertools.pairwise(states)
        if late - early < _NEXT
    ]
    check(len(steps) > 20, "too few states were heard one after the other")
    return max(steps)


@case(14, "gated", 0.5, "largest step in the estimated velocity [m/s]")
def outliers(g: LiveGraph) -> float:
    """Outliers of 0.5 m."""
    begin = g.observer.now()
    g.fault(base="outliers", distance=0.5)
    g.said("estimator", "base poses gated")
    g.observer.pass_time(1.0)
    step = largest_step(g, begin)
    truth = g.observer.last("ground_truth").message.pose.position
    seen = g.observer.last("scene_state").message.pose.position
    off = float(np.hypot(truth.x - seen.x, truth.y - seen.y))
    check(off < 0.25, f"outliers were accepted: the estimate is off by {off:.2f} m")
    return step


@case(14, "accepted only after standing and agreement", 0.5,
      "largest step in the estimated velocity [m/s]")  # fmt: skip
def jump(g: LiveGraph) -> float:
    """Jump of 0.5 m that stays."""

    def off(message: object) -> bool:
        truth = g.observer.last("ground_truth").message.pose.position
        return bool(message.pose.position.x - truth.x > 0.3)  # type: ignore[attr-defined]

    # The return from an earlier jump is a jump too.
    g.observer.wait("scene_state", lambda m: not off(m))
    g.supervisor(SupervisorState.ACTIVE)
    begin, gaps = g.observer.now(), _count(g, "reading gaps")
    g.fault(base="jump", distance=0.5)
    accepted = g.observer.wait("scene_state", off, begin)
    g.said("estimator", "")
    if _count(g, "reading gaps") > gaps:
        # A restarted estimator accepts the first pose, so that it sees no jump.
        raise MishapError("the estimator started over after a gap in the readings")
    check(accepted.sent - begin > 0.5, "a jump was accepted at once")
    # The robot stood on its legs, held or without a command, while the poses agreed.
    ways = [h.message.pose.position for h in g.observer.kept("ground_truth", accepted.sent - 0.5)
            if h.sent < accepted.sent]  # fmt: skip
    way = float(np.hypot(ways[-1].x - ways[0].x, ways[-1].y - ways[0].y))
    check(way < 0.5 * _STANDS, f"a jump was accepted while it walked {way:.2f} m in half a second")
    return largest_step(g, begin)


@case(15, "refused at arming",
      walking=False)  # fmt: skip
def mocap_convention_wrong(g: LiveGraph) -> float:
    """Axes, quaternion order, mounting or identity of the robot in motion capture wrong."""
    g.ask("disarm")
    g.supervisor(SupervisorState.DISARMED)
    for kind, words in (
        ("upside_down", "disagree about gravity"),
        ("y_up", "disagree about gravity"),
        ("quaternion_order", "disagree about gravity"),
        ("swapped", "motion capture shows the base"),
    ):
        g.fault(base=kind)
        begin = g.kill("estimator")
        g.start("estimator")
        g.said("estimator", words)
        answer = g.ask("arm")
        check(not answer.success, f"{kind}: it was armed")
        moved = [h for h in g.observer.kept("joint_commands", begin) if any(h.message.kp)]
        check(not moved, f"{kind}: it moved")
    return NO_DELAY


@case(16, "dropped, counted")
def pose_stamps_wrong(g: LiveGraph) -> float:
    """Poses stale, repeated, out of order, from the future."""
    for kind, words in (
        ("stale", "base poses stale"),
        ("repeated", "base poses repeated or out of order"),
        ("backwards", "base poses repeated or out of order"),
        ("future", "base poses from the future"),
    ):
        before = _count(g, words)
        g.fault(base=kind)
        g.observer.wait(
            "diagnostics",
            functools.partial(_more, words, before),
        )
        g.fault(base="none")
    return NO_DELAY


def _more(key: str, before: int, message: object) -> bool:
    """Return whether a count of the estimator has grown."""
    name: str = message.status[0].name  # type: ignore[attr-defined]
    return name == "estimator" and _figure(message, key) > before


def _figure(message: object, key: str) -> int:
    """Return a count in a node's diagnostics."""
    figures = {v.key: v.value for v in message.status[0].values}  # type: ignore[attr-defined]
    return int(figures.get(key, 0))


def _count(g: LiveGraph, key: str) -> int:
    heard = [h for h in g.observer.kept("diagnostics") if h.message.status[0].name == "estimator"]
    return _figure(heard[-1].message, key) if heard else 0


@case(16, "dropped, counted, offset reported; damping, latched", 0.05,
      "first such reading to first braking command")  # fmt: skip
def readings_ahead(g: LiveGraph) -> float:
    """Robot's clock ahead by 0.5 s."""
    begin = g.observer.now()
    g.fault(ahead=0.5)
    brake = latched(g, begin, "no reading from the robot")
    wrong = g.observer.wait(
        "robot_reading", lambda m: msgs.seconds(m.header.stamp) > begin + 0.45, begin
    )
    first = next(h for h in g.observer.kept("robot_reading", begin)
                 if msgs.seconds(h.message.header.stamp) > h.sent + 0.3)  # fmt: skip
    check(wrong.sent >= first.sent, "stamps are out of order")
    g.said("bridge", "ahead of the clock")
    return brake.sent - first.sent
