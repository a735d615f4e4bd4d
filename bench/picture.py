"""The picture in the README: three moments of a run's video, side by side.

make sim ARGS="seed:=7 out:=runs/picture"
python bench/picture.py runs/picture docs/images/box_push.jpg
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import imageio_ffmpeg

# Shares of the video that are shown, and what is cut out of its 960 x 540 pixels.
_MOMENTS = (0.03, 0.28, 0.93)
_CROP = "crop=640:400:200:110"


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("out", type=Path, help="JPEG file to write")
    options = parser.parse_args()
    video = options.run / "episode.mp4"
    frames, _ = imageio_ffmpeg.count_frames_and_secs(str(video))
    chosen = "+".join(f"eq(n,{round(share * frames)})" for share in _MOMENTS)
    steps = f"select='{chosen}',{_CROP},scale=500:-1,tile=3x1:padding=4:color=white"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", str(video)]
    command += ["-vf", steps, "-fps_mode", "passthrough", "-frames:v", "1", "-q:v", "3"]
    subprocess.run([*command, str(options.out)], check=True)


if __name__ == "__main__":
    main()
