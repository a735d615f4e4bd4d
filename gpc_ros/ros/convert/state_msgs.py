"""The fused state and the plan, as messages.

``*_from_msg`` raises InputError for a message that must not be used. ``*_to_msg`` fills a message
in place and returns it, so that a fast loop reuses one message.
"""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Pose, Twist

from gpc_msgs.msg import ObjectState as ObjectStateMsg
from gpc_msgs.msg import Plan as PlanMsg
from gpc_msgs.msg import SceneState as SceneStateMsg
from gpc_ros.common.arrays import validate_array
from gpc_ros.common.errors import InputError
from gpc_ros.planning.plan import Plan
from gpc_ros.robot.types import ObjectState, SceneState
from gpc_ros.ros.convert.msgs import (
    BASE_FRAME,
    MAP_FRAME,
    finite,
    quaternion_from_msg,
    seconds,
    set_pose,
    set_time,
    set_vector,
    vector_from_msg,
)


def _fill_body(pose: Pose, twist: Twist, state: SceneState | ObjectState) -> None:
    set_pose(pose, state)
    set_vector(twist.linear, state.linear_velocity)
    set_vector(twist.angular, state.angular_velocity)


def scene_state_to_msg(state: SceneState, message: SceneStateMsg) -> SceneStateMsg:
    """Fill a message with the fused state."""
    set_time(message.header.stamp, state.stamp)
    message.header.frame_id = MAP_FRAME
    _fill_body(message.pose, message.twist, state)
    message.joint_position = state.joint_position
    message.joint_velocity = state.joint_velocity
    message.covariance = state.covariance
    message.base_age = float(state.base_age)
    message.joint_age = float(state.joint_age)
    message.mocap_inconsistency = state.mocap_inconsistency
    if [o.name for o in message.objects] != list(state.objects):
        message.objects = [ObjectStateMsg(name=name) for name in state.objects]
    for target, body in zip(message.objects, state.objects.values(), strict=True):
        _fill_body(target.pose, target.twist, body)
        target.age = float(body.age)
        target.covariance = body.covariance
    return message


def scene_state_from_msg(message: SceneStateMsg) -> SceneState:
    """Return the fused state in a message.

    Raises:
        InputError: an entry is not finite.
    """
    pose, twist = message.pose, message.twist
    return SceneState(
        stamp=seconds(message.header.stamp),
        position=finite(vector_from_msg(pose.position), (3,), "scene state: position [m]"),
        orientation=quaternion_from_msg(pose.orientation, "scene state: orientation"),
        linear_velocity=finite(
            vector_from_msg(twist.linear), (3,), "scene state: linear velocity [m/s]"
        ),
        angular_velocity=finite(
            vector_from_msg(twist.angular), (3,), "scene state: angular velocity [rad/s]"
        ),
        joint_position=finite(message.joint_position, (12,), "scene state: joint position [rad]"),
        joint_velocity=finite(message.joint_velocity, (12,), "scene state: joint velocity [rad/s]"),
        objects={o.name: _object_from_msg(o) for o in message.objects},
        covariance=finite(message.covariance, (12,), "scene state: covariance"),
        base_age=float(validate_array(message.base_age, (), "scene state: base age [s]")),
        joint_age=float(validate_array(message.joint_age, (), "scene state: joint age [s]")),
        mocap_inconsistency=message.mocap_inconsistency,
    )


def _object_from_msg(message: ObjectStateMsg) -> ObjectState:
    what = f"scene state: object '{message.name}'"
    pose, twist = message.pose, message.twist
    return ObjectState(
        position=finite(vector_from_msg(pose.position), (3,), f"{what}: position [m]"),
        orientation=quaternion_from_msg(pose.orientation, f"{what}: orientation"),
        linear_velocity=finite(vector_from_msg(twist.linear), (3,), f"{what}: velocity [m/s]"),
        angular_velocity=finite(vector_from_msg(twist.angular), (3,), f"{what}: rate [rad/s]"),
        age=float(validate_array(message.age, (), f"{what}: age [s]")),
        covariance=finite(message.covariance, (6,), f"{what}: covariance"),
    )


def plan_to_msg(plan: Plan, message: PlanMsg) -> PlanMsg:
    """Fill a message with a plan."""
    set_time(message.header.stamp, plan.stamp)
    message.header.frame_id = BASE_FRAME
    message.id = plan.id
    message.task, message.robot = plan.task, plan.robot
    set_time(message.start, plan.start)
    set_time(message.expiry, plan.expiry)
    message.order = plan.order
    message.knot_dt = float(plan.knot_dt)
    message.knots = plan.knots.ravel().tolist()
    message.cost = float(plan.cost)
    return message


def plan_from_msg(message: PlanMsg) -> Plan:
    """Return the plan in a message.

    Raises:
        InputError: the knots are not triples, an entry is not finite or makes no sense.
    """
    knots = np.asarray(message.knots, dtype=np.float64)
    if len(knots) == 0 or len(knots) % 3:
        raise InputError(f"plan {message.id}: {len(knots)} knot values are not triples")
    return Plan(
        id=message.id,
        task=message.task,
        robot=message.robot,
        stamp=seconds(message.header.stamp),
        start=seconds(message.start),
        expiry=seconds(message.expiry),
        knots=knots.reshape(-1, 3),
        knot_dt=message.knot_dt,
        order=message.order,
        cost=message.cost,
    )
