"""A wheel installed outside the source tree finds its own models, launch files and parameters."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest
from source_copy import copy_sources


def run(words: list[str], where: Path, **environment: str) -> str:
    """Run a command to its end and return its output; any other end fails."""
    done = subprocess.run(
        words, cwd=where, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.integration
def test_an_installed_wheel_runs_from_its_own_files(tmp_path: Path) -> None:
    sources, venv, elsewhere = (tmp_path / name for name in ("sources", "venv", "elsewhere"))
    copy_sources(sources)
    elsewhere.mkdir()
    pip = [sys.executable, "-m", "pip", "--isolated"]
    run([*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "dist", "."], sources)
    (wheel,) = (sources / "dist").glob("gpc_ros-*.whl")
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)], tmp_path)
    python = str(venv / "bin/python")
    run([*pip, "--python", python, "install", "-q", "--no-deps", str(wheel)], tmp_path)
    sources.rename(tmp_path / "gone")
    # What else is installed here, but not the editable gpc_ros: a plain path reads no .pth of it.
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(venv)}))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    gpc = str(venv / "bin/gpc")
    where = "import gpc_ros, gpc_ros.common.paths as p; print(gpc_ros.__file__, p.share())"
    assert run([python, "-c", where], elsewhere).split() == [
        str(packages / "gpc_ros/__init__.py"), str(venv / "share/gpc_ros"),
    ]  # fmt: skip
    started = run([gpc, "sim", "--dry-run"], elsewhere)
    assert f"--params-file {venv}/share/gpc_ros/config/planner.yaml" in started
    assert (venv / "share/gpc_ros/launch/sim.launch.py").is_file()
    result = elsewhere / "one.json"
    run([gpc, "evaluate", "navigate", "--seeds", "0:1", "--out", str(result)], elsewhere)
    assert result.is_file()


@pytest.mark.integration
def test_a_source_distribution_is_small_and_has_no_results(tmp_path: Path) -> None:
    copy_sources(tmp_path / "sources")
    (tmp_path / "sources/docs/results").mkdir(parents=True)
    (tmp_path / "sources/docs/results/figures.json").write_text("{}", encoding="utf-8")
    run([sys.executable, "setup.py", "-q", "sdist"], tmp_path / "sources")
    (archive,) = (tmp_path / "sources/dist").glob("*.tar.gz")
    assert archive.stat().st_size < 10e6
    with tarfile.open(archive) as file:
        names = [name.partition("/")[2] for name in file.getnames()]
    assert "models/go2/go2.xml" in names and "resource/bin/gpc" in names
    assert not [n for n in names if n.startswith(("docs/", "runs/", "bench/"))]
