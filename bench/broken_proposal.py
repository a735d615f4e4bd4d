"""Measure the cost of a proposal that does not fit: shuffled weights, weights of another task.

    python bench/broken_proposal.py --seeds 3000:3060 --out docs/results/broken_proposal.json

Runs box_push in lockstep without a proposal and with each broken one, on the same seeds, and gives
the paired difference in time to success. The same command resumes a stopped measurement.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "support"))

from fault_injection.proposals import write_shuffled, write_transplanted

from gpc_ros.cli.evaluate import parse_seeds
from gpc_ros.common import config
from gpc_ros.common.files import write_atomic
from gpc_ros.evaluation.evaluate import Evaluation, evaluate
from gpc_ros.evaluation.lockstep import EpisodeConfig
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.evaluation.statistics import bootstrap, paired_difference

BROKEN: dict[str, Callable[[Path], Path]] = {
    "weights shuffled": write_shuffled,
    "trained for navigate": write_transplanted,
}


def main() -> None:
    """Run the episodes and write the metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="3000:3060")
    parser.add_argument("--num-rollouts", type=int, default=8)
    parser.add_argument("--horizon", type=float, default=2.0)
    parser.add_argument("--work", type=Path, default=Path("runs/broken_proposal"))
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    seeds = parse_seeds(args.seeds)
    base = config.replace(
        EpisodeConfig(),
        {"planner.num_rollouts": args.num_rollouts, "planner.horizon": args.horizon},
        "bench/broken_proposal.py",
    )
    times: dict[str, list[float]] = {}
    wins: dict[str, list[float]] = {}
    args.work.mkdir(parents=True, exist_ok=True)
    files = {"plain": "none"}
    for name, write in BROKEN.items():
        files[name] = str(write(args.work / f"{name.replace(' ', '_')}.json"))
    for name, file in files.items():
        chosen = config.replace(base, {"planner.proposal.file": file}, "bench")
        kept = args.work / f"{name.replace(' ', '_')}.result.json"
        results = evaluate(Evaluation(chosen), seeds, kept)
        times[name] = [r.time for r in results]
        wins[name] = [float(r.success) for r in results]
        success, time = bootstrap(wins[name]), bootstrap(times[name])
        print(f"{name}: success {success}, time {time} s", flush=True)
    plain = bootstrap(times["plain"])
    rows = {}
    for name in times:
        less = paired_difference(times[name], times["plain"])
        rows[name] = {
            "success": vars(bootstrap(wins[name])),
            "time": vars(bootstrap(times[name])),
            "time_less_plain": vars(less),
            "relative": less.mean / plain.mean,
        }
        print(f"{name}: {100 * less.mean / plain.mean:+.1f} % of time to success ({less} s)")
    document = {
        "seeds": args.seeds, "num_rollouts": args.num_rollouts, "horizon": args.horizon,
        "rows": rows, "made_with": made_with(),
    }  # fmt: skip
    write_atomic(args.out, json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
