"""``gpc compare``: with and without a proposal over the same seeds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpc_ros.cli.evaluate import parse_seeds
from gpc_ros.cli.progress import Bar
from gpc_ros.cli.train import PACKAGES
from gpc_ros.cli.training import require
from gpc_ros.common import config
from gpc_ros.common.errors import ConfigError

if TYPE_CHECKING:
    from gpc_ros.evaluation.compare import Cell, Comparison
    from gpc_ros.evaluation.lockstep import EpisodeResult


def add_parser(subparsers: Any) -> None:
    """Add ``compare`` to the command."""
    parser = subparsers.add_parser(
        "compare",
        help="compare planning with and without a proposal over the same seeds",
        description="Runs every combination of methods, samples and horizons in lockstep over the "
        "same seeds and writes the results as JSON and as a page with curves and tables. Called "
        "again it goes on where it was stopped; called with other cells it adds them. Seeds must "
        "not be those of collection or tuning.",
    )
    parser.add_argument("task", help="task to run; gpc tasks lists them")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--seeds", default="1000:1030", help="A:B, from A to B-1, or a list")
    parser.add_argument(
        "--methods", default="plain,proposal", help="of plain, proposal, flow, cost_to_go, "
        "gaussian, alone, separated by commas",
    )  # fmt: skip
    parser.add_argument("--samples", default="4,8,16,32", help="numbers of samples")
    parser.add_argument("--horizons", default="0.4,0.8,1.2,2.0", help="horizons [s]")
    parser.add_argument("--proposal", default="shipped", help="card of the proposal, or 'shipped'")
    parser.add_argument("--control", help="card of the control; default: beside the proposal")
    parser.add_argument(
        "--variations", action="store_true", help="in the task's changed worlds, not its own"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter that all cells have in common (rate=20, planner.optimizer=mppi)",
    )  # fmt: skip
    parser.add_argument("--plan-times", action="store_true", help="measure the time of a cycle too")
    parser.add_argument("--processes", type=int, help="episodes at a time; default: one per core")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the cells with a progress bar and write the page."""
    require(PACKAGES, "train", "training")
    from gpc_ros.evaluation.compare import grid_cells, run_cells

    comparison = _comparison(args)
    worlds = tuple(comparison.variations) if args.variations else ("",)
    cells = grid_cells(
        args.methods.split(","),
        _numbers(args.samples, int, "--samples"),
        _numbers(args.horizons, float, "--horizons"),
        worlds,
    )
    bar = Bar(len(cells) * len(comparison.seeds))

    def show(cell: Cell, result: EpisodeResult) -> None:
        word = f"{result.time:.1f} s" if result.success else "failure"
        bar.add(result.success, f"{cell.title}, seed {result.seed}: {word}")

    interrupted = False
    try:
        run_cells(comparison, cells, args.out, args.processes, show)
    except KeyboardInterrupt:
        interrupted = True
    bar.end()
    _write(args, comparison)
    if interrupted:
        print("interrupted; the same command goes on from there")
        return 130
    return 0


def _comparison(args: argparse.Namespace) -> Comparison:
    from gpc_ros.common.assignments import parse_assignments
    from gpc_ros.evaluation.compare import Comparison
    from gpc_ros.evaluation.lockstep import EpisodeConfig
    from gpc_ros.proposal.sampler import SHIPPED, SHIPPED_CONTROL
    from gpc_ros.tasks import make_task

    if args.processes is not None and args.processes < 1:
        raise ConfigError(f"--processes: {args.processes} is less than 1")
    sets = parse_assignments(",".join(args.set), "--set")
    task = make_task(args.task)
    control = args.control
    if control is None:
        own = Path(args.proposal)
        beside = str(own.with_name(f"{own.stem}_gaussian.json"))
        control = SHIPPED_CONTROL if args.proposal == SHIPPED else beside
    return Comparison(
        task=args.task,
        seeds=tuple(parse_seeds(args.seeds)),
        proposal=args.proposal,
        control=control,
        base=config.replace(EpisodeConfig(), {"task": args.task, **sets}, "gpc compare"),
        variations=type(task).variations,
    )


def _write(args: argparse.Namespace, comparison: Comparison) -> None:
    """Write page and summary of everything that the folder holds."""
    from gpc_ros.common.documents import read_json
    from gpc_ros.common.files import write_atomic
    from gpc_ros.evaluation.compare import known_cells, load_rows, summary
    from gpc_ros.evaluation.compare_page import compare_page, main_figure
    from gpc_ros.evaluation.plan_time import plan_times
    from gpc_ros.evaluation.provenance import made_with

    cells = known_cells(args.out, comparison.variations)
    rows = load_rows(args.out, cells)
    if not rows:
        return
    times_file = args.out / "plan_times" / "plan_times.json"
    if args.plan_times:
        own = [cell for cell in cells if not cell.variation]
        found = plan_times([comparison.evaluation(cell) for cell in own])
        measured = {cell.file: t for cell, t in zip(own, found, strict=True)}
        write_atomic(times_file, json.dumps({"seconds": measured, **made_with()}, indent=1) + "\n")
    times = read_json(times_file)["seconds"] if times_file.exists() else {}
    seeds = sorted({seed for row in rows for seed in row.seeds})
    made = made_with()
    documents = [read_json(args.out / cell.file) for cell in cells]
    machines = sorted({str(document["made_with"]["machine"]) for document in documents})
    notes = [
        f"Seeds {seeds[0]} to {seeds[-1]}, the same for every cell; lockstep, true state.",
        f"gpc_ros {made['gpc_ros']}, MuJoCo {made['mujoco']}, {' and '.join(machines)}.",
    ]
    title = f"{args.task}: sampling with and without a learned proposal"
    write_atomic(args.out / "index.html", compare_page(title, rows, times, notes))
    write_atomic(args.out / "figure.svg", main_figure(rows))
    document = {"task": args.task, "cells": summary(rows), "made_with": made}
    write_atomic(args.out / "summary.json", json.dumps(document, indent=1) + "\n")
    for row in rows:
        success, time = row.intervals()
        print(f"{row.cell.title:45s} success {success}, time {time} s, {row.falls} falls")
    print(f"{args.out / 'index.html'}")


def _numbers(text: str, kind: Any, what: str) -> list[Any]:
    """Return numbers separated by commas.

    Raises:
        ConfigError: something else is between the commas.
    """
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"{what} {text}: write numbers separated by commas") from None
