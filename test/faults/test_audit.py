"""The audit finds every kind of command that breaks a limit, and no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fault_injection.audit import CommandAudit
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.robot.joints import STAND, TORQUE_LIMIT, VELOCITY_LIMIT
from gpc_ros.robot.types import JointCommand
from gpc_ros.safety.limits import JointLimiter, LimitsConfig


def command(**changes: Any) -> JointCommand:
    values = {
        "position": STAND.copy(), "velocity": np.zeros(12), "effort": np.zeros(12),
        "kp": np.full(12, 40.0), "kd": np.full(12, 1.0),
    }  # fmt: skip
    return JointCommand(**{**values, **changes})


def changed(array: np.ndarray, joint: int, value: float) -> np.ndarray:
    result = array.copy()
    result[joint] = value
    return result


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"position": changed(STAND, 2, -0.5)}, "position of FL_calf_joint"),
        ({"position": changed(STAND, 5, -2.9)}, "position of FR_calf_joint"),
        ({"velocity": changed(VELOCITY_LIMIT, 0, 31.0)}, "velocity of FL_hip_joint"),
        ({"effort": changed(TORQUE_LIMIT, 11, -60.0)}, "torque of RR_calf_joint"),
        ({"kp": np.full(12, 1e4)}, "gain"),
        ({"kd": np.full(12, -1.0)}, "gain"),
        ({"position": np.full(12, np.nan)}, "not finite"),
    ],
)
def test_what_breaks_a_limit_is_named(changes: dict[str, Any], words: str) -> None:
    audit = CommandAudit()
    audit.check(command(**changes), "bridge", 7)
    assert len(audit.violations) == 1
    assert words in audit.violations[0] and "command 7 of bridge" in audit.violations[0]


def test_a_step_counts_only_from_one_command_to_the_next_of_one_source() -> None:
    audit = CommandAudit()
    far = changed(STAND, 1, float(STAND[1]) + 0.5)
    audit.check(command(), "a", 1)
    audit.check(command(position=far), "a", 3)
    audit.check(command(), "b", 4)
    audit.check(JointCommand.damping(3.0), "b", 5)
    audit.check(command(position=far), "b", 6)
    assert audit.violations == [] and audit.lost == 1
    audit.check(command(), "b", 7)
    assert "step of FL_thigh_joint" in audit.violations[0]


@given(seed=st.integers(0, 2**31))
def test_what_the_limiter_lets_through_passes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    config = LimitsConfig(max_step=float(rng.uniform(0.01, 0.4)))
    limiter, audit = JointLimiter(config), CommandAudit(config)
    for k in range(30):
        wild = {n: rng.normal(0.0, 20.0, 12) for n in ("position", "velocity", "effort")}
        if rng.random() < 0.1:
            limiter.reset()
            audit.check(JointCommand.damping(3.0), "bridge", k)
            continue
        sent, _ = limiter.limit(command(**wild))
        audit.check(sent, "bridge", k)
    assert audit.checked == 30
    assert audit.violations == []
