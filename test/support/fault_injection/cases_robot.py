"""Faults of the robot, its sensors and the emergency stop: rows 4 to 6, 8 to 12 and 25."""

from __future__ import annotations

import itertools

import numpy as np

from fault_injection.cases import (
    NO_DELAY,
    case,
    check,
    counter,
    counts,
    damped,
    joint_index,
    latched,
    now_counted,
    reported,
)
from fault_injection.live_graph import LiveGraph
from gpc_msgs.msg import SupervisorState
from gpc_ros.robot.joints import LOWER
from gpc_ros.safety.limits import LimitsConfig

_READING_TO_COMMAND = "first such reading sent to first braking command sent"
# Damping of a motor under the robot's watchdog [N m s/rad].
_BRAKE = 3.0
# Torques of a standing robot are far above this [N m].
_SMALL = 1.5


@case(4, "damping, latched", 0.05, "last reading to first braking command")
def robot_silent(g: LiveGraph) -> float:
    """Robot state silent."""
    begin = g.observer.now()
    g.fault(silent=True)
    brake = latched(g, begin, "no reading from the robot")
    last = g.observer.kept("robot_reading")[-1]
    check(last.sent < brake.sent, "it damped before the robot was silent")
    return brake.sent - last.sent


@case(5, "the robot's own watchdog damps", 0.1, "last command to braking torques")
def bridge_killed(g: LiveGraph) -> float:
    """Bridge killed."""
    killed = g.kill("bridge")

    def brakes(m: object) -> bool:
        effort, velocity = np.array(m.effort), np.array(m.velocity)  # type: ignore[attr-defined]
        return bool(np.abs(effort + _BRAKE * velocity).max() < _SMALL)

    reading = reported(g, killed, brakes)
    last = g.observer.kept("joint_commands")[-1]
    return reading.sent - last.sent


@case(6, "dropped, counted; damping, latched", 0.05,
      "first such reading to first braking command")  # fmt: skip
def readings_not_finite(g: LiveGraph) -> float:
    """Joint angles that are NaN."""
    begin = g.observer.now()
    g.fault(not_finite=True)
    bad = reported(g, begin, lambda m: bool(np.isnan(m.position).any()))
    brake = latched(g, bad.sent, "no reading from the robot")
    check(now_counted(g, "rejected robot_reading") > 0, "bad readings were not counted")
    stamps = {(h.message.header.stamp.sec, h.message.header.stamp.nanosec)
              for h in g.observer.kept("robot_reading", bad.sent - 1e-6)}  # fmt: skip
    used = [h for h in g.observer.kept("joint_commands", bad.sent)
            if (h.message.header.stamp.sec, h.message.header.stamp.nanosec) in stamps]  # fmt: skip
    check(not used, f"{len(used)} commands answer a reading that was not finite")
    return brake.sent - bad.sent


@case(8, "clamped, WARN", walking=False)
def target_clamped(g: LiveGraph) -> float:
    """Joint target a little outside its soft limit."""
    before = now_counted(g, "targets_clamped")
    begin = _rise_with_encoder_off(g, 0.15)
    rising = SupervisorState.STANDING_UP
    warned = g.observer.wait(
        "supervisor", lambda m: m.state == rising and "target" in "; ".join(m.reasons), begin
    )
    check(counter(warned.message, "targets_clamped") > before, "clamped targets were not counted")
    return NO_DELAY


@case(8, "damping, latched, joint named", 0.02,
      "first holding command to first braking command", walking=False)  # fmt: skip
def target_far_outside(g: LiveGraph) -> float:
    """Joint target outside by more than 0.3 rad."""
    begin = _rise_with_encoder_off(g, 0.6)
    holding = g.observer.wait("joint_commands", lambda m: any(m.kp), begin)
    brake = latched(g, holding.sent, "FL_calf_joint: target")
    return brake.sent - holding.sent


