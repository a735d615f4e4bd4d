"""``gpc evaluate``: arguments, progress and interruption; the evaluation itself is replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gpc_ros.cli.evaluate import parse_seeds
from gpc_ros.cli.main import main
from gpc_ros.common.errors import ConfigError
from gpc_ros.evaluation.evaluate import Evaluation
from gpc_ros.evaluation.lockstep import EpisodeResult


def result(seed: int) -> EpisodeResult:
    return EpisodeResult(seed, seed % 2 == 0, 5.0, 0.1, 0.1, False, 50, 10.0)


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace the evaluation; return the arguments of its calls."""
    calls: list[dict[str, Any]] = []

    def fake(
        evaluation: Evaluation,
        seeds: Sequence[int],
        out: Path | None = None,
        processes: int | None = None,
        on_result: Callable[[EpisodeResult], None] | None = None,
    ) -> list[EpisodeResult]:
        calls.append({"evaluation": evaluation, "seeds": list(seeds), "out": out})
        assert on_result is not None
        for seed in seeds:
            if seed == 99:
                raise KeyboardInterrupt
            on_result(result(seed))
        return [result(seed) for seed in seeds]

    monkeypatch.setattr("gpc_ros.evaluation.evaluate.evaluate", fake)
    return calls


def test_arguments_reach_the_evaluation(
    evaluated: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    words = "evaluate box_push --optimizer mppi --samples 8 --horizon 1.2 --rate 20 --duration 9"
    words += " --seeds 0:4 --set plant.object.mass=5 --set planner.object.mass=3"
    words += " --set optimizer.temperature=0.2 --processes 2 --out result.json"
    assert main(words.split()) == 0
    evaluation = evaluated[0]["evaluation"]
    assert evaluation.config.planner.num_rollouts == 8
    assert evaluation.config.planner.optimizer == "mppi"
    assert (evaluation.config.rate, evaluation.config.duration) == (20.0, 9.0)
    assert evaluation.task_overrides == {"plant.object.mass": "5", "planner.object.mass": "3"}
    assert evaluation.optimizer == {"temperature": "0.2"}
    assert evaluated[0]["seeds"] == [0, 1, 2, 3]
    assert evaluated[0]["out"] == Path("result.json")
    captured = capsys.readouterr()
    assert "4 episodes: success 0.50" in captured.out
    assert "seed 3: failure" in captured.err


def test_interruption_keeps_what_is_finished(
    evaluated: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "navigate", "--seeds", "2,99", "--out", "kept.json"]) == 130
    out = capsys.readouterr().out
    assert "interrupted: 1 episodes" in out
    assert "kept.json" in out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--seeds 5:3", "A:B"),
        ("--seeds a:b", "A:B"),
        ("--seeds -1,2", "A:B"),
        ("--num-rollouts 0", "outside"),
        ("--num-rollouts many", "expected int"),
        ("--optimizer cme", "did you mean 'cem'"),
        ("--set plant.object.mass", "name=value"),
        ("--processes -1", "outside"),
    ],
)
def test_mistakes_are_one_line(
    words: str, hint: str, evaluated: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = words.split()
    arguments = [f"{arguments[0]}={arguments[1]}"]
    assert main(["evaluate", "box_push", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gpc: error: ") and hint in error
    assert evaluated == []


def test_seeds() -> None:
    assert parse_seeds("3:6") == [3, 4, 5]
    assert parse_seeds("1,4,7") == [1, 4, 7]
    with pytest.raises(ConfigError):
        parse_seeds("")
