"""The video plays in real time and keeps robot, object and goal in view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import mujoco
import numpy as np
import pytest

from gpc_ros.cli.main import main
from gpc_ros.common.errors import BagError
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.report.camera import follow
from gpc_ros.report.markers import goal_ghost, shadows
from gpc_ros.report.video import (
    Motion,
    VideoConfig,
    VideoError,
    frame_times,
    write_poster,
    write_video,
)
from gpc_ros.tasks import build_model, make_task

Make = Callable[..., Any]
SMALL = VideoConfig(width=160, height=96, rate=10, smoothing=1.0)

# An open box: five sides, nothing on top.
CONCAVE = """v -.2 -.2 0\nv .2 -.2 0\nv .2 .2 0\nv -.2 .2 0
v -.2 -.2 .3\nv .2 -.2 .3\nv .2 .2 .3\nv -.2 .2 .3
f 1 3 2\nf 1 4 3\nf 1 2 6\nf 1 6 5\nf 2 3 7\nf 2 7 6\nf 3 4 8\nf 3 8 7\nf 4 1 5\nf 4 5 8
"""


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return build_model(make_task("box_push"), "plant", make_walker("trot").gains)


def motion(duration: float = 1.0) -> Motion:
    start = make_task("box_push").sample_episode(0)
    time = np.linspace(0.0, duration, 30)
    qpos = np.tile(start.qpos, (30, 1))
    qpos[:, 0] += 0.5 * time
    return Motion(time, qpos, start.goal, "box")


def pictures(path: Path) -> list[np.ndarray]:
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return [np.frombuffer(f, dtype=np.uint8).reshape(height, width, 3) for f in reader]


def test_the_video_plays_in_real_time(tmp_path: Path, model: mujoco.MjModel) -> None:
    path = tmp_path / "episode.mp4"
    assert write_video(model, motion(1.2), path, SMALL) == 13
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert frames == 13
    assert seconds == pytest.approx(1.3, abs=0.05)
    shown = pictures(path)
    assert shown[0].shape == (96, 160, 3)
    assert shown[0].std() > 10.0  # not one colour
    assert np.abs(shown[0].astype(float) - shown[-1]).mean() > 0.5  # something moves


def test_the_goal_is_drawn_as_a_green_ghost(tmp_path: Path, model: mujoco.MjModel) -> None:
    # The floor is grey and the box brown, so pixels with much more green than red are the ghost.
    def green(goal: Any) -> int:
        moving = Motion(motion().time, motion().qpos, goal, "box")
        write_poster(model, moving, 0.5, tmp_path / "p.png", (160, 96))
        picture = pictures(tmp_path / "p.png")[0].astype(int)
        return int((picture[..., 1] - picture[..., 0] > 25).sum())

    assert green(motion().goal) > 40 > 4 * green(None)


def test_a_single_state_makes_one_frame(tmp_path: Path, model: mujoco.MjModel) -> None:
    m = motion()
    one = Motion(m.time[:1], m.qpos[:1], None)
    assert write_video(model, one, tmp_path / "a.mp4", SMALL) == 1


def test_a_motion_without_states_is_an_error(tmp_path: Path, model: mujoco.MjModel) -> None:
    nothing = Motion(np.zeros(0), np.zeros((0, model.nq)))
    with pytest.raises(VideoError, match="nothing to film"):
        write_video(model, nothing, tmp_path / "a.mp4", SMALL)


def test_an_unwritable_file_is_an_error(tmp_path: Path, model: mujoco.MjModel) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BagError, match="cannot be written"):
        write_video(model, motion(), tmp_path / "file" / "a.mp4", SMALL)


def test_frames_are_evenly_spaced() -> None:
    assert frame_times(np.array([1.0, 2.0]), 4).tolist() == [1.0, 1.25, 1.5, 1.75, 2.0]


def test_the_camera_keeps_everything_in_view(model: mujoco.MjModel) -> None:
    m = motion(4.0)
    assert m.goal is not None
    path = follow(m.time, m.qpos, m.goal, model)
    for i in range(0, 30, 5):
        view = path.at(float(m.time[i]))
        for point in (m.qpos[i, :2], m.qpos[i, 19:21], m.goal[:2]):
            # Half of the opening angle of the picture's height is 22 degrees.
            assert np.linalg.norm(point - view.lookat[:2]) < 0.75 * view.distance
    assert path.azimuth == path.at(3.0).azimuth


def test_the_ghost_is_at_the_goal(model: mujoco.MjModel) -> None:
    start = make_task("box_push").sample_episode(0)
    goal = np.array([1.0, 2.0, np.pi / 2])
    (box,) = goal_ghost(model, start.qpos, goal, "box")
    assert box.position == pytest.approx([1.0, 2.0, 0.175])
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    assert box.rotation.reshape(3, 3)[:2, :2] == pytest.approx(quarter, abs=1e-9)
    robot = goal_ghost(model, start.qpos, goal, "")
    assert len(robot) > 10
    assert np.mean([mark.position[:2] for mark in robot], axis=0) == pytest.approx([1, 2], abs=0.1)
    assert goal_ghost(model, start.qpos, None, "box") == []


def test_shadows_are_on_the_floor(model: mujoco.MjModel) -> None:
    data = mujoco.MjData(model)
    data.qpos[:] = motion().qpos[0]
    mujoco.mj_kinematics(model, data)
    marks = shadows(model, data)
    assert all(0.0 < mark.position[2] < 0.01 for mark in marks)
    assert any(np.allclose(mark.position[:2], data.qpos[19:21]) for mark in marks)


def test_the_command_writes_page_video_and_poster(
    tmp_path: Path, made_run: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    made_run(end=0.2).write(tmp_path / "run" / "bag")
    assert main(["report", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out.split()
    names = ["report.html", "episode.mp4", "poster.png"]
    assert [Path(line).name for line in out] == names
    assert all((tmp_path / "run" / name).stat().st_size > 1000 for name in names)
    assert "data:video/mp4" in (tmp_path / "run" / "report.html").read_text()
    frames, _ = imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "run" / "episode.mp4"))
    assert frames == 18  # half a second before the goal and 0.2 s after it, at 25 Hz


def test_the_command_can_skip_the_video(
    tmp_path: Path, made_run: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made_run(end=0.5).write(tmp_path / "run" / "bag")
    (folder / "metadata.yaml").unlink()
    file = folder / "bag.mcap"
    file.write_bytes(file.read_bytes()[:-20])
    out = tmp_path / "other" / "page.html"
    assert main(["report", str(folder), "--out", str(out), "--no-video"]) == 0
    captured = capsys.readouterr()
    assert captured.out.split() == [str(out)]
    assert "lacks its end" in captured.err
    assert sorted(p.name for p in out.parent.iterdir()) == ["page.html"]


def test_the_command_rejects_a_folder_without_a_bag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "absent")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_ghost_of_a_mesh_is_not_its_hull(tmp_path: Path) -> None:
    spec = mujoco.MjSpec()
    file = tmp_path / "bowl.obj"
    file.write_text(CONCAVE)
    spec.add_mesh(name="bowl", file=str(file), inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
    thing = spec.worldbody.add_body(name="thing")
    thing.add_freejoint()
    thing.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="bowl", mass=1.0)
    made = spec.compile()
    (ghost,) = goal_ghost(made, made.qpos0, np.array([1.0, 2.0, 0.0]), "thing")
    assert (ghost.type, ghost.mesh) == (mujoco.mjtGeom.mjGEOM_MESH, 0)
    assert ghost.position[:2] == pytest.approx([1.0, 2.0], abs=0.2)
