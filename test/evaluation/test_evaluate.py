"""Lockstep episodes and evaluations: one result per seed; finished results survive."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.common.files import exclusive
from gpc_ros.evaluation import evaluate as module
from gpc_ros.evaluation import provenance
from gpc_ros.evaluation.compare import Comparison, run_cells
from gpc_ros.evaluation.evaluate import Evaluation, evaluate, summarise
from gpc_ros.evaluation.lockstep import (
    EpisodeConfig,
    EpisodeResult,
    Lockstep,
    Observer,
    Trace,
    run_episode,
)
from gpc_ros.planning.plan import Plan
from gpc_ros.planning.planner import PlannerConfig

QUICK = EpisodeConfig(
    task="navigate", duration=1.0, planner=PlannerConfig(num_rollouts=4, horizon=0.4)
)


def without_time(result: EpisodeResult) -> EpisodeResult:
    return replace(result, plan_ms=0.0)


def test_repeated_episode_is_bit_identical() -> None:
    one, two = Trace(), Trace()
    first = run_episode(QUICK, 5, observer=one)
    threaded = replace(QUICK, planner=replace(QUICK.planner, threads=2))
    second = run_episode(threaded, 5, observer=two)
    assert without_time(first) == without_time(second)
    assert [q.tobytes() for q in one.qpos] == [q.tobytes() for q in two.qpos]
    assert one.costs == two.costs


def test_walking_to_a_pose_succeeds() -> None:
    config = EpisodeConfig(
        task="navigate", duration=20.0, planner=PlannerConfig(num_rollouts=16, horizon=1.2)
    )
    result = run_episode(config, 1, {"start.goal_distance": (0.6, 0.6)})
    assert result.success
    assert not result.fell
    assert result.distance <= 0.15
    assert 0.5 < result.time < 20.0


def test_a_box_is_pushed_towards_its_goal() -> None:
    config = EpisodeConfig(duration=8.0, planner=PlannerConfig(num_rollouts=16, horizon=2.0))
    trace = Trace()
    result = run_episode(config, 0, observer=trace)
    assert not result.fell
    assert trace.costs[-1] < trace.costs[0] - 0.2


class Arrivals(Observer):
    """Collects the time at which the bridge receives each plan."""

    def __init__(self) -> None:
        self.plans: list[tuple[float, Plan]] = []

    def plan_received(self, lockstep: Lockstep, plan: Plan) -> None:
        self.plans.append((lockstep.plant.time, plan))


@pytest.mark.parametrize("delay", [0.0, 0.05])
def test_a_delayed_plan_starts_when_it_arrives(delay: float) -> None:
    arrivals = Arrivals()
    run_episode(replace(QUICK, duration=0.3, plan_delay=delay), 0, observer=arrivals)
    assert len(arrivals.plans) == 3
    for received, plan in arrivals.plans:
        assert plan.start == pytest.approx(received)
        assert plan.start - plan.stamp == pytest.approx(delay)


def test_plan_delay_must_be_shorter_than_the_planning_period() -> None:
    with pytest.raises(ConfigError, match=r"plan_delay: 0.1 s is not shorter than the 0.1 s"):
        evaluate(Evaluation(replace(QUICK, plan_delay=0.1)), [0])


def test_estimated_state_changes_little_and_is_deterministic() -> None:
    config = replace(QUICK, estimated=True)
    true, seen, again = Trace(), Trace(), Trace()
    run_episode(QUICK, 5, observer=true)
    first = run_episode(config, 5, observer=seen)
    second = run_episode(config, 5, observer=again)
    assert without_time(first) == without_time(second)
    assert [q.tobytes() for q in seen.qpos] == [q.tobytes() for q in again.qpos]
    assert seen.costs != true.costs
    assert seen.costs[0] == pytest.approx(true.costs[0], rel=0.2)


def test_failure_reports_the_duration() -> None:
    result = run_episode(replace(QUICK, duration=0.3), 0)
    assert not result.success
    assert result.time == 0.3
    assert result.plans == 3


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Run episodes in this process and return the list of seeds that were run."""
    ran: list[int] = []

    def run(evaluation: Evaluation, seeds: list[int], processes: int):  # type: ignore[no-untyped-def]
        for seed in seeds:
            ran.append(seed)
            yield EpisodeResult(seed, seed % 2 == 0, 5.0 + seed, 0.1, 0.1, False, 10, 20.0)

    monkeypatch.setattr(module, "_run", run)
    return ran


def test_finished_seeds_are_not_run_again(tmp_path: Path, counted: list[int]) -> None:
    out = tmp_path / "result.json"
    evaluate(Evaluation(QUICK), range(3), out)
    results = evaluate(Evaluation(QUICK), range(5), out)
    assert counted == [0, 1, 2, 3, 4]
    assert [r.seed for r in results] == [0, 1, 2, 3, 4]
    document = json.loads(out.read_text())
    assert document["summary"]["episodes"] == 5
    assert document["summary"]["success"]["mean"] == pytest.approx(0.6)
    assert document["settings"]["planner.num_rollouts"] == 4


