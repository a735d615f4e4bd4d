"""The moving picture of the README: a recorded run as a looping WebP file.

make sim ARGS="seed:=7 out:=runs/picture"
python bench/film.py runs/picture docs/images/box_push.webp
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.locomotion.registry import DEFAULT_WALKER, make_walker
from gpc_ros.replay.load_run import load_run
from gpc_ros.replay.outcome import run_task
from gpc_ros.report.run_folder import run_motion
from gpc_ros.report.video import VideoConfig, write_video
from gpc_ros.tasks import build_model

# The camera leaves room at the edges: fractions of the frame that are kept, and where they begin.
_WIDTH, _HEIGHT = 0.70, 0.64
_LEFT, _TOP = 0.20, 0.24
_HOLD = 1.0  # time that the last frame stays before the loop begins again [s]
_QUALITY = 70


def main() -> None:
    """Film a run and write the loop."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("out", type=Path, help="WebP file to write")
    parser.add_argument("--width", type=int, default=800, help="width of the picture [px]")
    parser.add_argument("--rate", type=int, default=20, help="frames per second [Hz]")
    options = parser.parse_args()
    run = load_run(BagReader(options.run))
    task = run_task(run)
    if task is None:
        parser.error(f"{options.run}: the run's task is not known here")
    model = build_model(task, "plant", make_walker(DEFAULT_WALKER).gains)
    config = VideoConfig(1600, 900, options.rate, smoothing=1.0)
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "run.mp4"
        write_video(model, run_motion(run, task), video, config)
        steps = f"crop=iw*{_WIDTH}:ih*{_HEIGHT}:iw*{_LEFT}:ih*{_TOP},scale={options.width}:-2"
        steps += f":flags=area,tpad=stop_mode=clone:stop_duration={_HOLD}"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", str(video)]
        command += ["-vf", steps, "-c:v", "libwebp_anim", "-loop", "0"]
        command += ["-quality", str(_QUALITY), "-compression_level", "4", str(options.out)]
        subprocess.run(command, check=True)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
