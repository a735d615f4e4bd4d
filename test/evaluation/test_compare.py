"""Comparison: cells, paired metrics, and the page of the results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_proposals import blank, drawn_weights, write

from gpc_ros.cli.main import main
from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.evaluation.compare import (
    METHODS,
    Cell,
    Comparison,
    Row,
    difference,
    grid_cells,
    known_cells,
    load_rows,
    run_cells,
    summary,
)
from gpc_ros.evaluation.lockstep import EpisodeConfig
from gpc_ros.tasks import TASKS

WORLDS = TASKS["box_push"].variations


def comparison(tmp_path: Path) -> Comparison:
    files = []
    for name, kind in (("flow", "flow"), ("flow_gaussian", "gaussian")):
        hidden = (16, 16) if kind == "flow" else ()
        card = blank("navigate", kind, hidden=hidden, window=2.0, cost_hidden=(8,))
        files.append(str(write(tmp_path / f"{name}.json", card, drawn_weights(card))))
    base = EpisodeConfig(task="navigate", walker="trot", duration=0.6)
    return Comparison("navigate", (3, 4), files[0], files[1], base, TASKS["navigate"].variations)


@given(
    method=st.sampled_from(sorted(METHODS)),
    num_rollouts=st.integers(1, 512),
    horizon=st.integers(1, 500).map(lambda h: h / 100),
    variation=st.sampled_from(["", *WORLDS]),
)
@example(method="plain", num_rollouts=8, horizon=2.0, variation="")
@example(method="proposal", num_rollouts=8, horizon=2.0, variation="mass 1 kg")
def test_file_name_identifies_its_cell(
    tmp_path_factory: pytest.TempPathFactory,
    method: str,
    num_rollouts: int,
    horizon: float,
    variation: str,
) -> None:
    folder = tmp_path_factory.mktemp("cells")
    cell = grid_cells([method], [num_rollouts], [horizon], [variation])[0]
    (folder / cell.file).touch()
    (folder / "summary.json").touch()
    assert known_cells(folder, WORLDS) == [cell]


def test_no_two_cells_share_a_file() -> None:
    cells = grid_cells(list(METHODS), [4, 8], [0.4, 1.0], ["", *WORLDS])
    assert len({cell.file for cell in cells}) == len(cells)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_runs_its_seeds(method: str, tmp_path: Path) -> None:
    cells = grid_cells([method], [4], [0.4])
    run_cells(comparison(tmp_path), cells, tmp_path / "out", processes=1)
    (row,) = load_rows(tmp_path / "out", cells)
    assert row.seeds == (3, 4)


def test_results_record_the_checksum_of_the_weights(tmp_path: Path) -> None:
    cells, c = grid_cells(["proposal"], [4], [0.4]), comparison(tmp_path)
    run_cells(c, cells, tmp_path / "out", processes=1)
    card = blank("navigate", window=2.0, cost_hidden=(8,))
    write(tmp_path / "flow.json", card, drawn_weights(card, seed=9))
    with pytest.raises(InputError, match="proposal_sha256"):
        run_cells(c, cells, tmp_path / "out", processes=1)


def test_misspelt_method_or_variation_is_named(tmp_path: Path) -> None:
    c = comparison(tmp_path)
    with pytest.raises(ConfigError, match=r"method 'propsal'.*'proposal'"):
        c.evaluation(Cell("propsal", 4, 1.0))
    with pytest.raises(ConfigError, match=r"variation 'goal 4 m'.*'goal 4 m away'"):
        c.evaluation(Cell("plain", 4, 1.0, "goal 4 m"))


def row(method: str, times: list[float], seeds: tuple[int, ...] = (0, 1, 2, 3)) -> Row:
    return Row(Cell(method, 8, 1.2), seeds, np.ones(len(times)), np.array(times), 0)


def test_the_difference_is_paired_by_seed() -> None:
    plain = row("plain", [10.0, 2.0, 7.0, 30.0])
    faster = row("proposal", [29.0, 6.0, 1.0, 9.0], (3, 2, 1, 0))
    _, time = difference(faster, plain)
    assert (time.mean, time.low, time.high) == pytest.approx((-1.0, -1.0, -1.0))
    with pytest.raises(InputError, match="no seed in common"):
        difference(row("plain", [1.0], (7,)), plain)


def test_summary_contains_the_difference_from_plain() -> None:
    entries = summary(
        [row("plain", [10.0, 2.0, 7.0, 30.0]), row("proposal", [8.0, 0.0, 5.0, 28.0])]
    )
    assert "time_less_plain" not in entries[0]
    assert entries[1]["time_less_plain"]["mean"] == pytest.approx(-2.0)


def test_command_writes_a_page_of_all_cells(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs make training")
    pytest.importorskip("torch", reason="needs make training")
    c = comparison(tmp_path)
    out = tmp_path / "compared"
    common = [
        "compare", "navigate", "--out", str(out), "--seeds", "3:5", "--horizons", "0.4",
        "--proposal", c.proposal, "--set", "duration=0.6,walker=trot", "--processes", "1",
    ]  # fmt: skip
    assert main([*common, "--samples", "2,4", "--plan-times"]) == 0
    assert main([*common, "--samples", "2", "--methods", "alone,gaussian"]) == 0
    assert main([*common, "--samples", "2", "--variations", "--methods", "plain,proposal"]) == 0
    text = (out / "index.html").read_text()
    for part in ("plain", "proposal", "alone", "gaussian", "goal 4 m away", "plan time"):
        assert part in text
    assert "http" not in text.replace("http://www.w3.org", "").replace(
        "https://matplotlib.org", ""
    ).replace("http://purl.org", "").replace("http://creativecommons.org", "")
    cells = json.loads((out / "summary.json").read_text())["cells"]
    assert len(cells) == 4 + 2 + 2 * len(TASKS["navigate"].variations)
