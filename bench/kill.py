"""kill -9 of each node in turn, at a random moment of a push: is the reaction the stated one?

    python bench/kill.py --kills 20 --out docs/results/kill.json [--nodes bridge planner ...]

One graph runs all the time; a killed node is started again and the robot goes back to pushing.
Every joint command that is sent is held against every limit. Finished kills are kept in the file
and not run again. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "support"))

import numpy as np
import rclpy
from fault_injection.every_case import words_with
from fault_injection.kills import KILLS, kill_during_push
from fault_injection.live_graph import LiveGraph
from rclpy.context import Context

from gpc_ros.common.errors import GpcError
from gpc_ros.common.files import write_atomic
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.ros.middleware import avoid_shared_memory


def main() -> None:
    """Kill, print a line for each kill and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="of each node")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nodes", nargs="*", default=list(KILLS), choices=list(KILLS))
    parser.add_argument("--out", type=Path, required=True, help="JSON file, also to go on from")
    parser.add_argument("--params", default="", help="more parameters: node.parameter=value,...")
    args = parser.parse_args()
    kills: list[dict[str, Any]] = []
    if args.out.exists():
        kills = json.loads(args.out.read_text(encoding="utf-8"))["kills"]
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 101))
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    avoid_shared_memory()
    context = Context()
    rclpy.init(context=context)
    done = {(k["node"], k["number"]) for k in kills}
    # In turn, so that no node is killed twenty times in a row.
    todo = [(n, k) for k in range(args.kills) for n in args.nodes if (n, k) not in done]
    with tempfile.TemporaryDirectory() as folder:
        graph = LiveGraph(context, Path(folder), words_with(args.params))
        try:
            for node, number in todo:
                kills.append(one(graph, node, number, args.seed))
                print(json.dumps(kills[-1]), flush=True)
                document = {"kills": kills, **summary(kills), "made_with": made_with()}
                write_atomic(args.out, json.dumps(document, indent=1) + "\n")
        finally:
            graph.close()
            rclpy.try_shutdown(context=context)
    print(json.dumps(summary(kills), indent=1))


def one(graph: LiveGraph, node: str, number: int, seed: int) -> dict[str, Any]:
    """Kill a node once and return the observations."""
    rng = np.random.default_rng([seed, number, list(KILLS).index(node)])
    checked, lost, broken = graph.audit.checked, graph.audit.lost, len(graph.audit.violations)
    record: dict[str, Any] = {"node": node, "number": number}
    mishaps = len(graph.mishaps)
    try:
        record |= kill_during_push(graph, node, rng)
        record["reaction"] = "as stated"
    except GpcError as error:
        record["reaction"] = str(error)[:300]
    record["begun_again_after"] = graph.mishaps[mishaps:]
    record["commands"] = graph.audit.checked - checked
    record["not_seen"] = graph.audit.lost - lost
    record["violations"] = graph.audit.violations[broken:]
    return record


def summary(kills: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures over all kills, by node."""
    rows: dict[str, Any] = {}
    for node in KILLS:
        mine = [k for k in kills if k["node"] == node]
        delays = [k["delay"] for k in mine if "delay" in k]
        rows[node] = {
            "kills": len(mine),
            "as_stated": sum(k["reaction"] == "as stated" for k in mine),
            "begun_again": sum(len(k.get("begun_again_after", ())) for k in mine),
            "during_push": sum(bool(k.get("pushing")) for k in mine),
            "commands": sum(k["commands"] for k in mine),
            "violations": sum(len(k["violations"]) for k in mine),
            "delay_p50": float(np.median(delays)) if delays else None,
            "delay_max": max(delays) if delays else None,
        }
    return {"nodes": rows}


if __name__ == "__main__":
    main()
