"""Compare methods on the same seeds, over numbers of samples and horizons.

Every cell is one result file of ``gpc evaluate``. A comparison therefore resumes seed by seed,
accepts more cells later, and each cell can be inspected separately.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.common import config
from gpc_ros.common.arrays import Array
from gpc_ros.common.errors import ConfigError, InputError, suggest
from gpc_ros.common.files import exclusive
from gpc_ros.evaluation.evaluate import Evaluation, evaluate, load_results
from gpc_ros.evaluation.lockstep import EpisodeConfig, EpisodeResult
from gpc_ros.evaluation.statistics import Interval, bootstrap, paired_difference
from gpc_ros.proposal.sampler import NONE

# How each method differs from the planner's defaults; {proposal} and {control} are files.
METHODS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "plain": ("sampling around the previous plan alone", {"proposal.file": NONE}),
    "proposal": (
        "the flow provides part of the candidates, the cost-to-go is added after the horizon",
        {"proposal.file": "{proposal}"},
    ),
    "flow": (
        "the flow provides part of the candidates, no cost-to-go",
        {"proposal.file": "{proposal}", "proposal.cost_to_go": False},
    ),
    "cost_to_go": (
        "no learned candidates, the cost-to-go is added after the horizon",
        {"proposal.file": "{proposal}", "proposal.fraction": 0.0},
    ),
    "gaussian": (
        "control: like proposal, with an unconditional Gaussian in place of the flow",
        {"proposal.file": "{control}"},
    ),
    "alone": (
        "one sample of the flow executed without any rollout",
        {"proposal.file": "{proposal}", "policy_only": True},
    ),
}


@dataclass(frozen=True)
class Cell:
    """One set of settings.

    Attributes:
        method: see ``METHODS``.
        num_rollouts: candidates N.
        horizon: length of a rollout [s].
        variation: name of a changed world; empty for the default world.
    """

    method: str
    num_rollouts: int
    horizon: float
    variation: str = ""

    @property
    def file(self) -> str:
        """Name of its result file."""
        changed = re.sub(r"[^a-z0-9]+", "_", self.variation.lower()).strip("_")
        place = "" if self.method == "alone" else f"_N{self.num_rollouts}_H{self.horizon:g}"
        return f"{self.method}{place}{'_in_' + changed if changed else ''}.json"

    @property
    def title(self) -> str:
        """Title in progress lines."""
        return self.file.removesuffix(".json").replace("_", " ")


@dataclass(frozen=True)
class Comparison:
    """Settings of a comparison.

    Attributes:
        task: name.
        seeds: seeds of the episodes, the same for every cell.
        proposal: card of the proposal, or ``shipped``.
        control: card of the unconditional Gaussian.
        base: settings common to all cells.
        variations: changed worlds by name, each as parameters of the task.
    """

    task: str
    seeds: tuple[int, ...]
    proposal: str
    control: str
    base: EpisodeConfig
    variations: Mapping[str, Mapping[str, Any]]

    def evaluation(self, cell: Cell) -> Evaluation:
        """Return the evaluation that a cell runs.

        Raises:
            ConfigError: an unknown method or variation; the nearest is named.
        """
        if cell.method not in METHODS:
            raise ConfigError(f"method '{cell.method}': unknown; {suggest(cell.method, METHODS)}")
        if cell.variation and cell.variation not in self.variations:
            raise ConfigError(
                f"variation '{cell.variation}': task {self.task} has none of that name; "
                + suggest(cell.variation, self.variations)
            )
        files = {"proposal": self.proposal, "control": self.control}
        changes = {
            f"planner.{k}": v.format(**files) if isinstance(v, str) else v
            for k, v in METHODS[cell.method][1].items()
        }
        if cell.method != "alone":
            changes |= {"planner.num_rollouts": cell.num_rollouts, "planner.horizon": cell.horizon}
        chosen = config.replace(self.base, changes, f"method {cell.method}")
        return Evaluation(chosen, self.variations[cell.variation] if cell.variation else {})


def run_cells(
    comparison: Comparison,
    cells: Sequence[Cell],
    folder: Path,
    processes: int | None = None,
    on_result: Callable[[Cell, EpisodeResult], None] | None = None,
) -> None:
    """Run every cell over all seeds and skip the results that the folder already contains.

    Raises:
        ConfigError: something in the settings is wrong.
        InputError: the folder contains results of other settings, or another process writes to it.
        KeyboardInterrupt: on Ctrl-C; the folder contains the finished results.
    """
    for cell in cells:
        comparison.evaluation(cell).check()
    with exclusive(folder, "gpc proposal compare", folder=True):
        _run_cells(comparison, cells, folder, processes, on_result)


def _run_cells(
    comparison: Comparison,
    cells: Sequence[Cell],
    folder: Path,
    processes: int | None,
    on_result: Callable[[Cell, EpisodeResult], None] | None,
) -> None:
    for cell in cells:

        def show(result: EpisodeResult, cell: Cell = cell) -> None:
            if on_result:
                on_result(cell, result)

        evaluate(comparison.evaluation(cell), comparison.seeds, folder / cell.file, processes, show)


@dataclass(frozen=True)
class Row:
    """Metrics of one cell over the seeds.

    Attributes:
        cell: the cell that they belong to.
        seeds: seeds of its episodes.
        success: 0 or 1 by seed (n,).
        time: to success, with the duration for failures (n,) [s].
        falls: number of episodes that ended in a fall.
    """

    cell: Cell
    seeds: tuple[int, ...]
    success: Array
    time: Array
    falls: int

    def intervals(self) -> tuple[Interval, Interval]:
        """Return success and time with their intervals."""
        return bootstrap(self.success), bootstrap(self.time)


def load_rows(folder: Path, cells: Sequence[Cell]) -> list[Row]:
    """Return the metrics of the cells that have results in the folder."""
    rows = []
    for cell in cells:
        path = folder / cell.file
        if not path.exists():
            continue
        results = sorted(load_results(path), key=lambda r: r.seed)
        rows.append(
            Row(
                cell,
                tuple(r.seed for r in results),
                np.array([float(r.success) for r in results]),
                np.array([r.time for r in results]),
                sum(r.fell for r in results),
            )
        )
    return rows


def known_cells(folder: Path, variations: Mapping[str, Any]) -> list[Cell]:
    """Return every cell with results in a folder, sorted by method, horizon and samples."""
    names = {Cell("alone", 0, 0.0, v).file: v for v in ("", *variations)}
    suffixes = {Cell("plain", 1, 1.0, v).file.removeprefix("plain_N1_H1"): v for v in variations}
    suffixes[".json"] = ""
    cells = []
    for path in folder.glob("*.json"):
        if path.name in names:
            cells.append(Cell("alone", 0, 0.0, names[path.name]))
            continue
        match = re.fullmatch(r"([a-z_]+)_N(\d+)_H(\d+(?:\.\d+)?)((?:_in_.*)?\.json)", path.name)
        if match and match[1] in METHODS and match[4] in suffixes:
            cells.append(Cell(match[1], int(match[2]), float(match[3]), suffixes[match[4]]))
    order = list(METHODS)
    return sorted(
        cells, key=lambda c: (c.variation, order.index(c.method), c.horizon, c.num_rollouts)
    )


def difference(a: Row, b: Row) -> tuple[Interval, Interval]:
    """Return a - b in success and time [s] over the common seeds, with intervals.

    Raises:
        InputError: a and b have no seed in common.
    """
    common = sorted(set(a.seeds) & set(b.seeds))
    if not common:
        raise InputError(f"{a.cell.title} and {b.cell.title} have no seed in common")
    i, j = ([row.seeds.index(seed) for seed in common] for row in (a, b))
    return (
        paired_difference(a.success[i], b.success[j]),
        paired_difference(a.time[i], b.time[j]),
    )


def grid_cells(
    methods: Sequence[str],
    samples: Sequence[int],
    horizons: Sequence[float],
    variations: Sequence[str] = ("",),
) -> list[Cell]:
    """Return every combination; the flow alone has neither samples nor horizons."""
    cells = [
        Cell(method, n, h, variation)
        for variation in variations
        for method in methods
        for h in horizons
        for n in samples
        if method != "alone"
    ]
    alone = [Cell("alone", 0, 0.0, v) for v in variations if "alone" in methods]
    return [replace(cell) for cell in dict.fromkeys([*cells, *alone])]


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the metrics of every row as plain values, with the difference from plain sampling."""
    plain = {
        (r.cell.num_rollouts, r.cell.horizon, r.cell.variation): r
        for r in rows
        if r.cell.method == "plain"
    }
    found = []
    for row in rows:
        success, time = row.intervals()
        entry: dict[str, Any] = {
            **vars(row.cell),
            "episodes": len(row.seeds),
            "success": vars(success),
            "time": vars(time),
            "falls": row.falls,
        }
        other = plain.get((row.cell.num_rollouts, row.cell.horizon, row.cell.variation))
        if other is not None and other is not row:
            better, faster = difference(row, other)
            entry |= {"success_less_plain": vars(better), "time_less_plain": vars(faster)}
        found.append(entry)
    return json.loads(json.dumps(found))
