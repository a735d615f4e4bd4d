"""Files and commands with the parameter names of version 0.1.0 are still accepted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpc_ros.common import config
from gpc_ros.common.errors import InputError
from gpc_ros.evaluation.compare import known_cells, load_rows
from gpc_ros.evaluation.evaluate import Evaluation, evaluate
from gpc_ros.evaluation.lockstep import EpisodeConfig
from gpc_ros.evaluation.provenance import current_settings, difference
from gpc_ros.planning.optimizers.optimizer_registry import OPTIMIZERS
from gpc_ros.planning.planner import PlannerConfig

DOCS = Path(__file__).resolve().parents[2] / "docs"
# Former and current name of each parameter, with a value that is not the default.
FORMER = {
    "samples": ("num_rollouts", 8),
    "iterations": ("max_opt_iters", 2),
    "lifetime": ("plan_timeout", 0.4),
    "proposal.share": ("proposal.fraction", 0.25),
    "proposal.health.least": ("proposal.health.usefulness_min", 0.1),
    "proposal.health.enough": ("proposal.health.usefulness_full", 0.6),
    "proposal.health.probe": ("proposal.health.probe_period", 5),
    "proposal.health.doubt": ("proposal.health.value_error_soft", 0.5),
    "proposal.health.refuse": ("proposal.health.value_error_max", 0.8),
    "proposal.health.cost_memory": ("proposal.health.value_error_window", 11.0),
    "proposal.health.forgiving": ("proposal.health.value_error_decay", 200.0),
}


@pytest.mark.parametrize(("former", "present"), FORMER.items())
def test_former_parameter_name_sets_the_current_parameter(
    former: str, present: tuple[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    name, value = present
    changed = config.replace(PlannerConfig(), {former: value}, "--set")
    assert config.flatten(changed) == {**config.flatten(PlannerConfig()), name: value}
    assert f"'{former}' is now called '{name}'" in caplog.text


def test_scored_is_accepted_as_the_opposite_of_policy_only() -> None:
    assert config.replace(PlannerConfig(), {"scored": "false"}, "--set").policy_only


@pytest.mark.parametrize(
    ("former", "present"),
    [
        ("elites", "elite_fraction"),
        ("floor", "sigma_min_ratio"),
        ("noise.growth", "noise.noise_ramp"),
    ],
)
def test_former_optimizer_parameter_sets_the_current_one(former: str, present: str) -> None:
    changed = config.replace(OPTIMIZERS["cem"][1], {former: 0.5}, "--set")
    assert config.flatten(changed)[present] == 0.5


def test_results_of_version_0_1_0_are_continued(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    brief = EpisodeConfig("navigate", duration=0.2, planner=PlannerConfig(num_rollouts=4))
    first = Evaluation(brief, optimizer={"elite_fraction": 0.5})
    found = evaluate(first, [1], out)
    document = json.loads(out.read_text())
    names = {f"planner.{present}": f"planner.{former}" for former, (present, _) in FORMER.items()}
    names["optimizer.elite_fraction"] = "optimizer.elites"
    settings = {names.get(k, k): v for k, v in document["settings"].items()}
    settings["planner.scored"] = not settings.pop("planner.policy_only")
    assert set(names.values()) <= set(settings)
    out.write_text(json.dumps({**document, "settings": settings}))
    assert evaluate(first, [1], out) == found
    other = Evaluation(brief, optimizer={"elite_fraction": 0.4})
    with pytest.raises(InputError, match=r"optimizer.elite_fraction is 0.5 there and 0.4 here"):
        evaluate(other, [1], out)


def test_shipped_results_of_version_0_1_0_are_read() -> None:
    folder = DOCS / "results" / "compare_box_push"
    cells = known_cells(folder, {})
    assert {cell.num_rollouts for cell in cells} >= {4, 8, 16, 32}
    assert len(load_rows(folder, cells)) == len(cells)
    stored = json.loads((folder / "plain_N8_H1.2.json").read_text())["settings"]
    assert "planner.samples" in stored
    assert current_settings(stored)["planner.num_rollouts"] == 8
    assert difference(stored, {**current_settings(stored), "planner.num_rollouts": 9})
