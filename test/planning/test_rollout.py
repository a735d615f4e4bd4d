"""Rollouts: equal to MuJoCo's own, independent of batch and threads, within the deadline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import mujoco
import numpy as np
import pytest
from mujoco import rollout as mujoco_rollout
from mujoco.batch import Batch, SimulationError

from gpc_ros.locomotion.registry import make_walker
from gpc_ros.locomotion.walker import JointTargets
from gpc_ros.planning.prediction import Predictor
from gpc_ros.planning.rollout import Deadline, RolloutPool
from gpc_ros.tasks import build_model, make_task

if TYPE_CHECKING:
    from conftest import WorkingTrot

WALKER = make_walker("trot")
TASK = make_task("box_push")
MODEL = build_model(TASK, "planner", WALKER.gains)
START = TASK.sample_episode(1).qpos
REST = np.zeros(MODEL.nv)
MEMORY = WALKER.initial_state(1)[0]


def commands(n: int, steps: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.repeat(rng.uniform([-0.5, -0.3, -1], [0.8, 0.3, 1], (n, 1, 3)), steps, axis=1)


def test_equals_an_open_loop_rollout_of_the_same_controls() -> None:
    controls: list[np.ndarray] = []

    class Spy:
        name, rate, gains, state_size = "spy", WALKER.rate, WALKER.gains, WALKER.state_size
        command_low, command_high = WALKER.command_low, WALKER.command_high
        initial_state = staticmethod(WALKER.initial_state)

        @staticmethod
        def step(qpos, qvel, command, state):  # type: ignore[no-untyped-def]
            targets = WALKER.step(qpos, qvel, command, state)
            kp, kd = WALKER.gains.kp, WALKER.gains.kd
            controls.append(targets.position * kp + targets.velocity * kd)
            return JointTargets(targets.position, targets.velocity)

    pool = RolloutPool(MODEL, Spy(), 3, 40, 2)
    result = pool.run(START, REST, MEMORY, commands(3, 40))
    control = np.repeat(np.stack(controls, axis=1), 2, axis=1)
    initial = np.tile(np.concatenate([[0.0], START, REST]), (3, 1))
    states, _ = mujoco_rollout.rollout(MODEL, [mujoco.MjData(MODEL)], initial, control)
    np.testing.assert_array_equal(result.qpos, states[:, 1::2, 1 : 1 + MODEL.nq])
    assert result.valid.all()


def test_result_is_independent_of_threads_batch_and_previous_runs() -> None:
    wanted = RolloutPool(MODEL, WALKER, 6, 30, 1).run(START, REST, MEMORY, commands(6, 30))
    expected = wanted.qpos.copy()
    pool = RolloutPool(MODEL, WALKER, 9, 50, 2)
    pool.run(START + 0.01, REST, MEMORY, commands(9, 50, seed=4))
    again = pool.run(START, REST, MEMORY, commands(6, 30))
    np.testing.assert_array_equal(again.qpos, expected)


def test_a_diverged_candidate_is_invalid_and_the_others_are_not(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))

    class Bomb:
        name, rate, gains, state_size = "bomb", WALKER.rate, WALKER.gains, WALKER.state_size
        command_low, command_high = WALKER.command_low, WALKER.command_high
        initial_state = staticmethod(WALKER.initial_state)

        @staticmethod
        def step(qpos, qvel, command, state):  # type: ignore[no-untyped-def]
            targets = WALKER.step(qpos, qvel, command, state)
            targets.position[1] = np.nan
            return targets

    result = RolloutPool(MODEL, Bomb(), 3, 20, 2).run(START, REST, MEMORY, commands(3, 20))
    assert result.valid.tolist() == [True, False, True]


def test_a_simulation_that_fails_is_invalid_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = RolloutPool(MODEL, WALKER, 3, 10, 1).run(START, REST, MEMORY, commands(3, 10))
    wanted = expected.qpos.copy()
    original, calls = Batch.step, 0

    def fail_once(self: Batch, ids: np.ndarray | None = None, nstep: int = 1) -> None:
        nonlocal calls
        original(self, ids, nstep)
        calls += 1
        if calls == 5:
            raise SimulationError(np.array([1]), "stack overflow", 3)

    pool = RolloutPool(MODEL, WALKER, 3, 10, 1)
    monkeypatch.setattr(Batch, "step", fail_once)
    result = pool.run(START, REST, MEMORY, commands(3, 10))
    assert result.valid.tolist() == [True, False, True]
    np.testing.assert_array_equal(result.qpos[[0, 2]], wanted[[0, 2]])
    again = pool.run(START, REST, MEMORY, commands(3, 10))
    assert again.valid.all()  # a failure does not outlive its run


def test_state_that_is_not_finite_makes_every_candidate_invalid() -> None:
    wild = REST.copy()
    wild[0] = 1e9
    result = RolloutPool(MODEL, WALKER, 2, 10, 1).run(START, wild, MEMORY, commands(2, 10))
    assert not result.valid.any()


def test_without_pressure_every_candidate_is_completed(working_trot: WorkingTrot) -> None:
    pool = RolloutPool(MODEL, working_trot, 4, 30, 1)
    deadline = Deadline(4 * 30, working_trot.clock)
    assert len(pool.run(START, REST, MEMORY, commands(4, 30), deadline).valid) == 4


@pytest.mark.parametrize("share", [0.4, 0.6, 0.95])
def test_too_little_time_drops_candidates_from_the_end(
    working_trot: WorkingTrot, share: float
) -> None:
    full = RolloutPool(MODEL, WALKER, 8, 40, 1).run(START, REST, MEMORY, commands(8, 40))
    expected = full.qpos.copy()
    pool = RolloutPool(MODEL, working_trot, 8, 40, 1)
    deadline = Deadline(share * 8 * 40, working_trot.clock)
    result = pool.run(START, REST, MEMORY, commands(8, 40), deadline)
    kept = len(result.valid)
    assert 0 < kept < 8
    assert deadline.left() >= 0.0
    np.testing.assert_array_equal(result.qpos, expected[:kept])


@pytest.mark.parametrize(("samples", "share"), [(16, 0.8), (16, 0.5), (32, 0.9), (8, 0.6)])
def test_no_more_candidates_are_dropped_than_time_demands(
    working_trot: WorkingTrot, samples: int, share: float
) -> None:
    pool = RolloutPool(MODEL, working_trot, samples, 60, 1)
    deadline = Deadline(share * samples * 60, working_trot.clock)
    kept = len(pool.run(START, REST, MEMORY, commands(samples, 60), deadline).valid)
    assert deadline.left() >= 0.0
    assert kept >= 0.9 * share * samples - 2


@pytest.mark.parametrize("at", [3, 10, 30])
def test_single_stall_within_the_budget_drops_nothing(
    working_trot: WorkingTrot, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    step, calls = working_trot.step, iter(range(1000))

    def stalling(*arguments: np.ndarray) -> JointTargets:
        working_trot.now += 60.0 if next(calls) == at else 0.0  # as long as seven steps
        return step(*arguments)

    monkeypatch.setattr(working_trot, "step", stalling)
    pool = RolloutPool(MODEL, working_trot, 8, 60, 1)
    deadline = Deadline(8 * 60 + 65.0, working_trot.clock)
    assert len(pool.run(START, REST, MEMORY, commands(8, 60), deadline).valid) == 8


def test_no_time_completes_nothing(working_trot: WorkingTrot) -> None:
    pool = RolloutPool(MODEL, working_trot, 4, 40, 1)
    deadline = Deadline(6.0, working_trot.clock)
    result = pool.run(START, REST, MEMORY, commands(4, 40), deadline)
    assert len(result.valid) == 0
    assert result.qpos.shape == (0, 40, MODEL.nq)


@pytest.fixture
def walked() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    pool = RolloutPool(MODEL, WALKER, 1, 20, 1)
    result = pool.run(START, REST, MEMORY, np.tile([0.4, 0.0, 0.3], (1, 20, 1)))
    yield result.qpos[0], result.qvel[0], pool.walker_state[0]


def test_prediction_equals_the_rollout_of_the_executed_commands(
    walked: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    predictor = Predictor(MODEL, WALKER, max_delay=0.2)

    def executed(time: float) -> np.ndarray:
        return np.array([0.4, 0.0, 0.3])

    result = predictor.advance(START, REST, MEMORY, executed, 5.0, 0.1)
    assert result.delay == pytest.approx(0.1)
    np.testing.assert_array_equal(result.qpos, walked[0][4])
    np.testing.assert_array_equal(result.qvel, walked[1][4])
    longer = predictor.advance(START, REST, MEMORY, executed, 5.0, 3.0)
    assert longer.delay == pytest.approx(0.2)
    short = predictor.advance(START, REST, MEMORY, executed, 5.0, 0.005)
    assert short.delay == 0.0
    np.testing.assert_array_equal(short.qpos, START)
