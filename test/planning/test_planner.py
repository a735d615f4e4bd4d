"""The planner: determinism, deadline, reactions to bad states, and progress to the goal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.common.splines import knot_interval, shift
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.locomotion.trot import Trot
from gpc_ros.locomotion.walker import JointTargets
from gpc_ros.planning.planner import Planner, PlannerConfig
from gpc_ros.planning.rollout import Deadline
from gpc_ros.proposal.sampler import ProposalConfig
from gpc_ros.robot.types import SceneState
from gpc_ros.tasks import make_task

if TYPE_CHECKING:
    from conftest import WorkingTrot

WALKER = make_walker("trot")
MEMORY = WALKER.initial_state(1)[0]
PLAIN = ProposalConfig(file="none")
SMALL = PlannerConfig(num_rollouts=6, horizon=0.6, proposal=PLAIN)


def scene(task_name: str = "box_push", stamp: float = 0.0) -> tuple[SceneState, np.ndarray]:
    task = make_task(task_name)
    episode = task.sample_episode(2)
    qvel = np.zeros(18 + 6 * len(task.bodies))
    return SceneState.from_arrays(stamp, episode.qpos, qvel, task.bodies), episode.goal


def make_planner(
    config: PlannerConfig = SMALL, task: str = "box_push", **kwargs: object
) -> Planner:
    return Planner(make_task(task), WALKER, config, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("optimizer", ["cem", "mppi", "predictive_sampling"])
def test_one_seed_gives_the_same_bytes_on_any_number_of_threads(optimizer: str) -> None:
    state, goal = scene()
    plans = []
    for threads in (1, 2):
        planner = make_planner(replace(SMALL, optimizer=optimizer, threads=threads, seed=7))
        for k in range(3):
            state.stamp = 0.1 * k
            plan, _ = planner.plan(state, MEMORY, goal, 0.1 * k)
            assert plan is not None
            knots = plan.knots.tobytes()
        plans.append(knots)
    assert plans[0] == plans[1]


def test_another_seed_gives_another_plan() -> None:
    state, goal = scene()
    one, _ = make_planner(replace(SMALL, seed=1, optimizer="mppi")).plan(state, MEMORY, goal, 0.0)
    two, _ = make_planner(replace(SMALL, seed=2, optimizer="mppi")).plan(state, MEMORY, goal, 0.0)
    assert one is not None
    assert two is not None
    assert one.knots.tobytes() != two.knots.tobytes()


def test_reset_starts_the_same_sequence_again_with_new_ids() -> None:
    state, goal = scene()
    planner = make_planner()
    first, _ = planner.plan(state, MEMORY, goal, 0.0)
    planner.reset()
    again, _ = planner.plan(state, MEMORY, goal, 0.0)
    assert first is not None
    assert again is not None
    assert first.knots.tobytes() == again.knots.tobytes()
    assert again.id > first.id


def test_plan_contains_task_robot_and_expiry() -> None:
    state, goal = scene(stamp=3.0)
    plan, report = make_planner().plan(state, MEMORY, goal, 3.02)
    assert plan is not None
    assert (plan.task, plan.robot, plan.stamp) == ("box_push", "go2", 3.0)
    assert plan.start == pytest.approx(3.02)
    assert plan.expiry == pytest.approx(3.32)
    assert report.state_age == pytest.approx(0.02)
    assert report.predicted_delay == pytest.approx(0.02)
    assert report.completed == report.valid == 6
    assert 1.0 <= report.effective_sample_size <= 6.0
    assert plan.cost == report.best_cost == pytest.approx(sum(report.terms.values()))
    assert report.best_cost <= report.nominal_cost


def test_commands_stay_within_the_walkers_limits() -> None:
    state, goal = scene()
    planner = make_planner(optimizer={"noise.sigma": (3.0, 3.0, 3.0)})
    plan, _ = planner.plan(state, MEMORY, goal, 0.0)
    assert plan is not None
    assert (plan.knots >= WALKER.command_low).all()
    assert (plan.knots <= WALKER.command_high).all()


def test_missing_object_holds_with_the_reason() -> None:
    state, goal = scene()
    state.objects.clear()
    plan, report = make_planner().plan(state, MEMORY, goal, 0.0)
    assert plan is None
    assert report.hold_reason == "object 'box' is not in the state"


@pytest.mark.parametrize("field", ["position", "joint_velocity", "orientation"])
def test_state_that_is_not_finite_is_refused(field: str) -> None:
    state, goal = scene()
    getattr(state, field)[0] = np.nan
    with pytest.raises(InputError, match=r"state: q(pos|vel): entry .* nan"):
        make_planner().plan(state, MEMORY, goal, 0.0)


def test_walker_state_of_another_walker_is_refused() -> None:
    state, goal = scene()
    with pytest.raises(InputError, match="walker state: expected shape 20"):
        make_planner().plan(state, np.zeros(5), goal, 0.0)


def test_missed_deadline_returns_the_best_completed_candidate(working_trot: WorkingTrot) -> None:
    state, goal = scene()
    config = PlannerConfig(num_rollouts=8, horizon=0.8)
    planner = Planner(make_task("box_push"), working_trot, config)
    deadline = Deadline(0.6 * 8 * 40, working_trot.clock)
    plan, report = planner.plan(state, MEMORY, goal, 0.0, deadline)
    assert plan is not None
    assert report.missed
    assert 0 < report.completed < 8
    assert np.isfinite(plan.cost)


def test_without_any_candidate_in_time_the_previous_plan_continues_until_expiry(
    working_trot: WorkingTrot,
) -> None:
    state, goal = scene()
    planner = Planner(make_task("box_push"), working_trot, SMALL, clock=lambda: 0.0)

    def hopeless() -> Deadline:
        return Deadline(working_trot.now + 1.0, working_trot.clock)

    plan, report = planner.plan(state, MEMORY, goal, 0.0, hopeless())
    assert plan is None
    assert report.hold_reason == "no candidate was completed before the deadline"
    first, _ = planner.plan(state, MEMORY, goal, 0.0)
    state.stamp = 0.05
    second, report = planner.plan(state, MEMORY, goal, 0.05, hopeless())
    assert second is first
    assert report.missed
    state.stamp = 0.5
    late, _ = planner.plan(state, MEMORY, goal, 0.5, hopeless())
    assert late is None


def test_missed_cycles_shift_the_nominal_by_the_elapsed_time(working_trot: WorkingTrot) -> None:
    state, goal = scene()
    planner = Planner(
        make_task("box_push"), working_trot, replace(SMALL, optimizer="mppi"), clock=lambda: 0.0
    )
    planner.plan(state, MEMORY, goal, 0.0)
    expected = planner.nominal
    assert np.ptp(expected, axis=0).all()  # otherwise a shift would have no effect
    interval = knot_interval(SMALL.horizon, SMALL.knots, 1)
    for now in (0.05, 0.1, 0.15):
        state.stamp = now
        deadline = Deadline(working_trot.now + 1.0, working_trot.clock)
        planner.plan(state, MEMORY, goal, now, deadline)
        expected = shift(expected, 0.05, interval, 1)
    np.testing.assert_allclose(planner.nominal, expected, atol=1e-9)


def test_a_cycle_that_ends_late_is_a_miss_even_with_all_candidates() -> None:
    class Stalling(Trot):
        """Lose ten seconds in the last interval, after the last reading of the clock."""

        steps, now = 0, 0.0

        def step(self, qpos: np.ndarray, *rest: np.ndarray) -> JointTargets:
            self.steps += 1
            self.now += 10.0 if self.steps == 30 else 0.0
            return super().step(qpos, *rest)

    walker = Stalling()
    state, goal = scene()
    planner = Planner(make_task("box_push"), walker, SMALL, clock=lambda: 0.0)
    plan, report = planner.plan(state, MEMORY, goal, 0.0, Deadline(5.0, lambda: walker.now))
    assert plan is not None
    assert report.completed == 6
    assert report.missed


def test_later_rounds_never_raise_the_cost() -> None:
    state, goal = scene("navigate")
    one = make_planner(replace(SMALL, max_opt_iters=1), "navigate").plan(state, MEMORY, goal, 0.0)
    four = make_planner(replace(SMALL, max_opt_iters=4), "navigate").plan(state, MEMORY, goal, 0.0)
    assert four[1].best_cost <= one[1].best_cost


@pytest.mark.parametrize("optimizer", ["cem", "mppi", "predictive_sampling"])
def test_good_proposal_wins_and_is_reported(optimizer: str) -> None:
    state, goal = scene("navigate")
    config = PlannerConfig(num_rollouts=8, horizon=1.0, optimizer=optimizer)
    long = make_planner(
        replace(config, num_rollouts=48, max_opt_iters=6, optimizer="cem"), "navigate"
    )
    expert, _ = long.plan(state, MEMORY, goal, 0.0)
    assert expert is not None
    planner = make_planner(config, "navigate")
    proposals = np.stack([expert.knots, np.zeros((4, 3)), -expert.knots])
    plan, report = planner.plan(state, MEMORY, goal, 0.0, proposals=proposals)
    assert plan is not None
    assert report.proposed == (1, 3, 6)
    assert int(np.argmin(report.costs)) == 1
    assert report.best_cost == pytest.approx(expert.cost)


def test_proposals_that_are_not_finite_are_left_out() -> None:
    state, goal = scene()
    bad = np.full((2, 4, 3), np.nan)
    plan, report = make_planner().plan(state, MEMORY, goal, 0.0, proposals=bad)
    plain, _ = make_planner().plan(state, MEMORY, goal, 0.0)
    assert plan is not None
    assert plain is not None
    assert report.proposed == ()
    assert plan.knots.tobytes() == plain.knots.tobytes()


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_the_nominal_stays_first_among_proposals(count: int) -> None:
    state, goal = scene()
    planner = make_planner()
    far = np.full((count, 4, 3), 9.0)
    _, report = planner.plan(state, MEMORY, goal, 0.0, proposals=far)
    _, plain = make_planner().plan(state, MEMORY, goal, 0.0)
    assert report.completed == 6
    assert len(report.proposed) == count
    assert report.nominal_cost == plain.nominal_cost


@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 4, 2), (4, 3), (6, 4, 3)])
def test_proposals_of_a_wrong_shape_or_number_are_refused(shape: tuple[int, ...]) -> None:
    state, goal = scene()
    with pytest.raises(InputError, match="proposals: expected at most 5x4x3"):
        make_planner().plan(state, MEMORY, goal, 0.0, proposals=np.zeros(shape))


def test_when_all_rollouts_diverge_there_is_no_plan() -> None:
    state, goal = scene()
    state.linear_velocity[:] = 1e9
    plan, report = make_planner().plan(state, MEMORY, goal, 0.0)
    assert plan is None
    assert report.hold_reason == "all rollouts diverged"


def test_repeated_planning_lowers_the_cost() -> None:
    state, goal = scene("navigate")
    planner = make_planner(PlannerConfig(num_rollouts=16, horizon=1.0), "navigate")
    costs = [planner.plan(state, MEMORY, goal, 0.0)[1].best_cost for _ in range(8)]
    assert costs[-1] < costs[0] - 0.02


def test_other_cost_weights_are_used_from_the_next_cycle_on() -> None:
    state, goal = scene()
    planner = make_planner()
    first, before = planner.plan(state, MEMORY, goal, 0.0)
    heavy = make_task("box_push", {"cost.reach": 3.0})
    assert planner.configure(planner.config, None, heavy)
    second, after = planner.plan(state, MEMORY, goal, 0.0)
    assert first is not None and second is not None
    # The first candidate is the current plan, which continues with ten times the cost in one term.
    assert second.id == first.id + 1
    assert after.terms["reach"] > 5.0 * before.terms["reach"]
    assert after.nominal_cost > before.best_cost


def test_changed_search_continues_from_the_current_plan() -> None:
    state, goal = scene()
    planner = make_planner()
    planner.plan(state, MEMORY, goal, 0.0)
    nominal = planner.nominal
    other = replace(SMALL, optimizer="mppi", max_opt_iters=2)
    assert planner.configure(other, {"temperature": 0.5}, planner.task)
    np.testing.assert_array_equal(planner.nominal, nominal)
    assert planner.plan(state, MEMORY, goal, 0.1)[0] is not None


def test_parameters_that_need_a_new_planner_are_rejected_unchanged() -> None:
    planner = make_planner()
    other = make_task("box_push", {"cost.reach": 3.0})
    assert not planner.configure(replace(SMALL, num_rollouts=7), None, other)
    assert planner.config == SMALL and planner.task is not other
    with pytest.raises(ConfigError, match="did you mean 'elite_fraction'"):
        planner.configure(SMALL, {"elite": 0.5}, other)
    assert planner.config == SMALL and planner.task is not other


def test_plan_ids_count_up_from_the_first_id_also_after_a_reset() -> None:
    state, goal = scene("navigate")
    planner = Planner(make_task("navigate"), WALKER, SMALL, first_id=1000)
    ids = []
    for _ in range(2):
        plan, _ = planner.plan(state, MEMORY, goal, 0.0)
        assert plan is not None
        ids.append(plan.id)
    planner.reset()
    assert planner.state_dict().next_id == planner.next_id == 1002
    assert ids == [1000, 1001]
