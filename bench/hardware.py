"""Run box_push over many seeds through the whole hardware path, on the emulated Go2.

    python bench/hardware.py --seeds 0:5 [--out FILE.json] [name:=value ...]

Starts ``gpc emulate-robot`` and ``gpc hardware`` once per seed with the configured ages and limits
and the goal of the episode. Poses come from the emulator, with motion capture noise. Metrics are
read from the bag of each run. Finished seeds are kept in the file and not repeated. Run it on an
idle machine.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.live import outcome, run_seeds
from gpc_ros.tasks import make_task

# DDS domains of the bench: ROS and robot.
ROS_DOMAIN, SDK_DOMAIN = 63, 163
_TASK = "box_push"


def command(name: str, *words: str) -> list[str]:
    """Return a gpc command line with the robot domain of the bench."""
    return [sys.executable, "-m", "gpc_ros.cli.main", name, f"sdk_domain:={SDK_DOMAIN}", *words]


def run(seed: int, words: list[str]) -> dict[str, Any]:
    """Run one seed and return its metrics.

    Raises:
        SystemExit: the run failed to end normally.
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
            return outcome(seed, done, out / "bag")
    finally:
        robot.send_signal(signal.SIGINT)
        robot.wait(60.0)


if __name__ == "__main__":
    run_seeds(__doc__ or "", run)
