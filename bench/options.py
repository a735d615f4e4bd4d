"""Measure the effect of each option of proposal and search, one change at a time.

    python bench/options.py --plans runs/box_push_plans --out docs/results/options.json

Runs box_push in lockstep with the defaults and with each change on the same seeds, with few
rollouts and a short horizon so that the proposal matters. Targets and cost windows need one
training each on the plans in the folder; without a folder they are left out. The same command
resumes a stopped measurement.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from gpc_ros.cli.evaluate import parse_seeds
from gpc_ros.common import config
from gpc_ros.common.files import write_atomic
from gpc_ros.evaluation.evaluate import Evaluation, evaluate
from gpc_ros.evaluation.lockstep import EpisodeConfig
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.evaluation.statistics import bootstrap, paired_difference
from gpc_ros.proposal.sampler import ProposalConfig

DEFAULTS = ProposalConfig()
PLANNER: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("proposal.fraction", (0.25, 0.75, 1.0)),
    ("proposal.steps", (1, 2, 8)),
    ("proposal.warm_start", (0.3, 0.6)),
    ("proposal.cost_to_go", (False,)),
    ("proposal.health.fade", (False,)),
)
# Annealing of the search noise from cycle to cycle, and its reset when the cost stalls.
OPTIMIZER: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("smoothing", (0.0, 0.9)),
    ("sigma_min_ratio", (0.3, 1.0)),
    ("patience", (3, 1000)),
)
TRAINING: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("target", ("mean", "best", "elite")),
    ("cost.windows", (2, 3)),
    ("mirror", (False,)),
)


def trained(plans: Path, folder: Path, name: str, value: Any) -> Path:
    """Return the card of a proposal trained with one parameter changed."""
    from gpc_ros.training.proposal.dataset import load_dataset
    from gpc_ros.training.proposal.flow_training import train
    from gpc_ros.training.proposal.proposal_store import store
    from gpc_ros.training.proposal.training_config import TrainConfig

    card = folder / f"{name}_{value}.json"
    if not card.exists():
        chosen = config.replace(TrainConfig(), {name: value}, "bench/options.py")
        dataset = load_dataset([plans], chosen.target, chosen.seed)
        store(card, dataset, chosen, train(dataset, chosen))
    return card


def main() -> None:
    """Run the episodes and write the metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=Path)
    parser.add_argument("--seeds", default="300:316")
    parser.add_argument("--num-rollouts", type=int, default=4)
    parser.add_argument("--horizon", type=float, default=0.8)
    parser.add_argument("--work", type=Path, default=Path("runs/options"))
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    seeds = parse_seeds(args.seeds)
    given = {"planner.num_rollouts": args.num_rollouts, "planner.horizon": args.horizon}
    base = config.replace(EpisodeConfig(), given, "bench/options.py")
    changes: list[tuple[str, Evaluation]] = [("defaults", Evaluation(base))]
    for name, values in PLANNER:
        for value in values:
            chosen = config.replace(base, {f"planner.{name}": value}, "bench/options.py")
            changes.append((f"{name}={value}", Evaluation(chosen)))
    changes += [
        (f"cem.{name}={value}", Evaluation(base, optimizer={name: value}))
        for name, values in OPTIMIZER
        for value in values
    ]
    for name, values in TRAINING if args.plans else ():
        for value in values:
            card = trained(args.plans, args.work, name, value)
            chosen = config.replace(base, {"planner.proposal.file": str(card)}, "bench/options.py")
            changes.append((f"train.{name}={value}", Evaluation(chosen)))
    rows: dict[str, Any] = {}
    times: dict[str, list[float]] = {}
    for name, evaluation in changes:
        out = args.work / f"{re.sub('[^a-z0-9.]+', '_', name.lower())}.result.json"
        results = evaluate(evaluation, seeds, out)
        times[name] = [r.time for r in results]
        less = paired_difference(times[name], times["defaults"])
        success = bootstrap([float(r.success) for r in results])
        rows[name] = {
            "success": vars(success),
            "time": vars(bootstrap(times[name])),
            "time_less_defaults": vars(less),
        }
        print(
            f"{name:32s} success {success}, time {bootstrap(times[name])} s, {less} s", flush=True
        )
    document = {
        "seeds": args.seeds, "num_rollouts": args.num_rollouts, "horizon": args.horizon,
        "rows": rows, "made_with": made_with(),
    }  # fmt: skip
    write_atomic(args.out, json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
