"""A colcon workspace as people have it: the repository cloned into ws/src/gpc_ros."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from source_copy import REPO, copy_sources

COLCON = (sys.executable, "-m", "colcon")
# The one argument that docs/install.md states: colcon and rosdep do not look inside a package.
BASE_PATHS = ("src", "src/gpc_ros/gpc_msgs")


def environment() -> dict[str, str]:
    """Return the environment in which colcon builds against the ROS wheels, as `make colcon`."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("COLCON_", "AMENT_", "CMAKE_"))
    }
    kept.pop("PYTHONPATH", None)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**kept, "PATH": path, "AMENT_PREFIX_PATH": sys.prefix}


def test_crawlers_of_ros_find_both_packages(tmp_path: Path) -> None:
    """The crawler of rosdep and catkin_pkg stops at a package, so the second path is needed."""
    packages = pytest.importorskip("catkin_pkg.packages")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/gpc_ros").symlink_to(REPO, target_is_directory=True)
    names = set()
    for base in BASE_PATHS:
        names |= {p.name for p in packages.find_packages(str(tmp_path / base)).values()}
    assert names == {"gpc_ros", "gpc_msgs"}


def test_the_install_page_states_the_same_argument() -> None:
    text = (REPO / "docs/install.md").read_text(encoding="utf-8")
    assert f"colcon build --base-paths {' '.join(BASE_PATHS)}" in text
    assert f"rosdep install --from-paths {' '.join(BASE_PATHS)}" in text


@pytest.mark.integration
def test_a_workspace_builds_and_gpc_is_on_path(tmp_path: Path) -> None:
    copy_sources(tmp_path / "src/gpc_ros")
    wheels_only = [
        f"-DCMAKE_PROJECT_INCLUDE={REPO}/gpc_msgs/cmake/pip.cmake",
        f"-DPython3_EXECUTABLE={sys.executable}",
        "-DBUILD_TESTING=OFF",
    ]
    build = subprocess.run(
        [*COLCON, "build", "--base-paths", *BASE_PATHS, "--cmake-args", *wheels_only],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert build.returncode == 0, build.stdout + build.stderr
    assert "2 packages finished" in build.stdout
    script = (
        "source install/setup.bash && command -v gpc && cd / && gpc sim --dry-run"
        " && ! command -v recorder"
    )
    use = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path, env=environment() | {"PATH": os.defpath}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert use.returncode == 0, use.stdout + use.stderr
    installed = tmp_path / "install/gpc_ros"
    assert use.stdout.splitlines()[0] == f"{installed}/share/gpc_ros/bin/gpc"
    assert f"--params-file {installed}/share/gpc_ros/config/planner.yaml" in use.stdout
    # Sourcing the package alone goes another way through colcon's scripts.
    alone = f"source {installed}/share/gpc_ros/package.bash && command -v gpc"
    one = subprocess.run(
        ["bash", "-c", alone], env=environment() | {"PATH": os.defpath}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert one.stdout.splitlines() == [f"{installed}/share/gpc_ros/bin/gpc"], one.stderr
