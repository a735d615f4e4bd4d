"""Motion capture that does not show this robot is inconsistent, whatever the fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from made_walk import HEIGHT, MadeWalk

from gpc_ros.common.geometry import (
    quat_conjugate,
    quat_from_rpy,
    quat_from_yaw,
    quat_multiply,
    rotate,
)
from gpc_ros.estimation.estimator import Estimator

if TYPE_CHECKING:
    from walks import Walk

Pose = tuple[np.ndarray, np.ndarray]


def shown(walk: MadeWalk, lie: Callable[[np.ndarray, np.ndarray], Pose]) -> Estimator:
    """Return the estimator after a walk that motion capture shows with a lie."""
    estimator = Estimator()
    for k, (reading, pose) in enumerate(zip(walk.readings, walk.poses, strict=True)):
        estimator.on_reading(reading, reading.stamp)
        if k % 2 == 0:
            estimator.on_mocap("base", reading.stamp, *lie(*pose), reading.stamp)
    return estimator


def inconsistency(estimator: Estimator) -> str:
    """Return why it must not be armed: an inconsistency, or the reason for a missing estimate."""
    state = estimator.estimate()
    return estimator.complaint if state is None else state.mocap_inconsistency


def reordered(p: np.ndarray, q: np.ndarray) -> Pose:
    return p, q[[1, 2, 3, 0]]


def mirrored(p: np.ndarray, q: np.ndarray) -> Pose:
    return p * [1.0, -1.0, 1.0], quat_conjugate(q)


def upside_down(p: np.ndarray, q: np.ndarray) -> Pose:
    return p, quat_multiply(q, quat_from_rpy(np.pi, 0.0, 0.0))


def y_up(p: np.ndarray, q: np.ndarray) -> Pose:
    back = quat_from_rpy(-np.pi / 2.0, 0.0, 0.0)
    return rotate(back, p), quat_multiply(back, q)


def lower(p: np.ndarray, q: np.ndarray) -> Pose:
    return p - [0.0, 0.0, 0.2], q


def a_body_that_rests(p: np.ndarray, q: np.ndarray) -> Pose:
    return np.array([1.0, 1.0, HEIGHT]), quat_from_yaw(0.3)


def turned_on_the_robot(p: np.ndarray, q: np.ndarray) -> Pose:
    return p, quat_multiply(q, quat_from_yaw(np.pi / 2.0))


def in_millimetres(p: np.ndarray, q: np.ndarray) -> Pose:
    return 1000.0 * p, q


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (reordered, "disagree about gravity"),
        (upside_down, "disagree about gravity"),
        (y_up, "disagree about gravity"),
        (lower, "above the floor"),
        (in_millimetres, "above the floor"),
    ],
)
def test_gravity_and_height_are_checked_before_any_motion(
    lie: Callable[[np.ndarray, np.ndarray], Pose], reason: str
) -> None:
    assert reason in inconsistency(shown(MadeWalk(still=1.5, seconds=0.0), lie))


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (mirrored, "turn of motion capture and gyro"),
        (
            a_body_that_rests,
            "turn of motion capture and gyro|translation of motion capture and legs",
        ),
        (turned_on_the_robot, "translation of motion capture and legs"),
    ],
)
def test_inconsistent_motion_is_detected_within_two_seconds(
    lie: Callable[[np.ndarray, np.ndarray], Pose], reason: str
) -> None:
    still = shown(MadeWalk(still=1.5, seconds=0.0), lie)
    assert inconsistency(still) == ""
    assert re.search(reason, inconsistency(shown(MadeWalk(still=1.5, seconds=2.5), lie)))


def test_an_inconsistency_of_motion_stays_until_a_motion_agrees() -> None:
    walk, estimator, found = MadeWalk(still=1.0, seconds=14.0), Estimator(), []
    frozen = walk.poses[0]
    for k, (reading, pose) in enumerate(zip(walk.readings, walk.poses, strict=True)):
        estimator.on_reading(reading, reading.stamp)
        if k % 2 == 0:
            # Until 4 s the wrong body; from then on the robot, which the filter has lost.
            seen = frozen if reading.stamp < 4.0 else pose
            estimator.on_mocap("base", reading.stamp, *seen, reading.stamp)
        found.append(estimator._plausibility.inconsistency)
    assert found[round(3.9 / 0.004)]
    assert found[round(4.3 / 0.004)]
    assert found[-1] == ""


@pytest.mark.parametrize("command", [(0.4, 0.1, 0.4), (0.0, -0.2, -0.6)])
def test_a_walking_robot_is_consistent(
    walk: Callable[..., Walk], command: tuple[float, float, float]
) -> None:
    result = walk(seconds=4.0, command=command, hide=(2.0, 0.5))
    assert [
        e.mocap_inconsistency for e in result.estimates if e is not None and e.mocap_inconsistency
    ] == []


def test_a_jump_of_the_map_is_not_an_inconsistency_of_motion() -> None:
    """A robot that holds because of such an inconsistency would never move again to clear it."""
    walk = MadeWalk()
    estimator = Estimator()
    found = set()
    for k, (reading, pose) in enumerate(zip(walk.readings, walk.poses, strict=True)):
        estimator.on_reading(reading, reading.stamp)
        if k % 2 == 0:
            off = [0.5, 0.0, 0.0] if k > len(walk.readings) // 2 else [0.0, 0.0, 0.0]
            estimator.on_mocap("base", reading.stamp, pose[0] + off, pose[1], reading.stamp)
        state = estimator.estimate()
        found.add(state.mocap_inconsistency if state else "")
    assert found == {""}
