"""What the viewer costs the planner: live runs without it, with it, and with somebody watching.

    python bench/view.py --seeds 0:4 [--out FILE.json] [name:=value ...]

Runs ``gpc sim`` in turn without the viewer, with it and nobody watching, and with a client that
takes in everything the page would (a browser on this machine would cost what drawing costs, and
that is not the viewer's). Prints deadline misses and plan time of each and the ratios to the runs
without it. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import sys
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.live import run
from gpc_ros.files import write_whole

WAYS = ("without", "unwatched", "watched")
_RETRY = 0.5  # [s]


class Watcher:
    """A client of the page that takes everything in and draws nothing.

    Attributes:
        messages: number of batches that came.
    """

    def __init__(self, port: int) -> None:
        """Connect as soon as the page is there."""
        self.messages = 0
        self._url = f"ws://127.0.0.1:{port}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        protocol: Any = f"viser-v{version('viser')}"
        while not self._stop.wait(_RETRY):
            with (
                contextlib.suppress(OSError, WebSocketException),
                connect(self._url, subprotocols=[protocol], max_size=None) as page,
            ):
                page.send(msgspec.msgpack.encode(_CAMERA))  # from then on it counts as watched
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
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(way: str, seed: int, words: list[str]) -> dict[str, Any]:
    """Run one seed in one way and return its figures.

    Raises:
        SystemExit: the page was to be watched and never was.
    """
    if way == "without":
        return run(seed, words)
    port = free_port()
    given = [w for w in words if not w.startswith("params:=")]
    params = [w.removeprefix("params:=") for w in words if w.startswith("params:=")]
    given += ["view:=true", "params:=" + ",".join([*params, f"view.port={port}"])]
    watcher = Watcher(port) if way == "watched" else None
    try:
        result = run(seed, given)
    finally:
        if watcher is not None:
            watcher.close()
    if watcher is not None:
        if not watcher.messages:
            raise SystemExit(f"seed {seed}: the page was never reached on port {port}")
        result["batches"] = watcher.messages
    return result


def main() -> None:
    """Run the seeds in turn in every way and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", default="0:4", help="first:last+1")
    parser.add_argument("--out", type=Path)
    parser.add_argument("words", nargs="*", metavar="name:=value")
    options = parser.parse_args()
    runs: list[dict[str, Any]] = []
    first, last = (int(number) for number in options.seeds.split(":"))
    for seed in range(first, last):
        for way in WAYS:
            runs.append({"way": way, **measure(way, seed, options.words)})
            print(json.dumps(runs[-1]), flush=True)
            if options.out is not None:
                head = {"words": options.words, "viser": version("viser")}
                write_whole(options.out, json.dumps({**head, "runs": runs}, indent=1) + "\n")
    print(summary(runs))


def summary(runs: list[dict[str, Any]]) -> str:
    """Return the figures of each way, and their ratios to the runs without the viewer."""
    lines: list[str] = []
    first: dict[str, float] = {}
    for way in WAYS:
        mine = [r for r in runs if r["way"] == way]
        cycles, misses = sum(r["cycles"] for r in mine), sum(r["misses"] for r in mine)
        found = {n: float(np.median([r[n] for r in mine])) for n in ("plan_p50_ms", "plan_p99_ms")}
        first = first or found
        ratios = ", ".join(
            f"{name} {value:.2f} (ratio {value / first[name]:.3f})" for name, value in found.items()
        )
        share = 100.0 * misses / max(cycles, 1)
        lines.append(f"{way}: {misses} of {cycles} deadlines missed ({share:.2f} %), {ratios}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
