"""``gpc proposal compare``: planning with and without a proposal over the same seeds."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gpc_ros.cli.evaluate import episode_config
from gpc_ros.cli.options import (
    SEEDS,
    TASK,
    parse_seeds,
    process_count,
    processes,
    required,
    with_task,
)
from gpc_ros.cli.parser import CommandParser
from gpc_ros.cli.progress import Bar
from gpc_ros.cli.train import PACKAGES
from gpc_ros.cli.training import require
from gpc_ros.common import config
from gpc_ros.common.config import param

if TYPE_CHECKING:
    from gpc_ros.evaluation.compare import Cell, Comparison
    from gpc_ros.evaluation.lockstep import EpisodeResult


@dataclass(frozen=True)
class Options:
    """Options of ``gpc proposal compare``."""

    FORMER_NAMES: ClassVar = {"samples": "num_rollouts"}
    out: str = param("", "Folder for the results (required)")
    seeds: str = param("1000:1030", f"Seeds: {SEEDS}")
    methods: str = param(
        "plain,proposal",
        "Some of plain, proposal, flow, cost_to_go, gaussian, alone, separated by commas",
    )
    num_rollouts: tuple[int, ...] = param(
        (4, 8, 16, 32), "Numbers of rollouts in one cycle", low=1, high=1024
    )
    horizons: tuple[float, ...] = param(
        (0.4, 0.8, 1.2, 2.0), "Horizons", unit="s", low=0.1, high=10.0
    )
    proposal: str = param("shipped", "Card of the proposal (.json), or shipped")
    control: str = param("", "Card of the control; empty takes the one beside the proposal")
    variations: bool = param(False, "Run in the changed worlds of the task, not its own")
    plan_times: bool = param(False, "Measure the time of a planning cycle too")
    processes: int = processes()


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc proposal compare``."""
    parser.description = (
        "Runs every combination of methods, numbers of rollouts and horizons in lockstep over the\n"
        "same seeds and writes the results as JSON and as a page with curves and tables. The same\n"
        "command continues an interrupted run; with other cells it adds them. Use seeds that were\n"
        "not used for collection and tuning."
    )
    parser.usage = f"{parser.prog} TASK --out FOLDER [--NAME VALUE ...] [--set GROUP.NAME=VALUE]"
    parser.add_argument("task", nargs="?", help=TASK)
    parser.add_options(Options())
    parser.main = "episode"
    parser.add_group("episode", "parameters of every cell", episode_config)


def run(args: argparse.Namespace) -> int:
    """Run the cells with a progress bar and write the page."""
    require(PACKAGES, "train", "training")
    from gpc_ros.evaluation.compare import grid_cells, run_cells

    options = args.options
    out = required(options.out, "--out")
    comparison = _comparison(args)
    worlds = tuple(comparison.variations) if options.variations else ("",)
    methods = options.methods.split(",")
    cells = grid_cells(methods, list(options.num_rollouts), list(options.horizons), worlds)
    bar = Bar(len(cells) * len(comparison.seeds))

    def show(cell: Cell, result: EpisodeResult) -> None:
        outcome = f"{result.time:.1f} s" if result.success else "failure"
        bar.add(result.success, f"{cell.title}, seed {result.seed}: {outcome}")

    interrupted = False
    try:
        run_cells(comparison, cells, out, process_count(options.processes), show)
    except KeyboardInterrupt:
        interrupted = True
    bar.end()
    _write(comparison.task, out, options.plan_times, comparison)
    if interrupted:
        print("interrupted; the same command continues from there")
        return 130
    return 0


def _comparison(args: argparse.Namespace) -> Comparison:
    from gpc_ros.evaluation.compare import Comparison
    from gpc_ros.evaluation.lockstep import EpisodeConfig
    from gpc_ros.proposal.sampler import SHIPPED, SHIPPED_CONTROL
    from gpc_ros.tasks import make_task

    options = args.options
    base = with_task(args, "episode", "task")
    task = make_task(base["task"])
    control = options.control
    if not control:
        own = Path(options.proposal)
        beside = str(own.with_name(f"{own.stem}_gaussian.json"))
        control = SHIPPED_CONTROL if options.proposal == SHIPPED else beside
    return Comparison(
        task=base["task"],
        seeds=tuple(parse_seeds(options.seeds)),
        proposal=options.proposal,
        control=control,
        base=config.replace(EpisodeConfig(), base, args.where),
        variations=type(task).variations,
    )


def _write(name: str, out: Path, measure: bool, comparison: Comparison) -> None:
    """Write page and summary of every cell in the folder."""
    from gpc_ros.common.documents import read_json
    from gpc_ros.common.files import write_atomic
    from gpc_ros.evaluation.compare import known_cells, load_rows, summary
    from gpc_ros.evaluation.compare_page import compare_page, main_figure
    from gpc_ros.evaluation.plan_time import plan_times
    from gpc_ros.evaluation.provenance import made_with

    cells = known_cells(out, comparison.variations)
    rows = load_rows(out, cells)
    if not rows:
        return
    times_file = out / "plan_times" / "plan_times.json"
    if measure:
        own = [cell for cell in cells if not cell.variation]
        found = plan_times([comparison.evaluation(cell) for cell in own])
        measured = {cell.file: t for cell, t in zip(own, found, strict=True)}
        write_atomic(times_file, json.dumps({"seconds": measured, **made_with()}, indent=1) + "\n")
    times = read_json(times_file)["seconds"] if times_file.exists() else {}
    seeds = sorted({seed for row in rows for seed in row.seeds})
    made = made_with()
    documents = [read_json(out / cell.file) for cell in cells]
    machines = sorted({str(document["made_with"]["machine"]) for document in documents})
    notes = [
        f"Seeds {seeds[0]} to {seeds[-1]}, the same for every cell; lockstep, true state.",
        f"gpc_ros {made['gpc_ros']}, MuJoCo {made['mujoco']}, {' and '.join(machines)}.",
    ]
    title = f"{name}: sampling with and without a learned proposal"
    write_atomic(out / "index.html", compare_page(title, rows, times, notes))
    write_atomic(out / "figure.svg", main_figure(rows))
    document = {"task": name, "cells": summary(rows), "made_with": made}
    write_atomic(out / "summary.json", json.dumps(document, indent=1) + "\n")
    for row in rows:
        success, time = row.intervals()
        print(f"{row.cell.title:45s} success {success}, time {time} s, {row.falls} falls")
    print(f"{out / 'index.html'}")
