"""Where the base is in the frame of its markers, from a robot that stood still and walked a little.

Three things are known without measuring anything by hand. Standing on level ground, gravity gives
roll and pitch and the legs give the height. Walking, the way that the robot reckons from gyro and
legs must be the way of its base in motion capture. With the unknown offset (p, R) of the base in
the frame M of the markers, and S the least turn that takes gravity of the base to that of M, whose
up is u: R = exp(psi u) S. Over a window from pose 0 to pose 1, with the reckoned way w in the base
frame,

    R_0^T (m_1 - m_0) + (R_0^T R_1 - 1) p = R w
    R w = u u^T S w + cos psi (1 - u u^T) S w + sin psi u x S w

which is linear in p, cos psi and sin psi: least squares over all windows, with the height as one
more row. That cos^2 + sin^2 is near one is not asked for, and so tells whether all fits together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import DataError
from gpc_ros.common.geometry import (
    quat_conjugate,
    quat_exp,
    quat_log,
    quat_multiply,
    rotate,
    rotate_inverse,
    rotation_matrix,
)
from gpc_ros.estimation.dead_reckoning import Reckoned, Reckoning
from gpc_ros.estimation.leg_odometry import LegOdometryConfig, leg_odometry
from gpc_ros.estimation.nominal_state import vector
from gpc_ros.mocap.mocap_map import Offset
from gpc_ros.robot.kinematics import FOOT_RADIUS, foot_positions
from gpc_ros.robot.types import RobotReading

_UP = np.array([0.0, 0.0, 1.0])
# Standing still: joints and gyro slower than this [rad/s], for so long in all [s].
_STILL_JOINT, _STILL_TURN, _STILL_TIME = 0.4, 0.1, 1.0
# A leg that stands upright is at least this long [m]; a lying robot is not level by its feet.
_STANDING = 0.2
# Windows over which ways are compared, and from one's begin to the next [s].
_WINDOW, _STEP = 1.0, 0.1
# Without so much of a way and of turns the offset is not seen [m], [rad].
_WAY, _TURN = 2.0, 3.0
# What is believed: standard deviations of position [m] and heading [rad], and length against legs.
_POSITION, _HEADING, _SCALE = 0.02, 0.03, 0.2


class Seen(NamedTuple):
    """A pose of the markers: capture stamp [s], position (3,) [m], orientation (4,) wxyz, map."""

    stamp: float
    position: Array
    orientation: Array


@dataclass(frozen=True)
class Calibration:
    """What was found.

    Attributes:
        offset: of the base in the frame of the markers.
        position_sigma: standard deviation of its x and y [m]; zero if it was told.
        heading_sigma: standard deviation of its heading [rad]; zero if it was told.
        scale: ways of motion capture over those of the legs; one if it was told.
        slope: between gravity and the plane of the feet [rad]: floor, joint offsets and IMU.
        still: time that the robot stood still [s].
    """

    offset: Offset
    position_sigma: float
    heading_sigma: float
    scale: float
    slope: float
    still: float


def combined(first: Offset, then: Offset) -> Offset:
    """Return the offset of going by one and then, from there, by another."""
    return Offset(
        first.position + rotate(first.orientation, then.position),
        quat_multiply(first.orientation, then.orientation),
    )


class _Stand(NamedTuple):
    """A robot that stands still."""

    down: Array  # of the base (3,)
    height: float  # of the base over the floor [m]
    slope: float  # [rad]
    bias: Array  # of the gyro (3,) [rad/s]
    stamps: Array  # of the readings


def calibrate(
    readings: Sequence[RobotReading],
    poses: Sequence[Seen],
    placed: tuple[float, float, float] | None = None,
    sink: float = 0.0,
) -> Calibration:
    """Return the offset of the base in the frame of the markers.

    Args:
        readings: of the robot, in the order of their stamps.
        poses: of its markers in the map, z up, in the order of their stamps, on the same clock.
        placed: x [m], y [m] and heading [rad] of the base while it stood still, if it was put
            there by hand; else they are found from its walk.
        sink: how far the feet sink into their rubber and the floor while it stands [m].

    Raises:
        DataError: too little was seen, or motion capture and the robot do not fit together; the
            message says what to do.
    """
    if len(poses) < 10 or len(readings) < 10:
        raise DataError(
            f"calibration: {len(readings)} readings and {len(poses)} poses of the base are too "
            "few: record joint_states, imu/data and mocap/base/pose"
        )
    stand = _standing(readings, sink)
    still = [p for p in poses if np.abs(stand.stamps - p.stamp).min() < 0.02]
    if len(still) < 10:
        raise DataError("calibration: motion capture did not see the robot while it stood still")
    up = np.mean([rotate_inverse(p.orientation, _UP) for p in still], axis=0)
    up /= np.linalg.norm(up)
    level = _least_turn(-stand.down, up)
    still_time = float(len(stand.stamps) * np.median(np.diff([r.stamp for r in readings])))
    if placed is not None:
        offset = _placed(still, stand, up, level, placed)
        return Calibration(offset, 0.0, 0.0, 1.0, stand.slope, still_time)
    height = float(np.mean([stand.height - p.position[2] for p in still]))
    solution, sigma = _walked(readings, poses, stand, level, up, height)
    scale, psi = math.hypot(solution[3], solution[4]), math.atan2(solution[4], solution[3])
    heading_sigma = math.hypot(sigma[3], sigma[4])
    position_sigma = float(np.linalg.norm(sigma[:3]))
    if abs(scale - 1.0) > _SCALE:
        raise DataError(
            f"calibration: ways of motion capture are {scale:.2f} times those of the legs: are its "
            "units m, are the axes right handed, is it this robot, and does it not slip?"
        )
    if position_sigma > _POSITION or heading_sigma > _HEADING:
        raise DataError(
            f"calibration: the offset is known to {1e3 * position_sigma:.0f} mm and "
            f"{heading_sigma:.3f} rad only (needed {1e3 * _POSITION:.0f} mm and {_HEADING} rad): "
            "walk longer, forwards, sideways and in turns"
        )
    orientation = quat_multiply(quat_exp(psi * up), level)
    offset = Offset(solution[:3], orientation)
    return Calibration(offset, position_sigma, heading_sigma, scale, stand.slope, still_time)


def _standing(readings: Sequence[RobotReading], sink: float) -> _Stand:
    """Return what is known of the robot while it stands still."""
    still = [
        r
        for r in readings
        if np.abs(r.velocity).max() < _STILL_JOINT
        and np.linalg.norm(r.angular_velocity) < _STILL_TURN
        and -foot_positions(r.position)[:, 2].mean() > _STANDING
    ]
    period = float(np.median(np.diff([r.stamp for r in readings])))
    if len(still) * period < _STILL_TIME:
        raise DataError(
            f"calibration: the robot stood still for {len(still) * period:.1f} s only (needed "
            f"{_STILL_TIME} s): let it stand on level ground for some seconds before it walks"
        )
    down = np.mean([rotate_inverse(r.orientation, -_UP) for r in still], axis=0)
    down /= np.linalg.norm(down)
    feet = foot_positions(np.mean([r.position for r in still], axis=0))
    normal = np.linalg.svd(feet - feet.mean(axis=0))[2][2]
    slope = math.acos(min(abs(float(normal @ down)), 1.0))
    return _Stand(
        down,
        float((feet @ down).mean()) + FOOT_RADIUS - sink,
        slope,
        np.mean([r.angular_velocity for r in still], axis=0),
        np.array([r.stamp for r in still]),
    )


def _least_turn(a: Array, b: Array) -> Array:
    """Return the quaternion (4,) of the least turn that takes one unit vector to another."""
    axis, cosine = np.cross(a, b), float(a @ b)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        # Any axis across will do if they are opposite.
        across = np.cross(a, [1.0, 0.0, 0.0] if abs(a[0]) < 0.9 else [0.0, 1.0, 0.0])
        return quat_exp(math.pi * across / np.linalg.norm(across) * (cosine < 0.0))
    return quat_exp(math.atan2(sine, cosine) / sine * axis)


def _placed(
    still: Sequence[Seen],
    stand: _Stand,
    up: Array,
    level: Array,
    placed: tuple[float, float, float],
) -> Offset:
    """Return the offset of a base that was put at x, y, heading."""
    x, y, yaw = placed
    position = np.mean([p.position for p in still], axis=0)
    # The markers' mean orientation: that of one, turned by the mean of what the others differ.
    first = still[0].orientation
    apart = [quat_log(quat_multiply(quat_conjugate(first), p.orientation)) for p in still]
    markers = quat_multiply(first, quat_exp(np.mean(apart, axis=0)))
    # The heading that the base would have with the least turn, then the rest about the vertical.
    forward = rotate(quat_multiply(markers, level), np.array([1.0, 0.0, 0.0]))
    missing = yaw - math.atan2(forward[1], forward[0])
    orientation = quat_multiply(quat_exp(missing * up), level)
    return Offset(rotate_inverse(markers, np.array([x, y, stand.height]) - position), orientation)


def _reckon(readings: Sequence[RobotReading], bias: Array) -> tuple[Array, list[Reckoned]]:
    """Return stamps (N,) and where the robot reckoned to be, with its gyro's bias removed."""
    config, reckoning = LegOdometryConfig(), Reckoning()
    stamps, track = [], []
    for k, reading in enumerate(readings):
        legs = leg_odometry(reading, config) if k % config.every == 0 else None
        if not reckoning.feel(reading, vector(reading.angular_velocity - bias), legs) and k:
            raise DataError(
                f"calibration: the readings pause at {reading.stamp:.3f} s: record again"
            )
        stamps.append(reading.stamp)
        track.append(reckoning.at)
    return np.array(stamps), track


