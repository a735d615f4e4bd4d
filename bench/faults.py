"""Every fault of the fault table, again and again on a running graph: is the reaction in time?

    python bench/faults.py --repeats 10 --out docs/results/faults.json [--only NAME ...]
    python bench/faults.py --hardware --repeats 10 --out docs/results/faults_hardware.json

The second puts those that concern the robot to driver and emulated robot, over Unitree's SDK. Each
starts the graph once, puts the faults in one after the other and reads every delay from the times
at which the messages were sent. Finished repeats are kept in the file and not run again. Nothing
else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "support"))

import numpy as np
import rclpy
from fault_injection.cases import Case, run_case
from fault_injection.clock import Clock
from fault_injection.every_case import EVERY_CASE, words_with
from fault_injection.live_graph import LiveGraph
from rclpy.context import Context

from gpc_ros.common.errors import GpcError
from gpc_ros.common.files import write_atomic
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.ros.middleware import avoid_shared_memory


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
    parser.add_argument("--hardware", action="store_true", help="behind the SDK, emulated")
    parser.add_argument("--only", nargs="*", help="names of cases; default: all")
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
    cases = EVERY_CASE
    if args.hardware:
        from fault_injection.hardware_graph import HARDWARE_CASES

        cases = HARDWARE_CASES
    names = args.only or list(cases)
    with tempfile.TemporaryDirectory() as folder:
        for clock in (False, True):
            wanted = [cases[name] for name in names if cases[name].clock == clock]
            if wanted:
                graph = graph_for(context, Path(folder), args.params, args.hardware, clock)
                try:
                    for case in wanted:
                        run(graph, case, args.repeats, rows)
                        document = {
                            "rows": rows, "audit": audit(graph), "begun_again_after": graph.mishaps,
                            "made_with": made_with(),
                        }  # fmt: skip
                        write_atomic(args.out, json.dumps(document, indent=1) + "\n")
                finally:
                    graph.close()
    rclpy.try_shutdown(context=context)
    missed = [name for name in names if not rows[name]["held"]]
    print(f"{len(names) - len(missed)} of {len(names)} hold; not: {', '.join(missed)}")


def graph_for(
    context: Context, folder: Path, params: str, hardware: bool, clock: bool
) -> LiveGraph:
    """Return the running graph that cases are put to."""
    if not hardware:
        return LiveGraph(context, folder, words_with(params), clock=Clock if clock else None)
    from fault_injection import hardware_graph as h

    domain = 102 + int(os.environ["ROS_DOMAIN_ID"])
    words = [*h.HARDWARE_WORDS, f"params:={','.join(filter(None, (h.HARDWARE_PARAMS, params)))}"]
    robot = list(h.ROBOT_WORDS)
    return h.HardwareGraph(domain, words, robot, context=context, folder=folder)


def audit(graph: LiveGraph) -> dict[str, Any]:
    """Return the result of the audit of every joint command."""
    a = graph.audit
    return {"commands": a.checked, "not_seen": a.lost, "violations": a.violations[:100]}


def run(graph: LiveGraph, case: Case, repeats: int, rows: dict[str, Any]) -> None:
    """Run the missing repeats of one case and print its line."""
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
