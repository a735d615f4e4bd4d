"""The interface of the 50 Hz low-level walker: velocity command in, twelve joint targets out.

A walker is stateless: its state between two steps (gait phase, velocity trim, last action) is an
explicit vector that the caller stores. Every rollout of the planner can therefore start from the
state of the walker on the robot. The same object serves a batch of rollouts (N rows) and the robot
(one row).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.robot.model import Gains


class JointTargets(NamedTuple):
    """Targets of the joint law tau = kp (position - q) + kd (velocity - dq), model order.

    Attributes:
        position: (N, 12) [rad].
        velocity: (N, 12) [rad/s].
    """

    position: Array
    velocity: Array


class Walker(Protocol):
    """A velocity-tracking walking controller at a fixed rate.

    Attributes:
        name: name in the configuration.
        rate: steps per second [Hz]; the caller holds the targets in between.
        gains: joint gains that the targets require.
        state_size: length S of the explicit state.
        command_low: smallest command (3,): vx [m/s], vy [m/s], yaw rate [rad/s], heading frame.
        command_high: largest command (3,), same units.
    """

    name: str
    rate: float
    gains: Gains
    state_size: int
    command_low: Array
    command_high: Array

    def initial_state(self, n: int) -> Array:
        """Return the state (n, S) of a walker that starts from standing."""
        ...

    def step(self, qpos: Array, qvel: Array, command: Array, state: Array) -> JointTargets:
        """Advance by one period.

        Args:
            qpos: (N, >=19) base position [m], attitude wxyz, joints [rad]; more is ignored.
            qvel: (N, >=18) base velocity in the map frame [m/s], angular velocity in the base
                frame [rad/s], joint velocities [rad/s].
            command: (N, 3) vx, vy [m/s], yaw rate [rad/s] in the heading frame of the base.
            state: (N, S), advanced IN PLACE.

        Returns:
            Targets for the coming period; the arrays are fresh and belong to the caller.
        """
        ...


# Quadratic forms of the attitude (w, x, y, z), so that one product gives half of x and y of the
# base's x axis and the direction of gravity in the base frame.
_FORMS = np.zeros((5, 16))
_FORMS[0, [0, 5, 10, 15]] = 0.5, 0.5, -0.5, -0.5  # ww, xx, yy, zz
_FORMS[1, [3, 6]] = 1.0  # wz, xy
_FORMS[2, [2, 7]] = 2.0, -2.0  # wy, xz
_FORMS[3, [1, 11]] = -2.0  # wx, yz
_FORMS[4, [0, 5, 10, 15]] = -1.0, 1.0, 1.0, -1.0


def attitude_forms(qpos: Array) -> Array:
    """Return heading and gravity directions of attitudes, (5, N).

    Args:
        qpos: (N, >=7) with the attitude wxyz at 3.

    Returns:
        The direction of the base's x axis in the horizontal plane, x and y, of any length, and the
        direction of gravity in the base frame. The last digit can depend on N.
    """
    attitude = qpos[:, 3:7].T.copy()
    products = attitude[:, None] * attitude
    return _FORMS.dot(products.reshape(16, -1))


def to_heading(ahead: Array, qvel: Array) -> Array:
    """Return vx, vy [m/s] in the heading frame and the yaw rate [rad/s], (3, N).

    Args:
        ahead: direction of the heading (2, N), of any length.
        qvel: (N, >=6), see :meth:`Walker.step`.
    """
    ahead = ahead / np.hypot(ahead[0], ahead[1])
    velocity = qvel[:, :2].T
    out = np.empty((3, len(qvel)))
    out[2] = qvel[:, 5]
    np.multiply(ahead[0], velocity, out=out[:2])
    aside = ahead[1] * velocity
    out[0] += aside[1]
    out[1] -= aside[0]
    return out


def heading_velocity(qpos: Array, qvel: Array) -> Array:
    """Return vx, vy [m/s] in the heading frame and the yaw rate [rad/s], (3, N).

    Computed row by row and not by :func:`attitude_forms`, so that the result for a robot, and with
    it a rollout of the trot, is bit-identical in any batch.
    """
    w, x, y, z = qpos[:, 3:7].T.copy()
    c = 0.5 - y * y
    c -= z * z
    s = w * z
    s += x * y
    return to_heading(np.stack([c, s]), qvel)
