"""``gpc evaluate``: many seeds in lockstep, with intervals; a thin front of gpc_ros.evaluation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.cli.progress import Bar
from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError

if TYPE_CHECKING:
    from gpc_ros.evaluation.lockstep import EpisodeResult


def add_parser(subparsers: Any) -> None:
    """Add ``evaluate`` to the command."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure success and time over many seeds, in lockstep",
        description="Runs a task over many seeds in lockstep (no clock, true state) and gives "
        "success rate and time to success with 95 % bootstrap intervals. With --out, every "
        "finished episode is kept: the same command again goes on where it was stopped.",
    )
    parser.add_argument("task", help="task to run; gpc tasks lists them")
    parser.add_argument("--seeds", default="0:10", help="A:B, from A to B-1, or a list 1,4,7")
    parser.add_argument("--optimizer", help="cem, mppi or predictive_sampling")
    parser.add_argument("--samples", help="candidates in one cycle")
    parser.add_argument("--horizon", help="how far a candidate looks ahead [s]")
    parser.add_argument("--proposal", help="card of a proposal (.json), shipped or none")
    parser.add_argument("--rate", help="plans per second [Hz]")
    parser.add_argument("--duration", help="time to give up after [s]")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the task (plant.object.mass=5) or, with the prefix 'optimizer.', of "
        "the optimizer or, with 'episode.', of the episode (episode.planner.proposal.share=0.25); "
        "may be given again",
    )
    parser.add_argument("--processes", type=int, help="episodes at a time; default: one per core")
    parser.add_argument("--out", type=Path, help="JSON file for every result")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate with a progress bar and print the figures."""
    from gpc_ros.common.assignments import split_sets
    from gpc_ros.evaluation.evaluate import Evaluation, evaluate, summarise
    from gpc_ros.evaluation.lockstep import EpisodeConfig

    given = {
        "task": args.task,
        "rate": args.rate,
        "duration": args.duration,
        "planner.samples": args.samples,
        "planner.horizon": args.horizon,
        "planner.optimizer": args.optimizer,
        "planner.proposal.file": args.proposal,
    }
    overrides = {name: value for name, value in given.items() if value is not None}
    parts = split_sets(args.set, ("episode.", "optimizer.", ""))
    chosen = config.replace(EpisodeConfig(), overrides | parts["episode."], "gpc evaluate")
    evaluation = Evaluation(chosen, parts[""], parts["optimizer."])
    seeds = parse_seeds(args.seeds)
    if args.processes is not None and args.processes < 1:
        raise ConfigError(f"--processes: {args.processes} is less than 1")
    bar = Bar(len(seeds))
    finished: list[EpisodeResult] = []

    def show(result: EpisodeResult) -> None:
        finished.append(result)
        outcome = f"success after {result.time:.1f} s" if result.success else "failure"
        bar.add(result.success, f"seed {result.seed}: {outcome}")

    try:
        results = evaluate(evaluation, seeds, args.out, args.processes, show)
    except KeyboardInterrupt:
        bar.end()
        if finished:
            print(f"interrupted: {summarise(finished)}")
        if args.out is not None:
            print(f"finished episodes are in {args.out}; the same command goes on from there")
        return 130
    bar.end()
    print(summarise(results))
    return 0


def parse_seeds(text: str) -> list[int]:
    """Return ``"3:6"`` as [3, 4, 5] and ``"1,4"`` as [1, 4].

    Raises:
        ConfigError: neither form, negative or empty.
    """
    try:
        if ":" in text:
            first, last = (int(part) for part in text.split(":"))
            seeds = list(range(first, last))
        else:
            seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0:
        raise ConfigError(f"--seeds {text}: write A:B with 0 <= A < B, or a list such as 1,4,7")
    return seeds
