"""Compute the paths of plans: their velocity commands, followed without error."""

from __future__ import annotations

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import InputError
from gpc_ros.common.splines import ORDERS, basis
from gpc_ros.replay.run import Run

# Maximum number of plans that are drawn, spread evenly over the run.
_PLANS = 36
_STEP = 0.05  # [s]


def plan_paths(run: Run, count: int = _PLANS) -> list[Array]:
    """Return paths (P, 2) [m] of some plans, each from the base's pose at the plan's start.

    Args:
        run: a run with plans and a motion.
        count: maximum number of plans.
    """
    base, plans = run.motion.base, run.plans
    if len(base.time) < 2 or not len(plans.start):
        return []
    planar = base.planar
    yaw = np.unwrap(planar[:, 2])
    paths = []
    for i in range(0, len(plans.start), max(1, -(-len(plans.start) // count))):
        start, knots = float(plans.start[i]), plans.knots[i]
        if not base.time[0] <= start <= base.time[-1] or not np.isfinite(knots).all():
            continue
        pose = [float(np.interp(start, base.time, column)) for column in (*planar[:, :2].T, yaw)]
        try:
            paths.append(followed(np.array(pose), knots, float(plans.knot_dt[i]), plans.order))
        except InputError:
            continue
    return paths


def followed(pose: Array, knots: Array, knot_dt: float, order: int = ORDERS["linear"]) -> Array:
    """Return the path (P, 2) [m] of a spline of velocity commands.

    Args:
        pose: x [m], y [m], yaw [rad] at its first knot (3,).
        knots: vx, vy [m/s], yaw rate [rad/s] in the heading frame (K, 3).
        knot_dt: time between knots [s].
        order: of the spline.

    Raises:
        InputError: the spline's order is unknown.
    """
    end = knot_dt * (len(knots) if order == 0 else max(len(knots) - 1, 1))
    times = np.arange(0.0, end, _STEP)
    commands = basis(times, len(knots), knot_dt, order) @ knots
    yaw = pose[2] + np.concatenate([[0.0], np.cumsum(commands[:, 2] * _STEP)])[:-1]
    c, s = np.cos(yaw), np.sin(yaw)
    steps = np.column_stack(
        [c * commands[:, 0] - s * commands[:, 1], s * commands[:, 0] + c * commands[:, 1]]
    )
    path: Array = pose[:2] + np.vstack([np.zeros(2), np.cumsum(steps * _STEP, axis=0)])
    return path
