"""Run the live graph over many seeds: success, deadlines, ages and delays.

    python bench/live.py --seeds 0:10 [--out FILE.json] [name:=value ...]

Starts ``gpc sim`` once per seed, all six nodes as processes, and reads the metrics from the bag of
each run. Finished seeds are kept in the file and not repeated. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.common.files import write_atomic
from gpc_ros.common.paths import share
from gpc_ros.evaluation.statistics import bootstrap
from gpc_ros.replay.load_run import load_run

# Recorded metrics from the diagnostics of the bridge, with short names.
_BRIDGE = {
    "period p99 [ms]": "period_p99_ms",
    "period max [ms]": "period_max_ms",
    "measurement to command p99 [ms]": "reading_to_command_p99_ms",
    "measurement to first use of its plan p50 [ms]": "state_to_walker_p50_ms",
    "measurement to first use of its plan p99 [ms]": "state_to_walker_p99_ms",
}


def run(seed: int, words: list[str]) -> dict[str, Any]:
    """Run one seed and return its metrics."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "gpc_ros.cli.main", "sim", *words]
        command += [f"seed:={seed}", "report:=false", f"out:={out}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return outcome(seed, done, out / "bag")


def outcome(seed: int, done: subprocess.CompletedProcess[str], bag: Path) -> dict[str, Any]:
    """Return the metrics of a finished run.

    Raises:
        SystemExit: the run failed to end normally.
    """
    lines = done.stdout.replace("\r", "\n").splitlines()
    verdict = [line for line in lines if line.startswith(("success after", "FAILED after"))]
    if done.returncode not in (0, 1) or not verdict:
        raise SystemExit(f"seed {seed}: the run failed to end normally:\n{done.stdout}")
    return {"seed": seed, "verdict": verdict[0], **figures(bag)} | {
        "success": done.returncode == 0,
        "time_s": float(verdict[0].split()[2]),
    }


def figures(bag: Path) -> dict[str, Any]:
    """Return the timing metrics of a bag."""
    reader = BagReader(bag)
    recorded = load_run(reader)
    status = recorded.status
    tried = status.tried
    found: dict[str, Any] = {
        "cycles": int(tried.sum()),
        "misses": int(status.missed.sum()),
        "plan_p50_ms": 1e3 * float(np.median(status["plan_time"][tried])),
        "plan_p99_ms": 1e3 * float(np.percentile(status["plan_time"][tried], 99)),
        "state_age_p50_ms": 1e3 * float(np.median(status["state_age"][tried])),
        "state_age_p99_ms": 1e3 * float(np.percentile(status["state_age"][tried], 99)),
    }
    cpu: dict[str, list[float]] = {}
    for message in reader.messages([t for t in reader.topics if t.endswith("/diagnostics")]):
        for part in message.data.status:
            values = {v.key: v.value for v in part.values}
            if "cpu [cores]" in values:
                cpu.setdefault(part.name, []).append(float(values["cpu [cores]"]))
            if part.name == "bridge" and "active" in part.message:
                found |= {short: float(values[k]) for k, short in _BRIDGE.items()}
    found["cpu_cores"] = {name: round(float(np.median(v)), 3) for name, v in cpu.items()}
    return found


def main() -> None:
    """Run the seeds of ``gpc sim``."""
    run_seeds(__doc__ or "", run)


def defaults() -> str:
    """Return a checksum of all default parameters and model cards."""
    files = [*share("config").glob("*.yaml"), *share("models").rglob("*.json")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()


def run_seeds(about: str, run_one: Callable[[int, list[str]], dict[str, Any]]) -> None:
    """Run the given seeds, print one line each and then a summary.

    Args:
        about: docstring of the bench.
        run_one: runs a seed with arguments ``name:=value`` and returns its metrics.
    """
    parser = argparse.ArgumentParser(description=about.split("\n")[0])
    parser.add_argument("--seeds", default="0:10", help="first:last+1")
    parser.add_argument("--out", type=Path, help="JSON file to write and to resume from")
    parser.add_argument("words", nargs="*", metavar="name:=value", help="for the graph")
    options = parser.parse_args()
    first, last = (int(number) for number in options.seeds.split(":"))
    head = {
        "words": options.words, "defaults": defaults(),
        "machine": platform.machine(), "cores": os.cpu_count(),
    }  # fmt: skip
    runs: list[dict[str, Any]] = []
    if options.out is not None and options.out.exists():
        before = json.loads(options.out.read_text(encoding="utf-8"))
        for key, what in (("words", "arguments"), ("defaults", "parameters or models")):
            if before.get(key) != head[key]:
                raise SystemExit(
                    f"{options.out} contains runs with other {what}: choose another file"
                )
        runs = before["runs"]
    known = {r["seed"] for r in runs}
    for seed in range(first, last):
        if seed in known:
            continue
        runs.append(run_one(seed, options.words))
        if options.out is not None:
            write_atomic(options.out, json.dumps({**head, "runs": runs}, indent=1) + "\n")
        print(json.dumps(runs[-1]), flush=True)
    print(summary(runs))


def summary(runs: list[dict[str, Any]]) -> str:
    """Return a summary of all runs, line by line."""
    cycles, misses = sum(r["cycles"] for r in runs), sum(r["misses"] for r in runs)
    lines = [
        f"{len(runs)} runs: success {bootstrap([float(r['success']) for r in runs])}",
        f"time, failures with their whole time: {bootstrap([r['time_s'] for r in runs])} s",
        f"deadlines missed: {misses} of {cycles} ({100 * misses / max(cycles, 1):.2f} %)",
    ]
    for name in (
        "plan_p50_ms", "plan_p99_ms", "state_age_p50_ms", "state_age_p99_ms", *_BRIDGE.values(),
    ):  # fmt: skip
        values = [r[name] for r in runs if name in r]
        lines.append(f"{name}: median {np.median(values):.2f}, worst run {max(values):.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