def test_finished_results_survive_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(evaluation: Evaluation, seeds: list[int], processes: int):  # type: ignore[no-untyped-def]
        yield EpisodeResult(0, True, 5.0, 0.1, 0.1, False, 10, 20.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_run", interrupted)
    out = tmp_path / "result.json"
    with pytest.raises(KeyboardInterrupt):
        evaluate(Evaluation(QUICK), range(3), out)
    assert [row["seed"] for row in json.loads(out.read_text())["results"]] == [0]
    assert list(tmp_path.iterdir()) == [out]  # no temporary file is left


def test_results_of_other_settings_are_not_mixed(tmp_path: Path, counted: list[int]) -> None:
    out = tmp_path / "result.json"
    evaluate(Evaluation(QUICK), [0], out)
    other = replace(QUICK, planner=replace(QUICK.planner, num_rollouts=8))
    with pytest.raises(InputError, match=r"planner.num_rollouts is 4 there and 8 here"):
        evaluate(Evaluation(other), [0], out)
    with pytest.raises(InputError, match=r"task.plant.floor_friction is None there"):
        evaluate(Evaluation(QUICK, {"plant.floor_friction": 0.5}), [0], out)


def test_settings_of_a_proposal_that_is_switched_off_do_not_matter() -> None:
    def settings(changes: dict[str, object]) -> dict[str, object]:
        chosen = {f"planner.proposal.{k}": v for k, v in changes.items()}
        return Evaluation(config.replace(QUICK, chosen, "test")).settings()

    plain = settings({"file": "none"})
    assert not provenance.difference(
        plain, settings({"file": "none", "health.value_error_soft": 0.1})
    )
    assert not provenance.difference(plain, settings({"file": "none", "fraction": 0.1}))
    flow = settings({"cost_to_go": False})
    assert not provenance.difference(
        flow, settings({"cost_to_go": False, "health.value_error_max": 9.0})
    )
    for changes in ({"fraction": 0.1}, {"health.usefulness_min": 0.1}, {"cost_to_go": True}):
        other = settings({"cost_to_go": False, **changes})
        assert next(iter(changes)) in provenance.difference(flow, other)
    assert "health.value_error_soft is 0.55 there and 0.1 here" in provenance.difference(
        settings({}), settings({"health.value_error_soft": 0.1})
    )


def test_unrelated_file_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "notes.json"
    out.write_text("{}")
    with pytest.raises(InputError, match="is not a result of gpc evaluate"):
        evaluate(Evaluation(QUICK), [0], out)
    assert out.read_text() == "{}"


def test_wrong_settings_are_reported_before_any_episode(counted: list[int]) -> None:
    with pytest.raises(ConfigError, match="box_push"):
        evaluate(Evaluation(replace(QUICK, task="box_pusch")), [0])
    with pytest.raises(ConfigError, match=r"plant.floor_friction"):
        evaluate(Evaluation(QUICK, {"plant.flor_friction": 1}), [0])
    with pytest.raises(ConfigError, match="elite_fraction"):
        evaluate(Evaluation(QUICK, {}, {"elite": 1}), [0])
    assert not counted


@pytest.mark.integration
def test_parallel_results_equal_serial_results(tmp_path: Path) -> None:
    config = replace(QUICK, duration=0.3)
    results = evaluate(Evaluation(config), [3, 4], tmp_path / "out.json", processes=2)
    assert [without_time(r) for r in results] == [
        without_time(run_episode(config, seed)) for seed in (3, 4)
    ]


def test_summary_counts_failures_with_the_duration() -> None:
    results = [
        EpisodeResult(0, True, 5.0, 0.1, 0.1, False, 10, 20.0),
        EpisodeResult(1, False, 25.0, 1.0, 0.1, True, 10, 22.0),
    ]
    summary = summarise(results)
    assert summary.success.mean == 0.5
    assert summary.time.mean == 15.0
    assert summary.falls == 1
    assert "success 0.50" in str(summary)


def test_a_second_evaluation_into_the_same_file_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with exclusive(out, "gpc evaluate"), pytest.raises(InputError, match="another gpc evaluate"):
        evaluate(Evaluation(EpisodeConfig()), [1], out, 1)
    with (
        exclusive(tmp_path, "gpc proposal compare", folder=True),
        pytest.raises(InputError, match="another gpc proposal compare"),
    ):
        comparison = Comparison("box_push", (1,), "", "", QUICK, {})
        run_cells(comparison, [], tmp_path)
