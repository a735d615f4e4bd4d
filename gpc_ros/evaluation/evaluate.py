"""Many episodes over many seeds, on all cores, kept in a file that grows seed by seed."""

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
    """What is run for every seed.

    Attributes:
        config: of the episodes.
        task_overrides: parameters of the task by dotted name.
        optimizer: parameters of the optimizer by dotted name.
    """

    config: EpisodeConfig
    task_overrides: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ConfigError now for what every episode would refuse."""
        self.config.check()
        make_task(self.config.task, self.task_overrides)
        planner = self.config.planner
        make_optimizer(planner.optimizer, planner.knots, self.optimizer)

    def settings(self) -> dict[str, Any]:
        """Return all that decides the results, by dotted name, as it is read back from JSON."""
        settings = plain_settings(self.config, self.task_overrides, self.optimizer)
        return settings | proposal_used(self.config)


@dataclass(frozen=True)
class Summary:
    """Metrics over the seeds.

    Attributes:
        episodes: how many there are.
        success: success rate.
        time: time to success, with the duration for failures [s].
        falls: episodes that ended in a fall.
        plan_ms: median over episodes of the median time of a cycle [ms].
    """

    episodes: int
    success: Interval
    time: Interval
    falls: int
    plan_ms: float

    def __str__(self) -> str:
        """Return the figures in one line."""
        return (
            f"{self.episodes} episodes: success {self.success}, time to success {self.time} s, "
            f"{self.falls} falls, plan {self.plan_ms:.1f} ms"
        )


def proposal_used(config: EpisodeConfig) -> dict[str, str]:
    """Return the checksum of the proposal of an episode's planner; nothing without one.

    Raises:
        ModelFileError: it cannot be used and is required.
    """
    task, walker = make_task(config.task), make_walker(config.walker)
    found = fingerprint(config.planner.proposal, task, walker)
    return {"proposal_sha256": found} if found else {}


def summarise(results: Sequence[EpisodeResult]) -> Summary:
    """Return the figures of episodes with 95 % bootstrap intervals.

    Raises:
        InputError: there are no results.
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
    """Run all seeds; those that the file already holds are not run again.

    Args:
        evaluation: what to run.
        seeds: of the episodes.
        out: JSON file, replaced whole after every episode; None keeps nothing.
        processes: episodes at a time; None takes one per core.
        on_result: called with every result, also those read from the file.

    Returns:
        The results in the order of the seeds.

    Raises:
        ConfigError: something in the settings is wrong; nothing was run.
        InputError: the file holds results of other settings, is not such a file, or another
            process writes it.
        KeyboardInterrupt: on Ctrl-C; what is finished is in the file.
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
    """Run the seeds that the file lacks; this process is the only one that writes the file."""
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
    """Yield results as they come."""
    job = partial(
        _episode, evaluation.config, dict(evaluation.task_overrides), dict(evaluation.optimizer)
    )
    yield from run_jobs(job, seeds, processes)


def _episode(
    config: EpisodeConfig, overrides: dict[str, Any], optimizer: dict[str, Any], seed: int
) -> EpisodeResult:
    return run_episode(config, seed, overrides, optimizer)


def _save(out: Path, evaluation: Evaluation, results: Mapping[int, EpisodeResult]) -> None:
    """Write all results with what is needed to understand them."""
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
        InputError: it is not such a file.
    """
    return _read(path)[1]


def _load(out: Path, evaluation: Evaluation) -> dict[int, EpisodeResult]:
    """Return the results that a file already holds, by seed."""
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
