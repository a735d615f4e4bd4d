"""LowState to LowCmd on loopback, and the period of LowCmds, with the planner at full load.

    python bench/latency.py [--seconds 40] [--out FILE.json] [name:=value ...]

Starts ``gpc emulate-robot`` and ``gpc hardware`` twice: with real-time priority, as configured, and
without. Metrics cover the last 20 s of each run:

- LowState to LowCmd: measured in the emulator, from sending a LowState to receiving the first
  LowCmd that answers it (driver parameter ``echo``): the wire in both directions and
  the wait for the bridge's next cycle;
- LowCmd period: measured in the emulator;
- bridge period, reading to command: from the diagnostics of the bridge;
- planner: share of missed deadlines and plan time, to verify that it was running.

Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from gpc_msgs.msg import PlannerStatus
from gpc_ros.common.files import write_atomic
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.ros import qos
from gpc_ros.ros.middleware import avoid_shared_memory
from gpc_ros.ros.polling import PolledSubscription

# DDS domains of the bench: ROS and robot.
ROS_DOMAIN, SDK_DOMAIN = 61, 161
# Time limit of the start [s].
START = 120.0
NODES = ("estimator", "bridge", "bridge.unitree")
WITHOUT = {
    "emulator": "params:=emulator.scheduling.priority=0",
    "hardware": "params:=" + ",".join(f"{n}.scheduling.priority=0" for n in NODES),
}
# Recorded metrics by node.
KEPT = {
    "emulator": ("LowState to LowCmd", "LowCmd period"),
    "bridge": ("period", "measurement to command"),
}


class Listener:
    """Records the diagnostics of the nodes."""

    def __init__(self) -> None:
        """Join the bench's domain."""
        self.node = Node("latency_bench")
        self._diagnostics = PolledSubscription(
            self.node, DiagnosticArray, "diagnostics", qos.report(50)
        )
        self._plans = PolledSubscription(self.node, PlannerStatus, "planner/status", qos.report(50))
        self.figures: dict[str, dict[str, str]] = {}
        self.sentences: dict[str, str] = {}
        self.plan_times: list[float] = []
        self.cycles = (0, 0)

    def hear(self) -> None:
        """Take in what came."""
        for message in self._diagnostics.drain():
            for status in message.status:
                self.figures[status.name] = {v.key: v.value for v in status.values}
                self.sentences[status.name] = status.message
        for plan in self._plans.drain():
            self.cycles = (plan.cycles, plan.misses)
            if not plan.hold_reason:
                self.plan_times.append(1e3 * plan.plan_time)

    def wait(self, what: str, done: Callable[[], bool], limit: float) -> None:
        """Wait until a condition holds, up to a time limit [s]."""
        end = time.monotonic() + limit
        while not done():
            if time.monotonic() > end:
                raise SystemExit(f"latency: timeout while waiting: {what}; {self.sentences}")
            self.hear()
            time.sleep(0.05)


def start(command: str, *words: str) -> subprocess.Popen[bytes]:
    """Start a graph in the background."""
    line = [sys.executable, "-m", "gpc_ros.cli.main", command, f"sdk_domain:={SDK_DOMAIN}", *words]
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, start_new_session=True)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a graph and wait for it."""
    process.send_signal(signal.SIGINT)
    process.wait(60.0)


def _is_params(word: str) -> bool:
    return word.startswith("params:=")


def measure(seconds: float, priority: bool, words: list[str]) -> dict[str, Any]:
    """Run once and return the metrics."""
    listener = Listener()
    given = {name: [] if priority else [text] for name, text in WITHOUT.items()}
    robot = start("emulate-robot", *given["emulator"])
    driver = None
    try:
        listener.wait("the emulator", lambda: "emulator" in listener.sentences, START)
        params = ["bridge.unitree.echo=true"]
        params += [w.removeprefix("params:=") for w in given["hardware"] + words if _is_params(w)]
        driver = start(
            "hardware", "auto_arm:=true", "record:=false", "goal:=2.5,1.0,0.5",
            f"params:={','.join(params)}", *(w for w in words if not _is_params(w)),
        )  # fmt: skip
        listener.wait(
            "a walking robot",
            lambda: listener.sentences.get("bridge", "").startswith("active"),
            START,
        )
        before = listener.cycles
        listener.plan_times.clear()
        until = time.monotonic() + seconds
        listener.wait("the end", lambda: time.monotonic() >= until, seconds + 10.0)
        cycles, misses = (b - a for a, b in zip(before, listener.cycles, strict=True))
        found: dict[str, Any] = {
            f"{node}: {name} {part} [ms]": float(listener.figures[node][f"{name} {part} [ms]"])
            for node, names in KEPT.items()
            for name in names
            for part in ("p50", "p99", "max")
        }
        times = sorted(listener.plan_times)
        found |= {
            "state at the end": listener.sentences["bridge"],
            "plans": cycles,
            "plans missed": misses,
            "plan time p50 [ms]": round(times[len(times) // 2], 2) if times else None,
            "cpu [cores]": {
                "driver": float(listener.figures["bridge"]["driver cpu [cores]"]),
                **{n: float(values["cpu [cores]"]) for n, values in listener.figures.items()},
            },
        }
        return found
    finally:
        for process in (driver, robot):
            if process is not None and process.poll() is None:
                end(process)
        listener.node.destroy_node()


def main() -> None:
    """Measure in both modes and print or write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=40.0, help="of each of the two runs")
    parser.add_argument(
        "--modes", default="real time,normal", help="modes to run, separated by commas"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("words", nargs="*", help="name:=value for gpc hardware")
    options = parser.parse_args()
    os.environ["ROS_DOMAIN_ID"] = str(ROS_DOMAIN)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    inherited = dict(os.environ)  # environment for the nodes
    avoid_shared_memory()
    rclpy.init()
    os.environ.clear()
    os.environ.update(inherited)
    results: dict[str, Any] = {"made_with": made_with(), "seconds": options.seconds}
    results["words"] = options.words
    for name in options.modes.split(","):
        results[name] = measure(options.seconds, name == "real time", options.words)
        print(f"{name}: {json.dumps(results[name], indent=1)}", flush=True)
    if options.out is not None:
        write_atomic(options.out, json.dumps(results, indent=1) + "\n")
    rclpy.shutdown()


if __name__ == "__main__":
    main()
