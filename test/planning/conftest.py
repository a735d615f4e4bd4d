"""A walker that advances a simulated clock, so that deadlines are tested without a real clock."""

from __future__ import annotations

import pytest

from gpc_ros.common.arrays import Array
from gpc_ros.locomotion.trot import Trot
from gpc_ros.locomotion.walker import JointTargets


class WorkingTrot(Trot):
    """A trot that takes one second per candidate and step on its own clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def step(self, qpos: Array, qvel: Array, command: Array, state: Array) -> JointTargets:
        self.now += len(qpos)
        return super().step(qpos, qvel, command, state)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def working_trot() -> WorkingTrot:
    return WorkingTrot()
