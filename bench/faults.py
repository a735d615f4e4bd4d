"""Every fault of the fault table, again and again on a running graph: is the reaction in time?

    python bench/faults.py --repeats 10 --out docs/results/faults.json [--only NAME ...]

Starts the graph once, puts the faults in one after the other and reads every delay from the times
at which the messages were sent. Finished repeats are kept in the file and not run again. Nothing
else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.context import Context

from gpc_ros.errors import GpcError
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.faults.cases import Case, run_case
from gpc_ros.faults.clock import Clock
from gpc_ros.faults.every_case import EVERY_CASE, words_with
from gpc_ros.faults.live_graph import LiveGraph
from gpc_ros.files import write_whole
from gpc_ros.nodes.middleware import avoid_shared_memory


def summary(case: Case, delays: list[float], failures: list[str]) -> dict[str, Any]:
    """Return the figures of one case, delays in seconds (metres per second for rows 14)."""
    timed = [d for d in delays if not math.isnan(d)]
    row: dict[str, Any] = {
        "row": case.row,
        "fault": case.fault,
        "reaction": case.reaction,
        "of": case.of,
        "bound": case.bound,
        "n": len(delays),
        "failures": failures,
        "delays": [None if math.isnan(d) else d for d in delays],
    }
    if timed:
        row |= {
            "p50": float(np.median(timed)),
            "p99": float(np.percentile(timed, 99)),
            "max": max(timed),
        }
    within = case.bound is None or all(d <= case.bound for d in timed)
    row["held"] = bool(delays) and not failures and within
    return row


def main() -> None:
    """Run, print a line for each case and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=list(EVERY_CASE), choices=list(EVERY_CASE))
    parser.add_argument("--out", type=Path, required=True, help="JSON file, also to go on from")
    parser.add_argument("--params", default="", help="more parameters: node.parameter=value,...")
    args = parser.parse_args()
    rows: dict[str, Any] = {}
    if args.out.exists():
        rows = json.loads(args.out.read_text(encoding="utf-8"))["rows"]
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 101))
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    avoid_shared_memory()
    context = Context()
    rclpy.init(context=context)
    with tempfile.TemporaryDirectory() as folder:
        for clock in (None, Clock):
            wanted = [n for n in args.only if EVERY_CASE[n].clock == (clock is not None)]
            graph = (
                LiveGraph(context, Path(folder), words_with(args.params), clock=clock)
                if wanted
                else None
            )
            for name in wanted:
                assert graph is not None
                run(graph, EVERY_CASE[name], args.repeats, rows)
                document = {"rows": rows, "audit": audit(graph), "made_with": made_with()}
                write_whole(args.out, json.dumps(document, indent=1) + "\n")
            if graph is not None:
                graph.close()
        rclpy.try_shutdown(context=context)
    missed = [name for name in args.only if not rows[name]["held"]]
    print(f"{len(args.only) - len(missed)} of {len(args.only)} hold; not: {', '.join(missed)}")


def audit(graph: LiveGraph) -> dict[str, Any]:
    """Return what looking at every joint command has found."""
    a = graph.audit
    return {"commands": a.checked, "not_seen": a.lost, "violations": a.violations[:100]}


def run(graph: LiveGraph, case: Case, repeats: int, rows: dict[str, Any]) -> None:
    """Run what is missing of one case and print its line."""
    before = rows.get(case.name, {})
    delays = [math.nan if d is None else d for d in before.get("delays", [])]
    failures: list[str] = list(before.get("failures", []))
    while len(delays) + len(failures) < repeats:
        try:
            delays.append(run_case(graph, case))
        except GpcError as error:
            failures.append(str(error)[:300])
    rows[case.name] = r = summary(case, delays, failures)
    figures = f"p50 {r['p50']:.4f} p99 {r['p99']:.4f} max {r['max']:.4f}" if "p50" in r else ""
    print(
        f"{case.row:2d} {case.name}: n {r['n']} {figures} bound {case.bound} "
        f"{'held' if r['held'] else 'NOT HELD'} {failures[:1]}",
        flush=True,
    )


if __name__ == "__main__":
    main()
