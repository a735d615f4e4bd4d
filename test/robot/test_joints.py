"""The joint-order map, and the limits against the model file."""

from __future__ import annotations

import numpy as np
import pytest

from gpc_ros.robot import joints
from gpc_ros.robot.joints import JOINT_NAMES, LIE, LOWER, STAND, UPPER, from_sdk, to_sdk
from gpc_ros.robot.model import Gains, compile_model, robot_spec


def test_order_map_moves_each_name_to_its_leg() -> None:
    names = np.array(JOINT_NAMES)
    sdk = [
        f"{leg}_{segment}_joint"
        for leg in ("FR", "FL", "RR", "RL")
        for segment in ("hip", "thigh", "calf")
    ]
    assert to_sdk(names).tolist() == sdk
    assert from_sdk(np.array(sdk)).tolist() == list(JOINT_NAMES)


def test_order_map_is_its_own_inverse_on_batches() -> None:
    values = np.arange(5 * 12.0).reshape(5, 12)
    np.testing.assert_array_equal(from_sdk(to_sdk(values)), values)
    np.testing.assert_array_equal(to_sdk(from_sdk(values)), values)
    assert not np.array_equal(to_sdk(values), values)


def test_limits_equal_those_in_the_mjcf() -> None:
    model = compile_model(robot_spec("plant", Gains.uniform(60.0, 2.0)))
    names = [model.joint(i).name for i in range(1, 13)]
    assert names == list(JOINT_NAMES)
    assert [model.actuator(i).name for i in range(12)] == names
    np.testing.assert_allclose(model.jnt_range[1:13], np.stack([LOWER, UPPER], axis=1))
    np.testing.assert_allclose(model.actuator_forcerange[:, 1], joints.TORQUE_LIMIT)
    np.testing.assert_allclose(model.actuator_forcerange[:, 0], -joints.TORQUE_LIMIT)
    assert np.all(model.actuator_forcelimited == 1)


@pytest.mark.parametrize("pose", [STAND, LIE])
def test_poses_lie_well_inside_the_limits(pose: np.ndarray) -> None:
    assert np.all(pose > LOWER + 0.05)
    assert np.all(pose < UPPER - 0.05)


def test_constants_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        STAND[0] = 1.0
