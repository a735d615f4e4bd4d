"""Measure how fast bags are written, replayed, reported and exported.

    python bench/recording.py [--minutes 10] [--bag RUN] [--out FILE.json]

Prints each part as soon as it is measured:

- write: messages and bytes per second through recorder and writer, flushed and synced as live;
- replay: speed of ``gpc bag replay`` relative to real time;
- report, export: time and peak memory for a bag of the given length, made by repeating a run.

``--parts`` selects parts. ``bench/bystanders.py`` measures the effect of recording on the planner.
Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpc_ros.bag import topics
from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_recorder import Recorder
from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.bag.message_types import codec
from gpc_ros.common.files import write_atomic
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.replay.cycle_replay import Replay

PARTS = ("write", "replay", "report", "export")
# Types that begin with a header; the stamp follows the four bytes of CDR encapsulation.
_STAMP = struct.Struct("<iI")


def gpc(*words: str) -> tuple[str, float, float]:
    """Run a command; return its output, duration [s] and peak memory [MB]."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gpc_ros.cli.main", *words],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        output.seek(0)
        text = output.read()
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        raise SystemExit(f"gpc {' '.join(words)} ended with {code}:\n{text}")
    return text, seconds, usage.ru_maxrss / 1024.0


def write(bag: BagReader, folder: Path, repeats: int = 8) -> dict[str, Any]:
    """Return messages and bytes per second that a recorder writes without dropping any."""
    messages = list(bag.raw())
    recorder = Recorder(folder / "written", None, {"task": "bench"})
    begin = time.perf_counter()
    for k in range(repeats):
        for name, moment, data in messages:
            recorder.put(name, bag.topics[name].type, data, moment + k * 10**10)
        while recorder.status().waiting > 16e6:
            time.sleep(0.002)  # the queue is bounded; this measures the writer
    status = recorder.close()
    seconds = time.perf_counter() - begin
    return {
        "messages_per_s": round(sum(status.counts.values()) / seconds),
        "MB_per_s": round(status.bytes * 1e-6 / seconds, 2),
        "dropped": status.dropped,
        "live_messages_per_s": round(bag.count / _length(bag)),
        "compressed_share": round(_size(folder / "written") / status.bytes, 3),
    }


def replay(bag: BagReader) -> dict[str, Any]:
    """Return the replay speed relative to real time, and whether the replay was exact."""
    recorded = Replay(bag)
    begin = time.perf_counter()
    results = recorded.run()
    seconds = time.perf_counter() - begin
    span = recorded.records[-1].inputs.now - recorded.records[0].inputs.now
    return {
        "cycles": len(results),
        "exact": sum(result.exact for result in results),
        "times_real_time": round(span / seconds, 2),
    }


def lengthened(bag: BagReader, folder: Path, minutes: float) -> Path:
    """Write a bag of the given length by repeating a run with shifted stamps."""
    writer = BagWriter(folder, bag.info)
    for topic in bag.topics.values():
        writer.add_topic(topic.name, topic.type, topic.qos)
    messages = list(bag.raw())
    step = _length(bag) + 0.01
    for k in range(max(1, round(60.0 * minutes / step))):
        shift = round(k * step * 1e9)
        for name, moment, data in messages:
            if k and topics.find(bag, topics.PARAMETERS) == name:
                continue
            writer.write(name, _moved(bag.topics[name].type, data, shift), moment + shift)
    writer.close()
    return folder


def _moved(kind: str, data: bytes, shift: int) -> bytes:
    """Return a message with its stamps shifted by a time [ns]."""
    if kind in ("tf2_msgs/msg/TFMessage", "std_msgs/msg/String"):
        return data
    if kind.endswith(("/PlannerCycle", "/Plan")):
        known = codec(kind)
        message = known.decode(data)
        for name in ("stamp", "now", "start", "expiry"):
            if isinstance(getattr(message, name, None), float):
                setattr(message, name, getattr(message, name) + 1e-9 * shift)
        others = [getattr(message, name, None) for name in ("start", "expiry")]
        for moment in (message.header.stamp, *(m for m in others if hasattr(m, "nanosec"))):
            total = moment.sec * 10**9 + moment.nanosec + shift
            moment.sec, moment.nanosec = divmod(total, 10**9)
        return known.encode(message)
    sec, nanosec = _STAMP.unpack_from(data, 4)
    return data[:4] + _STAMP.pack(*divmod(sec * 10**9 + nanosec + shift, 10**9)) + data[12:]


def _length(bag: BagReader) -> float:
    """Return the duration of a bag [s]."""
    first = min(topic.first for topic in bag.topics.values())
    return (max(topic.last for topic in bag.topics.values()) - first) * 1e-9


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.mcap"))


def main() -> None:
    """Run and print each part; write the file at the end."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the long bag")
    parser.add_argument("--bag", type=Path, help="a recorded run; without it, one is made")
    parser.add_argument(
        "--parts", default=",".join(PARTS), help="parts to run, separated by commas"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    options = parser.parse_args()
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        raise SystemExit(
            f"--parts: unknown {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}"
        )
    found: dict[str, Any] = {"made_with": made_with()}

    def tell(name: str, figures: dict[str, Any]) -> None:
        found[name] = figures
        print(f"{name}: {json.dumps(figures)}", flush=True)

    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        run = options.bag or folder / "run"
        if options.bag is None:
            gpc("sim", "seed:=0", "report:=false", f"out:={run}")
        if "write" in parts:
            tell("write", write(BagReader(run), folder))
        if "replay" in parts:
            tell("replay", replay(BagReader(run)))
        if {"report", "export"} & set(parts):
            bag = lengthened(BagReader(run), folder / "long" / "bag", options.minutes)
            size = {"minutes": options.minutes, "bag_MB": round(_size(bag) * 1e-6, 1)}
            for name, words in (("report", ["--no-video"]), ("export", [])):
                if name in parts:
                    _, seconds, memory = gpc(name, str(bag), *words)
                    tell(name, {**size, "seconds": round(seconds, 1), "memory_MB": round(memory)})
    if options.out is not None:
        write_atomic(options.out, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
