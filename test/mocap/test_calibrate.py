"""The base's offset from its markers, found from a walk; insufficient recordings are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_walk import MadeWalk

from gpc_ros.common.errors import DataError
from gpc_ros.common.geometry import (
    quat_conjugate,
    quat_from_rpy,
    quat_log,
    quat_multiply,
    rotate,
    yaw_from_quat,
)
from gpc_ros.mocap.mocap_calibration import Seen, calibrate, combined
from gpc_ros.mocap.mocap_map import Offset

if TYPE_CHECKING:
    from walks import Walk

OFFSET = Offset(np.array([0.12, -0.03, -0.09]), quat_from_rpy(0.03, -0.06, 1.9))
WALK = MadeWalk(seconds=12.0)
small, any_turn = st.floats(-0.3, 0.3), st.floats(-3.1, 3.1)
offsets = st.builds(
    lambda x, y, z, roll, pitch, yaw: Offset(np.array([x, y, z]), quat_from_rpy(roll, pitch, yaw)),
    small, small, small, any_turn, small, any_turn,
)  # fmt: skip


def markers(
    position: np.ndarray, attitude: np.ndarray, offset: Offset = OFFSET
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the markers are with the base at a pose."""
    turned = quat_multiply(attitude, quat_conjugate(offset.orientation))
    return position - rotate(turned, offset.position), turned


def seen(walk: MadeWalk, offset: Offset = OFFSET) -> list[Seen]:
    return [
        Seen(r.stamp, *markers(*pose, offset))
        for r, pose in zip(walk.readings[::2], walk.poses[::2], strict=True)
    ]


def apart(a: Offset, b: Offset) -> tuple[float, float]:
    """Return how far two offsets are apart [m], [rad]."""
    turn = quat_log(quat_multiply(quat_conjugate(a.orientation), b.orientation))
    return float(np.linalg.norm(a.position - b.position)), float(np.linalg.norm(turn))


@settings(max_examples=4)
@given(offset=offsets)
def test_a_walk_determines_any_offset(offset: Offset) -> None:
    found = calibrate(WALK.readings, seen(WALK, offset))
    distance, turn = apart(found.offset, offset)
    assert distance < 0.004
    assert turn < 0.004
    assert found.scale == pytest.approx(1.0, abs=0.01)
    assert found.slope < 0.01


@settings(max_examples=20)
@given(offset=offsets)
def test_a_known_place_determines_any_offset(offset: Offset) -> None:
    stand = MadeWalk(seconds=0.0)
    position, attitude = stand.poses[0]
    placed = (float(position[0]), float(position[1]), float(yaw_from_quat(attitude)))
    found = calibrate(stand.readings, seen(stand, offset), placed)
    distance, turn = apart(found.offset, offset)
    assert distance < 1e-6
    assert turn < 1e-6


def test_the_simulated_robot_is_calibrated_to_a_centimetre_and_two_degrees(
    walk: Callable[..., Walk],
) -> None:
    def about(t: float) -> tuple[float, float, float]:
        return (
            0.15 + 0.25 * math.sin(0.5 * t), 0.2 * math.sin(0.8 * t), 0.8 * math.sin(0.35 * t)
        )  # fmt: skip

    made = walk(seconds=24.0, still=3.0, command=about)
    poses = [p for p in made.poses if p.body == "base"]
    found = calibrate(
        made.readings,
        [Seen(p.stamp, *markers(p.position, p.quaternion)) for p in poses],
        sink=0.014,
    )
    distance, turn = apart(found.offset, OFFSET)
    assert distance < 0.01
    assert turn < 0.035
    # It knows how good it is.
    assert distance < 3.0 * found.position_sigma
    assert turn < 3.0 * found.heading_sigma


def test_offsets_compose() -> None:
    other = Offset(np.array([0.01, 0.02, 0.03]), quat_from_rpy(0.1, 0.2, -0.3))
    both = combined(OFFSET, other)
    position, attitude = np.array([1.0, 2.0, 0.3]), quat_from_rpy(0.1, -0.2, 2.0)
    first = markers(position, attitude, other)
    for at_once, after_another in zip(
        markers(position, attitude, both), markers(*first, OFFSET), strict=True
    ):
        np.testing.assert_allclose(at_once, after_another, atol=1e-12)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (MadeWalk(still=0.2, seconds=0.0, turn=0.0), "are too few|stood still for 0.2 s only"),
        (MadeWalk(seconds=5.0, turn=0.0), "turned 0.0 rad"),
        (MadeWalk(seconds=5.0, speed=(0.0, 0.0)), "walked 0.0 m"),
    ],
)
def test_too_little_motion_is_refused_with_a_remedy(made: MadeWalk, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        calibrate(made.readings, seen(made))


def test_motion_capture_in_other_units_is_refused() -> None:
    half = [Seen(t, p * [0.5, 0.5, 1.0], q) for t, p, q in seen(WALK)]
    with pytest.raises(DataError, match="check the units"):
        calibrate(WALK.readings, half)


def test_a_gap_in_the_readings_is_refused() -> None:
    readings = WALK.readings[:1000] + WALK.readings[1100:]
    with pytest.raises(DataError, match="the readings pause at"):
        calibrate(readings, seen(WALK))
