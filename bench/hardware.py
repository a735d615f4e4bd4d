"""The whole hardware path over many seeds: does box_push succeed on the emulated Go2?

    python bench/hardware.py --seeds 0:5 [--out FILE.json] [name:=value ...]

Starts ``gpc emulate-robot`` and ``gpc hardware`` once a seed, with the ages and limits of the
configuration; the goal is the one that the seed's episode has. Poses are the emulator's, with the
noise of its motion capture. Figures are read from the bag that each run leaves. Finished seeds are
kept in the file and not run again. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.live import figures, summary
from gpc_ros.evaluation.provenance import made_with
from gpc_ros.files import write_whole
from gpc_ros.tasks import make_task

# Domains of the bench: of ROS, and of the robot.
ROS_DOMAIN, SDK_DOMAIN = 63, 163
_TASK = "box_push"


def command(name: str, *words: str) -> list[str]:
    """Return a command of gpc on the bench's domain of the robot."""
    return [sys.executable, "-m", "gpc_ros.cli.main", name, f"sdk_domain:={SDK_DOMAIN}", *words]


def run(seed: int, words: list[str]) -> dict[str, Any]:
    """Run one seed and return its figures.

    Raises:
        SystemExit: the run did not end as it should.
    """
    goal = ",".join(f"{value:.4f}" for value in make_task(_TASK).sample_episode(seed).goal)
    environment = {**os.environ, "ROS_DOMAIN_ID": str(ROS_DOMAIN)}
    robot = subprocess.Popen(
        command("emulate-robot", f"task:={_TASK}", f"seed:={seed}"),
        stdout=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            given = [f"task:={_TASK}", f"goal:={goal}", "auto_arm:=true", "report:=false"]
            done = subprocess.run(
                command("hardware", *given, f"out:={out}", *words),
                capture_output=True,
                text=True,
                check=False,
                env=environment,
            )
            lines = done.stdout.replace("\r", "\n").splitlines()
            verdict = [line for line in lines if line.startswith(("success after", "FAILED after"))]
            if done.returncode not in (0, 1) or not verdict:
                raise SystemExit(f"seed {seed}: it did not end as it should:\n{done.stdout}")
            return {"seed": seed, "verdict": verdict[0], **figures(out / "bag")} | {
                "success": done.returncode == 0,
                "time_s": float(verdict[0].split()[2]),
            }
    finally:
        robot.send_signal(signal.SIGINT)
        robot.wait(60.0)


def main() -> None:
    """Run the seeds and print one line each, then the summary."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", default="0:5", help="first:last+1")
    parser.add_argument("--out", type=Path, help="JSON file to write, and to go on from")
    parser.add_argument("words", nargs="*", metavar="name:=value", help="for gpc hardware")
    options = parser.parse_args()
    runs: list[dict[str, Any]] = []
    if options.out is not None and options.out.exists():
        before = json.loads(options.out.read_text(encoding="utf-8"))
        if before["words"] != options.words:
            raise SystemExit(f"{options.out} holds runs with {before['words']}; choose another")
        runs = before["runs"]
    known = {r["seed"] for r in runs}
    first, last = (int(number) for number in options.seeds.split(":"))
    for seed in range(first, last):
        if seed in known:
            continue
        runs.append(run(seed, options.words))
        print(json.dumps(runs[-1]), flush=True)
        if options.out is not None:
            head = {"words": options.words, "made_with": made_with()}
            write_whole(options.out, json.dumps({**head, "runs": runs}, indent=1) + "\n")
    print(summary(runs))


if __name__ == "__main__":
    main()
