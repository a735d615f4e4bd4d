"""Poses of a motion capture system as poses in the map, and the file of the offsets."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.common.geometry import (
    quat_conjugate,
    quat_from_rpy,
    quat_from_yaw,
    quat_multiply,
    rotate,
    rotate_inverse,
)
from gpc_ros.mocap.mocap_map import (
    MapPose,
    MocapMap,
    MocapMapConfig,
    Offset,
    SystemPose,
    topic_token,
)
from gpc_ros.mocap.mocap_offsets import read_offsets, write_offsets

LEVEL = np.array([1.0, 0.0, 0.0, 0.0])
BODIES = ("base", "box")
OFFSET = Offset(np.array([0.1, -0.02, -0.08]), quat_from_rpy(0.02, -0.05, 1.3))

number = st.floats(-3.0, 3.0)
vectors = st.tuples(number, number, number).map(np.array)
attitudes = st.tuples(number, number, number).map(lambda rpy: quat_from_rpy(*rpy))


def reported(position: object, orientation: np.ndarray = LEVEL, name: str = "base") -> SystemPose:
    return SystemPose(name, "world", 7.0, np.array(position, dtype=float), orientation)


def mapped(pose: SystemPose, offsets: dict[str, Offset] | None = None, **config: Any) -> MapPose:
    known = MocapMap(replace(MocapMapConfig(), **config), BODIES, offsets or {})
    result = known.pose(pose, 7.02)
    assert result is not None
    return result


@given(position=vectors, attitude=attitudes, offset=vectors, turn=attitudes)
def test_an_offset_maps_the_markers_to_the_body(
    position: np.ndarray, attitude: np.ndarray, offset: np.ndarray, turn: np.ndarray
) -> None:
    markers = quat_multiply(attitude, quat_conjugate(turn))
    where = position - rotate(markers, offset)
    pose = mapped(reported(where, markers), {"base": Offset(offset, turn)})
    np.testing.assert_allclose(pose.position, position, atol=1e-12)
    assert abs(float(pose.orientation @ attitude)) == pytest.approx(1.0)


def test_with_y_up_the_axes_turn_and_level_stays_level() -> None:
    pose = mapped(reported([1.0, 0.3, -2.0]), axes="y_up")
    np.testing.assert_allclose(pose.position, [1.0, 2.0, 0.3], atol=1e-12)
    np.testing.assert_allclose(pose.orientation, LEVEL, atol=1e-12)
    # A turn about the system's vertical is one about ours.
    turned = np.array([math.cos(0.4), 0.0, math.sin(0.4), 0.0])
    pose = mapped(reported([0.0, 0.0, 0.0], turned), axes="y_up")
    np.testing.assert_allclose(pose.orientation, quat_from_yaw(0.8), atol=1e-12)


@given(a=vectors, b=vectors, attitude=attitudes)
def test_with_y_up_offsets_stay_fixed_to_the_body(
    a: np.ndarray, b: np.ndarray, attitude: np.ndarray
) -> None:
    # A point fixed in the system's body frame has constant coordinates in ours, whatever its pose.
    still, moved = (
        mapped(reported(np.zeros(3)), axes="y_up"),
        mapped(reported(a, attitude), axes="y_up"),
    )
    point = mapped(reported(a + rotate(attitude, b)), axes="y_up").position
    of_body = rotate_inverse(moved.orientation, point - moved.position)
    np.testing.assert_allclose(of_body, mapped(reported(b), axes="y_up").position, atol=1e-9)
    np.testing.assert_allclose(still.position, 0.0)


@pytest.mark.parametrize(
    ("stamp", "delay", "expected"),
    [("header", 0.0, 7.0), ("header", 0.01, 6.99), ("arrival", 0.0, 7.02), ("arrival", 0.02, 7.0)],
)
def test_stamps_are_capture_times(stamp: str, delay: float, expected: float) -> None:
    assert mapped(reported([0, 0, 0]), stamp=stamp, delay=delay).stamp == pytest.approx(expected)


def test_bodies_are_found_by_their_names_in_the_system() -> None:
    known = MocapMap(replace(MocapMapConfig(), names="base=Go2,box=Box_1"), BODIES, {})
    found = known.pose(reported([1, 0, 0], name="Box_1"), 7.0)
    assert found is not None
    assert found.body == "box"
    assert known.pose(reported([1, 0, 0], name="wand"), 7.0) is None
    assert known.unknown == {"wand"}
    assert known.topics == {
        "base": "/vrpn_mocap/Go2/pose",
        "box": "/vrpn_mocap/Box_1/pose",
    }


def test_repeated_poses_of_a_lost_body_are_rejected() -> None:
    known = MocapMap(MocapMapConfig(), BODIES, {})
    assert known.pose(reported([1, 0, 0]), 7.0) is not None
    assert known.pose(reported([1, 0, 0]), 7.1) is None
    assert known.pose(reported([1, 0, 0], name="box"), 7.1) is not None
    assert known.pose(reported([1, 0, 1e-9]), 7.2) is not None
    assert known.repeated == {"base": 1, "box": 0}
    accepting = MocapMap(replace(MocapMapConfig(), repeats=True), BODIES, {})
    assert all(accepting.pose(reported([1, 0, 0]), 7.0) for _ in range(2))


def test_another_frame_than_the_required_one_is_refused() -> None:
    known = MocapMap(replace(MocapMapConfig(), frame="map"), BODIES, {})
    with pytest.raises(InputError, match="frame 'world' is not 'map'"):
        known.pose(reported([0, 0, 0]), 7.0)


@pytest.mark.parametrize(
    ("config", "offsets", "message"),
    [
        ({"names": "bass=Go2"}, {}, "no body 'bass'; did you mean 'base'"),
        ({"names": "base=box"}, {}, "two bodies have the same name"),
        ({}, {"bocks": OFFSET}, "no body 'bocks'"),
    ],
)
def test_settings_of_an_unknown_body_are_refused(
    config: dict[str, Any], offsets: dict[str, Offset], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        MocapMap(replace(MocapMapConfig(), **config), BODIES, offsets)


def test_one_topic_cannot_carry_two_bodies_without_names() -> None:
    known = MocapMap(replace(MocapMapConfig(), topic="/pose"), BODIES, {})
    with pytest.raises(ConfigError, match="each body has its own"):
        _ = known.topics


def test_offsets_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "offsets.yaml"
    write_offsets(path, {"base": OFFSET, "box": Offset(np.zeros(3), LEVEL)})
    again = read_offsets(path)
    assert set(again) == {"base", "box"}
    np.testing.assert_allclose(again["base"].position, OFFSET.position, atol=1e-5)
    np.testing.assert_allclose(again["base"].orientation, OFFSET.orientation, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: [1, 2", "not YAML"),
        ("- base", "expected a mapping"),
        ("base: {position: [0, 0, 0]}", "expected position and orientation"),
        ("base: {position: [0, 0], orientation: [1, 0, 0, 0]}", "expected 3 finite numbers"),
        ("base: {position: [0, 0, .nan], orientation: [1, 0, 0, 0]}", "expected 3 finite numbers"),
        ("base: {position: [0, 0, 0], orientation: [1, 1, 0, 0]}", "has norm 1.414"),
        ("base: !!python/object:os.system {}", "not YAML"),
    ],
)
def test_a_damaged_file_of_offsets_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "offsets.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_offsets(path)


def test_a_missing_file_of_offsets_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gpc calibrate-mocap makes them"):
        read_offsets(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("Box 1", "Box_1"), ("Go2-robot", "Go2_robot"), ("a  b--c", "a_b_c"), ("a__b", "a_b"),
        ("Kiste (groß)", "Kiste_gro_"), ("Ящик", "_"),
    ],
)  # fmt: skip
def test_topics_are_the_ones_that_vrpn_mocap_makes_from_a_name(name: str, token: str) -> None:
    known = MocapMap(replace(MocapMapConfig(), names=f"base=Go2,box={name}"), BODIES, {})
    assert known.topics["box"] == f"/vrpn_mocap/{token}/pose"


@given(name=st.text(min_size=1, max_size=20))
def test_any_name_gives_a_valid_topic_or_is_refused(name: str) -> None:
    try:
        token = topic_token(name)
    except ConfigError:
        assert name[0] in "0123456789"
    else:
        assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", token)


def test_a_name_that_begins_with_a_digit_is_refused_with_a_remedy() -> None:
    known = MocapMap(replace(MocapMapConfig(), names="base=Go2,box=1st box"), BODIES, {})
    with pytest.raises(ConfigError, match=r"'1st box'.*rename it"):
        _ = known.topics


@pytest.mark.parametrize("names", ["base=Go 2,box=Go-2", "base=Робот,box=Ящик"])
def test_two_names_that_become_one_topic_are_refused(names: str) -> None:
    known = MocapMap(replace(MocapMapConfig(), names=names), BODIES, {})
    with pytest.raises(ConfigError, match="both become the topic"):
        _ = known.topics


def test_a_zero_stamp_names_the_parameter_that_helps() -> None:
    known = MocapMap(MocapMapConfig(), BODIES, {})
    with pytest.raises(InputError, match=r"stamp is zero.*set the parameter stamp .* to arrival"):
        known.pose(reported([1, 0, 0])._replace(stamp=0.0), 7.0)
    assert mapped(reported([1, 0, 0])._replace(stamp=0.0), stamp="arrival").stamp == 7.02