def _rise_with_encoder_off(g: LiveGraph, past: float) -> float:
    """Lie down, then stand up with an encoder offset, so that the motion starts at the wrong angle.

    Args:
        g: the graph.
        past: distance of the reported angle beyond the lower soft limit [rad]. A leg that appears
            more folded does not falsify the height of the base.

    Returns:
        When it was asked to stand up [s].
    """
    joint = joint_index()
    wanted = float(LOWER[joint]) + LimitsConfig().soft_margin - past
    g.ask("disarm")
    g.supervisor(SupervisorState.DISARMED)
    true = float(g.observer.last("robot_reading").message.position[joint])
    g.fault(joint="FL_calf_joint", angle=wanted - true)
    g.observer.wait("robot_reading", lambda m: m.position[joint] < wanted + 0.1)
    begin = g.observer.now()
    answer = g.ask("arm")
    check(answer.success, f"it was not armed: {answer.message}")
    return begin


@case(9, "rate limited, counted")
def step_limited(g: LiveGraph) -> float:
    """Command step larger than the rate limit."""
    config = LimitsConfig()
    narrow = 0.01
    g.kill("bridge")
    g.start_again("bridge", limits__max_step=narrow, auto_arm=True)
    stepped = g.observer.wait("supervisor", lambda m: counter(m, "steps_limited") > 0)
    check(narrow < config.max_step, "the limit is not the narrow one")
    commands = [h.message for h in g.observer.kept("joint_commands", stepped.sent - 1.0)]
    steps = [
        np.abs(np.array(b.position) - np.array(a.position)).max()
        for a, b in itertools.pairwise(commands)
        if b.source == a.source and b.sequence == a.sequence + 1 and any(a.kp) and any(b.kp)
    ]
    check(bool(steps) and max(steps) <= narrow + 1e-9, "a step is larger than the limit")
    g.kill("bridge")
    return NO_DELAY


@case(10, "walks at half the command, WARN")
def motor_warm(g: LiveGraph) -> float:
    """Motor warm."""
    g.fault(joint="RR_thigh_joint", heat=50.0)
    warned = g.observer.wait("supervisor", lambda m: "RR_thigh_joint: motor" in str(m.reasons))
    check(warned.message.state != SupervisorState.FAULT, "a warm motor caused a fault")
    return NO_DELAY


@case(10, "damping, latched, joint named", 0.02, _READING_TO_COMMAND)
def motor_hot(g: LiveGraph) -> float:
    """Motor too hot."""
    begin = g.observer.now()
    g.fault(joint="RR_thigh_joint", heat=70.0)
    hot = reported(g, begin, lambda m: max(m.temperature) > 95.0)
    return latched(g, hot.sent - 1e-6, "RR_thigh_joint: motor at").sent - hot.sent


@case(10, "damping, latched, joint named", 0.02, _READING_TO_COMMAND)
def torque_over(g: LiveGraph) -> float:
    """Torque over its limit."""
    begin = g.observer.now()
    g.fault(joint="FR_hip_joint", effort=80.0)
    over = reported(g, begin, lambda m: m.effort[joint_index("FR_hip_joint")] > 30.0)
    return latched(g, over.sent - 1e-6, "FR_hip_joint").sent - over.sent


@case(10, "damping, latched, joint named", 0.02, _READING_TO_COMMAND)
def velocity_over(g: LiveGraph) -> float:
    """Velocity over its limit."""
    begin = g.observer.now()
    g.fault(joint="RL_calf_joint", velocity=60.0)
    over = reported(g, begin, lambda m: m.velocity[joint_index("RL_calf_joint")] > 30.0)
    return latched(g, over.sent - 1e-6, "RL_calf_joint").sent - over.sent


def _tilt(message: object) -> float:
    """Return the tilt that a reading reports [rad]."""
    q = message.orientation  # type: ignore[attr-defined]
    return float(np.arccos(np.clip(1.0 - 2.0 * (q.x * q.x + q.y * q.y), -1.0, 1.0)))


@case(11, "damping, latched", 0.05, _READING_TO_COMMAND)
def tilt_reported(g: LiveGraph) -> float:
    """Tilt of more than 60 degrees reported."""
    begin = g.observer.now()
    g.fault(roll=1.5)
    over = reported(g, begin, lambda m: _tilt(m) > 1.05)
    return latched(g, over.sent - 1e-6, "the base is tilted").sent - over.sent


