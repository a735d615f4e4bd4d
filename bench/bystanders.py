"""Measure how recorder and viewer affect control: live runs without them, with each, and watched.

    python bench/bystanders.py --seeds 0:10 --out docs/results/bystanders.json [name:=value ...]

Each seed runs in four ways, in an order that changes from seed to seed because the speed of a
machine drifts: ``alone`` (neither), ``recorder``, ``viewer`` (no client connected) and ``watched``
(a client receives all data of the page without drawing, which leaves out the cost of a browser).
Prints the metrics of each run, read from ``diagnostics``, and the paired differences to ``alone``
with 95 % intervals. Finished runs are kept in the file and not repeated. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.node import Node
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from gpc_ros.common.files import write_atomic
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.evaluation.statistics import bootstrap, paired_difference
from gpc_ros.ros import qos
from gpc_ros.ros.middleware import avoid_shared_memory
from gpc_ros.ros.polling import PolledSubscription

WAYS = ("alone", "recorder", "viewer", "watched")
_RETRY = 0.5  # [s]
_ADDRESS = re.compile(r"view: (http://\S+)")
_MISSED = re.compile(r"plans\s+[\d.]+ Hz .*?\| missed (\d+) \(([\d.]+) %\)")
_VERDICT = re.compile(r"^(?:success|FAILED) after ([\d.]+) s.*$", re.MULTILINE)
# Recorded metrics from the diagnostics of the nodes: node, key, short name.
_FIGURES = (
    ("planner", "plan time p50 [ms]", "plan_p50_ms"),
    ("planner", "plan time p99 [ms]", "plan_p99_ms"),
    ("planner", "state age p99 [ms]", "state_age_p99_ms"),
    ("bridge", "period p99 [ms]", "period_p99_ms"),
    ("bridge", "period max [ms]", "period_max_ms"),
    ("bridge", "measurement to command p99 [ms]", "reading_to_command_p99_ms"),
)


class Listener:
    """Records the diagnostics of the nodes while the robot is active."""

    def __init__(self) -> None:
        """Join the graph; call ``avoid_shared_memory`` first."""
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = Node("bystander", context=self._context)
        self._said = PolledSubscription(self._node, DiagnosticArray, "diagnostics", qos.report(100))
        self._figures: dict[str, float] = {}
        self._cpu: dict[str, list[float]] = {}
        self._active = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(_RETRY):
            for message in self._said.drain():
                for status in message.status:
                    self._take(status.name, status.message, {v.key: v.value for v in status.values})

    def _take(self, name: str, sentence: str, values: dict[str, str]) -> None:
        if name == "bridge":
            self._active = "active" in sentence
        if not self._active:
            return
        self._cpu.setdefault(name, []).append(float(values["cpu [cores]"]))
        for node, key, short in _FIGURES:
            if node == name:
                self._figures[short] = float(values[key])

    def close(self) -> dict[str, Any]:
        """Leave the graph and return the last metrics and the median CPU load of each node."""
        self._stop.set()
        self._thread.join()
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)
        cores = {name: round(float(np.median(v)), 3) for name, v in sorted(self._cpu.items())}
        return {**self._figures, "cpu_cores": cores}


class Watcher:
    """A client of the page that receives all data and draws nothing.

    Attributes:
        messages: number of received batches.
    """

    def __init__(self, url: str) -> None:
        """Connect to the page at the address that the viewer printed."""
        self.messages = 0
        self._url = url.replace("http:", "ws:").rstrip("/")
        self._origin: Any = url[: url.index("/", len("http://"))]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        protocol: Any = f"viser-v{version('viser')}"
        while not self._stop.wait(_RETRY):
            with (
                contextlib.suppress(OSError, WebSocketException),
                connect(
                    self._url, subprotocols=[protocol], origin=self._origin, max_size=None
                ) as page,
            ):
                page.send(
                    msgspec.msgpack.encode(_CAMERA)
                )  # the viewer counts as watched from here on
                while not self._stop.is_set():
                    with contextlib.suppress(TimeoutError):
                        page.recv(timeout=_RETRY)
                        self.messages += 1

    def close(self) -> None:
        """Disconnect."""
        self._stop.set()
        self._thread.join()


_CAMERA = {
    "type": "ViewerCameraMessage", "wxyz": (1.0, 0.0, 0.0, 0.0), "position": (0.0, 0.0, 3.0),
    "fov": 0.8, "near": 0.01, "far": 100.0, "image_height": 800, "image_width": 1280,
    "look_at": (0.0, 0.0, 0.0), "up_direction": (0.0, 0.0, 1.0),
}  # fmt: skip


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stolen() -> float:
    """Return the steal time of all cores since boot [s]."""
    stat = Path("/proc/stat")
    fields = stat.read_text().split("\n")[0].split() if stat.exists() else []
    return float(fields[8]) / os.sysconf("SC_CLK_TCK") if len(fields) > 8 else 0.0


def measure(way: str, seed: int, words: list[str]) -> dict[str, Any]:
    """Run one seed in one way and return its metrics.

    Raises:
        SystemExit: the run failed to end normally, or no client reached the page.
    """
    given = [w for w in words if not w.startswith("params:=")]
    params = [w.removeprefix("params:=") for w in words if w.startswith("params:=")]
    port = free_port()
    if way in ("viewer", "watched"):
        given.append("view:=true")
        params.append(f"view.port={port}")
    if params:
        given.append("params:=" + ",".join(params))
    recorded = str(way == "recorder").lower()
    watcher: Watcher | None = None
    lines: list[str] = []
    listener, before = Listener(), stolen()
    try:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "gpc_ros.cli.main", "sim", *given]
            command += [f"seed:={seed}", f"record:={recorded}", "report:=false", f"out:={folder}/r"]
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as done:
                assert done.stdout is not None
                for line in done.stdout:
                    lines.append(line)
                    address = _ADDRESS.search(line)
                    if address and way == "watched" and watcher is None:
                        watcher = Watcher(address[1])
    finally:
        said = listener.close()
        if watcher is not None:
            watcher.close()
    text = "".join(lines)
    missed, verdict = _MISSED.findall(text), _VERDICT.search(text)
    if done.returncode not in (0, 1) or not missed or verdict is None:
        raise SystemExit(f"seed {seed}, {way}: the run failed to end normally:\n{text}")
    result = {
        "way": way,
        "seed": seed,
        "success": done.returncode == 0,
        "time_s": float(verdict[1]),
        "verdict": verdict[0],
        "stolen_s": round(stolen() - before, 2),
        "missed": int(missed[-1][0]),
        "missed_percent": float(missed[-1][1]),
        **said,
    }
    if way == "watched":
        if watcher is None or not watcher.messages:
            raise SystemExit(f"seed {seed}: the page was never reached on port {port}")
        result["batches"] = watcher.messages
    return result


def main() -> None:
    """Run the seeds in every way and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", default="0:10", help="first:last+1")
    parser.add_argument("--ways", default=",".join(WAYS), help="ways to run, separated by commas")
    parser.add_argument("--out", type=Path, help="JSON file to write and to resume from")
    parser.add_argument("words", nargs="*", metavar="name:=value", help="for gpc sim")
    options = parser.parse_args()
    avoid_shared_memory()
    ways = options.ways.split(",")
    if unknown := set(ways) - set(WAYS):
        raise SystemExit(f"--ways: unknown {', '.join(sorted(unknown))}; known: {', '.join(WAYS)}")
    runs: list[dict[str, Any]] = []
    if options.out is not None and options.out.exists():
        before = json.loads(options.out.read_text(encoding="utf-8"))
        if before["words"] != options.words:
            raise SystemExit(f"{options.out} holds runs with {before['words']}; choose another")
        runs = before["runs"]
    known = {(r["way"], r["seed"]) for r in runs}
    first, last = (int(number) for number in options.seeds.split(":"))
    for seed in range(first, last):
        for way in random.Random(seed).sample(ways, len(ways)):
            if (way, seed) in known:
                continue
            runs.append(measure(way, seed, options.words))
            print(json.dumps(runs[-1]), flush=True)
            if options.out is not None:
                head = {"words": options.words, "made_with": made_with()}
                write_atomic(options.out, json.dumps({**head, "runs": runs}, indent=1) + "\n")
    print(summary(runs))


def summary(runs: list[dict[str, Any]]) -> str:
    """Return the metrics of each way and its differences to ``alone`` as a Markdown table."""
    by_way = {w: {r["seed"]: r for r in runs if r["way"] == w} for w in WAYS}
    names = ("missed_percent", *(short for _, _, short in _FIGURES))
    lines = [f"| figure | {' | '.join(WAYS)} |", "|---" * (len(WAYS) + 1) + "|"]
    for name in names:
        cells = []
        for way, mine in by_way.items():
            seeds = [s for s in mine if s in by_way["alone"] and name in mine[s]]
            seeds = [s for s in seeds if name in by_way["alone"][s]]
            if not seeds:
                cells.append("-")
                continue
            values = [mine[s][name] for s in seeds]
            other = [by_way["alone"][s][name] for s in seeds]
            text = f"{bootstrap(values).mean:.2f}"
            if way != "alone":
                less = paired_difference(values, other)
                text += f", {less.mean:+.2f} ({less.low:+.2f} to {less.high:+.2f})"
            cells.append(text)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    done = [f"{sum(r['success'] for r in m.values())} of {len(m)}" for m in by_way.values()]
    lines.append(f"| successes | {' | '.join(done)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
