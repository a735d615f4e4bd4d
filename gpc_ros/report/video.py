"""Render episode.mp4 from a recorded motion, without a screen.

Most machines render on the CPU, so a frame must be cheap: no shadow maps (a
soft dark patch under each body instead) and no multisampling (drawn larger and scaled down).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import mujoco
import numpy as np

from gpc_ros.common.arrays import Array
from gpc_ros.common.config import param
from gpc_ros.common.errors import BagError, GpcError
from gpc_ros.common.files import new_path
from gpc_ros.report.camera import CameraPath, follow
from gpc_ros.report.markers import Marker, goal_ghost, shadows

_HALF = 2  # libx264 needs even sizes


class VideoError(GpcError):
    """The video cannot be rendered on this machine."""


@dataclass(frozen=True)
class VideoConfig:
    """Parameters of the video."""

    width: int = param(960, "Width of the video", unit="px", low=64, high=1920)
    height: int = param(540, "Height of the video", unit="px", low=64, high=1080)
    rate: int = param(25, "Frames per second", unit="Hz", low=1, high=60)
    smoothing: float = param(
        1.25, "Frames are drawn larger by this factor and scaled down", low=1.0, high=4.0
    )


@dataclass(frozen=True)
class Motion:
    """A recorded motion.

    Attributes:
        time: (T,) [s], increasing.
        qpos: scenes (T, nq).
        goal: x [m], y [m], yaw [rad] (3,), or None.
        body: name of the body with the goal; empty for the robot.
    """

    time: Array
    qpos: Array
    goal: Array | None = None
    body: str = ""


def write_video(
    model: mujoco.MjModel, motion: Motion, path: Path, config: VideoConfig | None = None
) -> int:
    """Render a motion in real time.

    Args:
        model: the scene; quality settings in it are changed.
        motion: the recorded motion.
        path: the mp4 file.
        config: size and rate.

    Returns:
        The number of frames.

    Raises:
        VideoError: the motion is empty, or no rendering backend works.
        BagError: the file cannot be written.
    """
    config = config or VideoConfig()
    times = frame_times(motion.time, config.rate)
    size = (config.width // _HALF * _HALF, config.height // _HALF * _HALF)
    drawn = tuple(round(n * config.smoothing / _HALF) * _HALF for n in size)
    try:
        with new_path(path) as made:
            sink = imageio_ffmpeg.write_frames(
                str(made), drawn, fps=config.rate, codec="libx264", macro_block_size=2,
                output_params=["-vf", f"scale={size[0]}:{size[1]}:flags=area", "-crf", "23",
                               "-preset", "veryfast", "-movflags", "+faststart"],
            )  # fmt: skip
            with closing(sink):
                sink.send(None)
                for frame in _frames(model, motion, times, drawn, samples=0):
                    sink.send(frame)
    except OSError as error:
        raise BagError(f"{path}: the video cannot be written: {error}") from None
    return len(times)


def write_poster(
    model: mujoco.MjModel, motion: Motion, time: float, path: Path, size: tuple[int, int]
) -> None:
    """Draw one moment in full quality as a PNG file.

    Args:
        model: the scene; quality settings in it are changed.
        motion: the recorded motion.
        time: time of the picture [s].
        path: the file.
        size: width and height, at most 1920 x 1080 [px].

    Raises:
        VideoError: the motion is empty, or no rendering backend works.
        BagError: the file cannot be written.
    """
    frame_times(motion.time, 1)
    frames = _frames(model, motion, np.array([time]), size, samples=8, cast=True)
    try:
        with new_path(path) as made:
            sink = imageio_ffmpeg.write_frames(
                str(made), size, codec="png", pix_fmt_out="rgb24", macro_block_size=1,
                output_params=["-frames:v", "1", "-update", "1"],
            )  # fmt: skip
            with closing(sink):
                sink.send(None)
                sink.send(next(frames))
    except OSError as error:
        raise BagError(f"{path}: the picture cannot be written: {error}") from None


def frame_times(time: Array, rate: float) -> Array:
    """Return the times of the frames [s] that show a motion in real time.

    Raises:
        VideoError: the motion contains no states.
    """
    if not len(time):
        raise VideoError("nothing to film: the bag contains no state of robot or objects")
    count = max(int((time[-1] - time[0]) * rate) + 1, 1)
    return float(time[0]) + np.arange(count) / rate


def _frames(
    model: mujoco.MjModel,
    motion: Motion,
    times: Array,
    size: tuple[int, ...],
    samples: int,
    cast: bool = False,
) -> Iterator[Any]:
    """Yield frames (height, width, 3) uint8."""
    index = np.clip(
        np.searchsorted(motion.time, times + 1e-9, side="right") - 1, 0, len(motion.time) - 1
    )
    cameras = follow(motion.time, motion.qpos, motion.goal, model)
    goal = goal_ghost(model, motion.qpos[0], motion.goal, motion.body)
    data = mujoco.MjData(model)
    model.vis.quality.offsamples = samples
    if cast:
        model.vis.quality.shadowsize = 8192
    else:
        # Coarser round shapes save a quarter of the time.
        model.vis.quality.numslices, model.vis.quality.numstacks = 16, 9
        # Without shadow maps MuJoCo lights the floor less.
        model.vis.headlight.ambient[:] = 0.44
        model.vis.headlight.diffuse[:] = 0.36
    model.vis.global_.offwidth, model.vis.global_.offheight = size
    with _Canvas(model, size) as canvas:
        canvas.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = cast
        canvas.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        for i, time in zip(index, times, strict=True):
            data.qpos[:] = motion.qpos[i]
            mujoco.mj_kinematics(model, data)
            mujoco.mj_camlight(model, data)
            canvas.point(cameras, float(time))
            extra = [] if cast else shadows(model, data)
            yield canvas.draw(model, data, goal + extra)


class _Canvas:
    """MuJoCo's rendering context for an image in memory."""

    def __init__(self, model: mujoco.MjModel, size: tuple[int, ...]) -> None:
        self._model = model
        self._width, self._height = size
        self.scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 400)
        self._camera = mujoco.MjvCamera()
        self._option = mujoco.MjvOption()
        self._image = np.empty((self._height, self._width, 3), dtype=np.uint8)

    def __enter__(self) -> _Canvas:
        # The backend is chosen here, since mujoco may have been imported before.
        backend = os.environ.get("MUJOCO_GL") or "egl"
        try:
            module = importlib.import_module(f"mujoco.{backend}")
            self._gl = module.GLContext(self._width, self._height)
            self._gl.make_current()
            self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except Exception as error:  # each backend fails in its own way
            raise VideoError(
                f"no picture can be drawn with MUJOCO_GL={backend}: {error}; install libegl1 (or "
                "set MUJOCO_GL to osmesa or glfw), or use --no-video"
            ) from None
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        return self

    def __exit__(self, *_: object) -> None:
        self._context.free()
        self._gl.free()

    def point(self, cameras: CameraPath, time: float) -> None:
        """Point the camera at the scene of a time [s]."""
        view = cameras.at(time)
        self._camera.lookat[:] = view.lookat
        self._camera.distance = view.distance
        self._camera.azimuth = view.azimuth
        self._camera.elevation = view.elevation

    def draw(self, model: mujoco.MjModel, data: mujoco.MjData, extra: list[Marker]) -> Any:
        """Return the picture (height, width, 3) of a scene with additional shapes."""
        mujoco.mjv_updateScene(
            model, data, self._option, mujoco.MjvPerturb(), self._camera,
            mujoco.mjtCatBit.mjCAT_ALL, self.scene,
        )  # fmt: skip
        for marker in extra:
            if self.scene.ngeom >= self.scene.maxgeom:
                break
            geom = self.scene.geoms[self.scene.ngeom]
            mujoco.mjv_initGeom(
                geom, marker.type, marker.size, marker.position, marker.rotation, marker.rgba
            )
            if marker.type == mujoco.mjtGeom.mjGEOM_MESH:
                geom.dataid = 2 * marker.mesh  # odd numbers are convex hulls
            geom.category = mujoco.mjtCatBit.mjCAT_DECOR
            self.scene.ngeom += 1
        view = mujoco.MjrRect(0, 0, self._width, self._height)
        mujoco.mjr_render(view, self.scene, self._context)
        mujoco.mjr_readPixels(self._image, None, view, self._context)
        return np.ascontiguousarray(self._image[::-1])