@case(11, "damping, latched", 0.05,
      "first reading over 60 degrees or base below 0.12 m to first braking command")  # fmt: skip
def pushed_over(g: LiveGraph) -> float:
    """Robot pushed over."""
    begin = g.observer.now()
    g.fault(push=150.0)
    brake = damped(g, begin)
    g.supervisor(SupervisorState.FAULT, "", begin)
    g.fault(push=0.0)
    tilted = [h.sent for h in g.observer.kept("robot_reading", begin) if _tilt(h.message) > 1.047]
    low = [
        h.sent for h in g.observer.kept("scene_state", begin) if h.message.pose.position.z < 0.12
    ]
    cause = min([*tilted, *low])
    check(cause <= brake.sent, "it damped before it had fallen")
    return brake.sent - cause


@case(12, "damping, latched", 0.02,
      "its message sent to first braking command sent")  # fmt: skip
def emergency_stop(g: LiveGraph) -> float:
    """Emergency stop pressed."""
    begin = g.observer.now()
    g.stop.press()
    return latched(g, begin, "the emergency stop is pressed").sent - begin


@case(12, "damping, latched", 0.52,
      "last heartbeat sent to first braking command sent")  # fmt: skip
def heartbeat_silent(g: LiveGraph) -> float:
    """Heartbeat of the emergency stop silent."""
    begin = g.observer.now()
    g.stop.silence()
    brake = latched(g, begin, "no heartbeat of the emergency stop")
    return brake.sent - g.stop.last


@case(25, "WARN, continues")
def battery_low(g: LiveGraph) -> float:
    """Battery low."""
    g.fault(used=0.65)
    warned = g.observer.wait("supervisor", lambda m: "charge it soon" in "; ".join(m.reasons))
    check(warned.message.state in (2, 3, 4), "it does not go on")
    check(warned.message.goal_refusal == "", "new goals are refused already")
    return NO_DELAY


@case(25, "new goals and arming refused")
def battery_lower(g: LiveGraph) -> float:
    """Battery lower."""
    g.fault(used=0.72)
    g.observer.wait("supervisor", lambda m: bool(m.goal_refusal))
    answer = g.set_goal(1.0, 0.5, 0.0)
    check(not answer.success, "a goal was accepted")
    check("the battery is at 8 %" in answer.message, f"the answer was: {answer.message}")
    g.ask("disarm")
    g.supervisor(SupervisorState.DISARMED)
    answer = g.ask("arm")
    check(not answer.success and "charge it" in answer.message, "it was armed")
    return NO_DELAY


@case(
    25, "sits down after 2 s, then disarmed", 2.02, "first such reading to the supervisor's message"
)  # fmt: skip
def battery_empty(g: LiveGraph) -> float:
    """Battery empty."""
    begin = g.observer.now()
    g.fault(used=0.77)
    empty = reported(g, begin, lambda m: m.battery < 0.05)
    sits = g.supervisor(SupervisorState.SITTING_DOWN, "sitting down", begin)
    check(not any(sits.message.command), "it still walks")
    g.supervisor(SupervisorState.DISARMED, "", sits.sent)
    height = g.observer.last("ground_truth").message.pose.position.z
    check(height < 0.2, f"it does not lie: the base is at {height:.2f} m")
    return sits.sent - empty.sent


@case(9, "limited, counted")
def command_limited(g: LiveGraph) -> float:
    """Walking command beyond the range of the walker."""
    from fault_injection.cases_plan import in_place_of_planner, plan_message

    before = now_counted(g, "commands_limited")
    with in_place_of_planner(g) as publish:
        fast = (9.0, 0.0, 0.0)
        until = counts(g, "commands_limited", before, lambda: publish(plan_message(g, knot=fast)))
    check(abs(until.message.command[0]) < 2.0, "the walking command was not limited")
    return NO_DELAY
