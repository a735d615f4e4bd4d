"""Run episodes over many seeds on all cores and store each result in one file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.common.documents import read_json
from gpc_ros.common.errors import InputError
from gpc_ros.common.files import exclusive, write_atomic
from gpc_ros.evaluation.lockstep import EpisodeConfig, EpisodeResult, run_episode
from gpc_ros.evaluation.pool import run_jobs
from gpc_ros.evaluation.provenance import difference, made_with, plain_settings
from gpc_ros.evaluation.statistics import Interval, bootstrap
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.planning.optimizers.optimizer_registry import make_optimizer
from gpc_ros.proposal.sampler import fingerprint
from gpc_ros.tasks import make_task

_FORMAT = "gpc_ros evaluation 1"


@dataclass(frozen=True)
class Evaluation:
    """Settings of an evaluation, the same for every seed.

    Attributes:
        config: parameters of the episodes.
        task_overrides: parameters of the task by dotted name.
        optimizer: parameters of the optimizer by dotted name.
    """

    config: EpisodeConfig
    task_overrides: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ConfigError for settings that every episode would reject."""
        self.config.check()
        make_task(self.config.task, self.task_overrides)
        planner = self.config.planner
        make_optimizer(planner.optimizer, planner.knots, self.optimizer)

    def settings(self) -> dict[str, Any]:
        """Return all settings that the results depend on by dotted name, as read from JSON."""
        settings = plain_settings(self.config, self.task_overrides, self.optimizer)
        return settings | proposal_used(self.config)


@dataclass(frozen=True)
class Summary:
    """Metrics over the seeds.

    Attributes:
        episodes: number of episodes.
        success: success rate.
        time: time to success, with the duration for failures [s].
        falls: number of episodes that ended in a fall.
        plan_ms: median over episodes of the median time of a cycle [ms].
    """

    episodes: int
    success: Interval
    time: Interval
    falls: int
    plan_ms: float

    def __str__(self) -> str:
        """Return the metrics in one line."""
        return (
            f"{self.episodes} episodes: success {self.success}, time to success {self.time} s, "
            f"{self.falls} falls, plan {self.plan_ms:.1f} ms"
        )


def proposal_used(config: EpisodeConfig) -> dict[str, str]:
    """Return the checksum of the planner's proposal; empty without a proposal.

    Raises:
        ModelFileError: the proposal cannot be used and is required.
    """
    task, walker = make_task(config.task), make_walker(config.walker)
    found = fingerprint(config.planner.proposal, task, walker)
    return {"proposal_sha256": found} if found else {}


def summarise(results: Sequence[EpisodeResult]) -> Summary:
    """Return the metrics of episodes with 95 % bootstrap intervals.

    Raises:
        InputError: the list of results is empty.
    """
    return Summary(
        episodes=len(results),
        success=bootstrap([float(r.success) for r in results]),
        time=bootstrap([r.time for r in results]),
        falls=sum(r.fell for r in results),
        plan_ms=float(np.median([r.plan_ms for r in results])),
    )


def evaluate(
    evaluation: Evaluation,
    seeds: Sequence[int],
    out: Path | None = None,
    processes: int | None = None,
    on_result: Callable[[EpisodeResult], None] | None = None,
) -> list[EpisodeResult]:
    """Run all seeds and skip the seeds that the file already contains.

    Args:
        evaluation: settings of the episodes.
        seeds: seeds of the episodes.
        out: JSON file, replaced atomically after every episode; None writes no file.
        processes: number of parallel episodes; None runs one per core.
        on_result: called with every result, including the results read from the file.

    Returns:
        The results in the order of the seeds.

    Raises:
        ConfigError: the settings are invalid; no episode was run.
        InputError: the file contains results of other settings or is not a result file, or another
            process writes to it.
        KeyboardInterrupt: on Ctrl-C; the file contains the finished results.
    """
    evaluation.check()
    with exclusive(out, "gpc evaluate") if out is not None else nullcontext():
        return _evaluate(evaluation, seeds, out, processes, on_result)


def _evaluate(
    evaluation: Evaluation,
    seeds: Sequence[int],
    out: Path | None,
    processes: int | None,
    on_result: Callable[[EpisodeResult], None] | None,
) -> list[EpisodeResult]:
    """Run the seeds that are missing in the file, which only this process writes."""
    known = _load(out, evaluation) if out is not None and out.exists() else {}
    for seed in seeds:
        if seed in known and on_result:
            on_result(known[seed])
    todo = [seed for seed in dict.fromkeys(seeds) if seed not in known]
    for result in _run(evaluation, todo, processes or os.cpu_count() or 1):
        known[result.seed] = result
        if out is not None:
            _save(out, evaluation, known)
        if on_result:
            on_result(result)
    return [known[seed] for seed in seeds]


def _run(evaluation: Evaluation, seeds: list[int], processes: int) -> Iterator[EpisodeResult]:
    """Yield results in the order of completion."""
    job = partial(
        _episode, evaluation.config, dict(evaluation.task_overrides), dict(evaluation.optimizer)
    )
    yield from run_jobs(job, seeds, processes)


def _episode(
    config: EpisodeConfig, overrides: dict[str, Any], optimizer: dict[str, Any], seed: int
) -> EpisodeResult:
    return run_episode(config, seed, overrides, optimizer)


def _save(out: Path, evaluation: Evaluation, results: Mapping[int, EpisodeResult]) -> None:
    """Write all results with the settings, versions and machine that produced them."""
    ordered = [results[seed] for seed in sorted(results)]
    summary = summarise(ordered)
    document = {
        "format": _FORMAT,
        "settings": evaluation.settings(),
        "summary": {
            "episodes": summary.episodes,
            "success": vars(summary.success),
            "time": vars(summary.time),
            "falls": summary.falls,
            "plan_ms": summary.plan_ms,
        },
        "made_with": made_with(),
        "results": [result.to_json() for result in ordered],
    }
    write_atomic(out, json.dumps(document, indent=1) + "\n")


def load_results(path: Path) -> list[EpisodeResult]:
    """Read the results of every seed in a file of :func:`evaluate`.

    Raises:
        InputError: the file is not a result file.
    """
    return _read(path)[1]


def _load(out: Path, evaluation: Evaluation) -> dict[int, EpisodeResult]:
    """Return the results that a file already contains, by seed."""
    settings, results = _read(out)
    different = difference(settings, evaluation.settings())
    if different:
        raise InputError(
            f"{out}: holds results of other settings ({different}); choose another --out or "
            "delete it"
        )
    return {result.seed: result for result in results}


def _read(out: Path) -> tuple[dict[str, Any], list[EpisodeResult]]:
    """Return settings and results of a file."""
    try:
        document = read_json(out)
        if document["format"] != _FORMAT:
            raise KeyError("format")
        results = [EpisodeResult(**row) for row in document["results"]]
        settings = document["settings"]
    except OSError as error:
        raise InputError(f"{out}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, IndexError):
        raise InputError(
            f"{out}: exists and is not a result of gpc evaluate; choose another --out"
        ) from None
    return settings, results
