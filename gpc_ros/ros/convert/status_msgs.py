"""Status messages: planner status, supervisor state, odometry and frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry
from tf2_msgs.msg import TFMessage

from gpc_msgs.msg import PlannerStatus, SupervisorState
from gpc_ros.common.arrays import Array
from gpc_ros.common.geometry import rotate_inverse
from gpc_ros.planning.planner import PlannerReport
from gpc_ros.robot.types import ObjectState, SceneState
from gpc_ros.ros.convert.msgs import (
    BASE_FRAME,
    MAP_FRAME,
    set_pose,
    set_quaternion,
    set_time,
    set_vector,
)

# States in which the robot stands or walks and a plan makes sense.
_ACTIVE = (SupervisorState.READY, SupervisorState.ACTIVE, SupervisorState.HOLDING)


def is_active(message: SupervisorState) -> bool:
    """Return whether the robot stands or walks, so that plans make sense."""
    return message.state in _ACTIVE


def is_down(message: SupervisorState) -> bool:
    """Return whether the robot is neither armed nor on its way to the ground."""
    return message.state in (SupervisorState.DISARMED, SupervisorState.FAULT)


def is_latched(message: SupervisorState) -> bool:
    """Return whether the robot has stopped until a reset."""
    return int(message.state) == SupervisorState.FAULT


def mode_text(message: SupervisorState) -> str:
    """Return the supervisor's state and reasons in words."""
    reasons = "; ".join(message.reasons)
    return message.name.lower() + (f": {reasons}" if reasons else "")


@dataclass(frozen=True)
class CycleContext:
    """Content of a planner status beside the planner's own report.

    Attributes:
        stamp: of the state that was planned from [s].
        plan_id: 0 if there is no plan.
        cycles: planning cycles so far.
        misses: deadlines missed so far.
        task: name.
        optimizer: name.
        horizon: [s].
        period: of the cycle [s].
        deadline: for a plan [s].
        goal: x [m], y [m], yaw [rad] (3,), NaN without one.
        state: that was planned from, if there was one.
        dropped_states: refused so far.
        proposal: name of the proposal, or in brackets why it is missing.
    """

    stamp: float
    plan_id: int
    cycles: int
    misses: int
    task: str
    optimizer: str
    horizon: float
    period: float
    deadline: float
    goal: Array | None
    state: SceneState | None
    dropped_states: int
    proposal: str = ""


def status_to_msg(
    report: PlannerReport, context: CycleContext, message: PlannerStatus
) -> PlannerStatus:
    """Fill a message with every figure of a planning cycle."""
    set_time(message.header.stamp, context.stamp)
    message.id = context.plan_id
    for name in ("cycles", "misses", "task", "optimizer", "horizon", "period", "deadline"):
        setattr(message, name, getattr(context, name))
    for name in (
        "hold_reason", "num_rollouts", "valid", "completed", "plan_time", "state_age",
        "predicted_delay", "rollout_time", "best_cost", "nominal_cost", "mean_cost",
        "effective_sample_size", "dwell", "inside",
    ):  # fmt: skip
        setattr(message, name, getattr(report, name))
    figures = report.proposal
    message.proposal, message.proposed = context.proposal, figures.drawn
    for name in (
        "won", "win_rate", "agreement", "usefulness", "weight", "spread", "cost_error",
        "cost_weight",
    ):  # fmt: skip
        setattr(message, f"proposal_{name}", getattr(figures, name))
    message.sigma = report.sigma
    message.goal_distance, message.goal_yaw_error = report.distance, report.yaw_error
    message.success = report.reached
    message.term_names = list(report.terms)
    message.term_values = list(report.terms.values())
    message.goal = np.full(3, np.nan) if context.goal is None else context.goal
    message.dropped_states = context.dropped_states
    if context.state is not None:
        message.base_age = float(context.state.base_age)
        message.object_age = max((o.age for o in context.state.objects.values()), default=0.0)
    return message


def odometry_to_msg(state: SceneState, message: Odometry) -> Odometry:
    """Fill a message with base pose and velocity; twist is in the base frame (REP-105)."""
    set_time(message.header.stamp, state.stamp)
    message.header.frame_id, message.child_frame_id = MAP_FRAME, BASE_FRAME
    set_pose(message.pose.pose, state)
    set_vector(message.twist.twist.linear, rotate_inverse(state.orientation, state.linear_velocity))
    set_vector(message.twist.twist.angular, state.angular_velocity)
    message.pose.covariance = np.diag(state.covariance[:6]).ravel()
    message.twist.covariance = np.diag(state.covariance[6:]).ravel()
    return message


def frames_to_msg(state: SceneState, message: TFMessage) -> TFMessage:
    """Fill a message with the frames of the base and of every object, in the map."""
    bodies: list[tuple[str, SceneState | ObjectState]] = [
        (BASE_FRAME, state), *state.objects.items()
    ]  # fmt: skip
    if len(message.transforms) != len(bodies):
        message.transforms = [TransformStamped() for _ in bodies]
    for transform, (name, body) in zip(message.transforms, bodies, strict=True):
        set_time(transform.header.stamp, state.stamp)
        transform.header.frame_id, transform.child_frame_id = MAP_FRAME, name
        set_vector(transform.transform.translation, body.position)
        set_quaternion(transform.transform.rotation, body.orientation)
    return message