def _walked(
    readings: Sequence[RobotReading],
    poses: Sequence[Seen],
    stand: _Stand,
    level: Array,
    up: Array,
    height: float,
) -> tuple[Array, Array]:
    """Return position, cosine and sine of the heading (5,) and their standard deviations (5,)."""
    stamps, track = _reckon(readings, stand.bias)
    rows: list[Array] = []
    values: list[Array] = []
    way = turn = 0.0
    begin, next_stamp = 0, -math.inf
    for end, pose in enumerate(poses):
        while poses[begin].stamp < pose.stamp - _WINDOW - 0.02:
            begin += 1
        first = poses[begin]
        if pose.stamp < next_stamp or pose.stamp - first.stamp < _WINDOW - 0.02 or end == begin:
            continue
        next_stamp = pose.stamp + _STEP
        i, j = np.searchsorted(stamps, (first.stamp, pose.stamp))
        if j >= len(stamps) or track[j].blind - track[i].blind > 0.1 * _WINDOW:
            continue
        walked = rotate_inverse(
            np.array(track[i].attitude), np.subtract(track[j].position, track[i].position)
        )
        relative = quat_multiply(quat_conjugate(first.orientation), pose.orientation)
        shown = rotate_inverse(first.orientation, pose.position - first.position)
        leveled = rotate(level, walked)
        along = up * (up @ leveled)
        row = np.empty((3, 5))
        row[:, :3] = rotation_matrix(relative) - np.eye(3)
        row[:, 3], row[:, 4] = along - leveled, -np.cross(up, leveled)
        rows.append(row)
        values.append(along - shown)
        way += float(np.linalg.norm(walked)) * _STEP / _WINDOW
        turn += float(np.linalg.norm(quat_log(relative))) * _STEP / _WINDOW
    if way < _WAY or turn < _TURN:
        raise DataError(
            f"calibration: the robot walked {way:.1f} m and turned {turn:.1f} rad in sight of "
            f"motion capture (needed {_WAY} m and {_TURN} rad): drive it about, or put it at a "
            "known place and say which with --placed"
        )
    return _least_squares(np.array(rows), np.array(values), up, height)


def _least_squares(rows: Array, values: Array, up: Array, height: float) -> tuple[Array, Array]:
    """Return solution and standard deviations (5,) of rows (N, 3, 5) and values (N, 3).

    Windows that fit badly (a foot slipped) are left out, twice.
    """
    kept = np.ones(len(rows), bool)
    # The height is known far better than any way: a row of a large weight.
    weight = 1e3
    extra = np.concatenate([weight * up, [0.0, 0.0]])
    for _ in range(3):
        a = np.vstack([rows[kept].reshape(-1, 5), extra])
        b = np.append(values[kept].ravel(), weight * height)
        solution = np.linalg.lstsq(a, b, rcond=None)[0]
        errors = np.linalg.norm(rows @ solution - values, axis=1)
        kept = errors <= 3.0 * np.median(errors[kept])
    # Windows overlap: only one in so many is news.
    news = _STEP / _WINDOW
    variance = float(np.square(errors[kept]).mean()) / 3.0 / news
    sigma: Array = np.sqrt(np.diag(np.linalg.inv(a.T @ a)) * variance)
    return solution, sigma
