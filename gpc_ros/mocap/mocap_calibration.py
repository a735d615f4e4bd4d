"""Calibration of the marker offset: the pose of the base in the frame of its markers.

The robot stands still and then walks; no manual measurement is needed. On level ground gravity
gives roll and pitch and the legs give the height. During the walk, the translation from dead
reckoning must equal the translation of the base in motion capture. With the unknown offset (p, R)
of the base in the marker frame M, and S the smallest rotation that maps gravity of the base to
gravity of M, with vertical axis u: R = exp(psi u) S. Over a window from pose 0 to pose 1, with the
dead-reckoned translation w in the base frame,

    R_0^T (m_1 - m_0) + (R_0^T R_1 - 1) p = R w
    R w = u u^T S w + cos psi (1 - u u^T) S w + sin psi u x S w

which is linear in p, cos psi and sin psi: least squares over all windows, with the height as an
additional row. The constraint cos^2 + sin^2 = 1 is not imposed, so that it serves as a check.
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
from gpc_ros.estimation.dead_reckoning import DeadReckoning, ReckonedPose
from gpc_ros.estimation.leg_odometry import LegOdometryConfig, leg_odometry
from gpc_ros.estimation.nominal_state import vector
from gpc_ros.mocap.mocap_map import Offset
from gpc_ros.robot.kinematics import FOOT_RADIUS, foot_positions
from gpc_ros.robot.types import RobotReading

_UP = np.array([0.0, 0.0, 1.0])
# Standing still: maximum joint and gyro rates [rad/s], and minimum total time [s].
_STILL_JOINT, _STILL_TURN, _STILL_TIME = 0.4, 0.1, 1.0
# Minimum leg length of a standing robot [m]; the feet of a lying robot do not define a level.
_STANDING = 0.2
# Length of the compared windows, and time between their starts [s].
_WINDOW, _STEP = 1.0, 0.1
# Minimum translation [m] and rotation [rad] for an observable offset.
_WAY, _TURN = 2.0, 3.0
# Limits: standard deviations of position [m] and heading [rad], and scale against the legs.
_POSITION, _HEADING, _SCALE = 0.02, 0.03, 0.2


class Seen(NamedTuple):
    """A pose of the markers: capture stamp [s], position (3,) [m], orientation (4,) wxyz, map."""

    stamp: float
    position: Array
    orientation: Array


@dataclass(frozen=True)
class Calibration:
    """Result of a calibration.

    Attributes:
        offset: pose of the base in the frame of the markers.
        position_sigma: standard deviation of x and y [m]; zero if given.
        heading_sigma: standard deviation of the heading [rad]; zero if given.
        scale: translation of motion capture relative to the legs; one if the pose was given.
        slope: angle between gravity and the plane of the feet [rad]: floor, joint offsets and IMU.
        still: time at rest [s].
    """

    offset: Offset
    position_sigma: float
    heading_sigma: float
    scale: float
    slope: float
    still: float


def combined(first: Offset, then: Offset) -> Offset:
    """Return the composition of two offsets, the second in the frame of the first."""
    return Offset(
        first.position + rotate(first.orientation, then.position),
        quat_multiply(first.orientation, then.orientation),
    )


class _Stand(NamedTuple):
    """Data of the robot at rest."""

    down: Array  # gravity direction, base frame (3,)
    height: float  # height of the base over the floor [m]
    slope: float  # [rad]
    bias: Array  # gyro bias (3,) [rad/s]
    stamps: Array  # stamps of the readings


def calibrate(
    readings: Sequence[RobotReading],
    poses: Sequence[Seen],
    placed: tuple[float, float, float] | None = None,
    sink: float = 0.0,
) -> Calibration:
    """Return the offset of the base in the frame of the markers.

    Args:
        readings: readings of the robot, ordered by stamp.
        poses: marker poses in the map, z up, ordered by stamp, on the same clock.
        placed: x [m], y [m] and heading [rad] of the base at rest, if it was placed by hand;
            otherwise they are estimated from the walk.
        sink: compression of the feet while standing [m].

    Raises:
        DataError: too little data, or motion capture and robot are inconsistent; the message
            contains the remedy.
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
            f"calibration: translations of motion capture are {scale:.2f} times those measured by "
            "the legs: check the units (m), right-handed axes, the body, and slipping feet"
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
    """Return the data of the robot at rest."""
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
            f"{_STILL_TIME} s): let it rest on level ground for some seconds before it walks"
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
    """Return the quaternion (4,) of the smallest rotation between two unit vectors."""
    axis, cosine = np.cross(a, b), float(a @ b)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        # For opposite vectors any perpendicular axis is valid.
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
    """Return the offset for a base placed at x, y, heading."""
    x, y, yaw = placed
    position = np.mean([p.position for p in still], axis=0)
    # Mean marker orientation: one orientation, rotated by the mean difference of the others.
    first = still[0].orientation
    apart = [quat_log(quat_multiply(quat_conjugate(first), p.orientation)) for p in still]
    markers = quat_multiply(first, quat_exp(np.mean(apart, axis=0)))
    # The heading of the base with the smallest rotation, then the rest about the vertical.
    forward = rotate(quat_multiply(markers, level), np.array([1.0, 0.0, 0.0]))
    missing = yaw - math.atan2(forward[1], forward[0])
    orientation = quat_multiply(quat_exp(missing * up), level)
    return Offset(rotate_inverse(markers, np.array([x, y, stand.height]) - position), orientation)


def _reckon(readings: Sequence[RobotReading], bias: Array) -> tuple[Array, list[ReckonedPose]]:
    """Return stamps (N,) and dead-reckoned poses, with the gyro bias removed."""
    config, reckoning = LegOdometryConfig(), DeadReckoning()
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
            "known place and give it with --placed"
        )
    return _least_squares(np.array(rows), np.array(values), up, height)


def _least_squares(rows: Array, values: Array, up: Array, height: float) -> tuple[Array, Array]:
    """Return solution and standard deviations (5,) of rows (N, 3, 5) and values (N, 3).

    Windows with large residuals (a foot slipped) are removed, twice.
    """
    kept = np.ones(len(rows), bool)
    # The height is known far better than any translation: a row with a large weight.
    weight = 1e3
    extra = np.concatenate([weight * up, [0.0, 0.0]])
    for _ in range(3):
        a = np.vstack([rows[kept].reshape(-1, 5), extra])
        b = np.append(values[kept].ravel(), weight * height)
        solution = np.linalg.lstsq(a, b, rcond=None)[0]
        errors = np.linalg.norm(rows @ solution - values, axis=1)
        kept = errors <= 3.0 * np.median(errors[kept])
    # Overlapping windows are correlated: only one in so many is independent.
    news = _STEP / _WINDOW
    variance = float(np.square(errors[kept]).mean()) / 3.0 / news
    sigma: Array = np.sqrt(np.diag(np.linalg.inv(a.T @ a)) * variance)
    return solution, sigma
