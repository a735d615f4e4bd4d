"""Versions and names that occur in several files are equal."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import gpc_ros

REPO = Path(__file__).resolve().parents[2]
PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)")
PYPROJECTS = ("gpc_msgs/pyproject.toml", "gpc_msgs/compat/tf2_msgs/pyproject.toml")
# Module names that differ from the name in package.xml.
ROS_PACKAGES = {"yaml": "python3-yaml"} | {
    name: f"python3-{name}" for name in ("lz4", "numpy", "tqdm")
}
# Not of rosdep in the version needed; setup.py names them, under these names.
FROM_PYPI = {"imageio_ffmpeg": "imageio-ffmpeg", "pinocchio": "pin"} | {
    name: name
    for name in (
        "mcap", "mujoco", "pyarrow", "rosbags", "safetensors", "trimesh", "viser", "zstandard",
    )
}  # fmt: skip
# Imported by training code on demand; `make training` installs them.
TRAINING = {"rsl_rl": "rsl-rl-lib"} | {
    name: name for name in ("matplotlib", "onnx", "onnxruntime", "ray", "tensordict", "torch")
}
# Imported in one place by the hardware driver; `make hardware` installs it.
HARDWARE = {"unitree_sdk2py": "unitree-sdk2py-dimos", "motioncapture": "motioncapture"}


def pins(path: Path) -> dict[str, str]:
    """Return versions by normalised name; any line that is not a pin fails."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        requirement = line.split("#")[0].strip()
        if requirement:
            match = PIN.fullmatch(requirement)
            assert match, f"{path.name}: '{requirement}' is not pinned with =="
            found[normalise(match[1])] = match[2]
    return found


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(where: Path) -> set[str]:
    """Return the top-level modules imported by a file or by the files of a folder."""
    names = set()
    for path in where.rglob("*.py") if where.is_dir() else [where]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names


def manifest(path: str) -> ElementTree.Element:
    return ElementTree.parse(REPO / path).getroot()


def test_both_packages_have_one_version() -> None:
    with (REPO / PYPROJECTS[0]).open("rb") as file:
        messages = tomllib.load(file)["project"]["version"]
    stated = [manifest(f"{folder}package.xml").findtext("version") for folder in ("", "gpc_msgs/")]
    assert {*stated, messages} == {gpc_ros.__version__}


def test_changelog_has_this_version_or_a_newer_one() -> None:
    text = (REPO / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[?([^\]\s]+)", text, re.MULTILINE)
    assert headings
    assert headings[0] in ("Unreleased", gpc_ros.__version__)


def test_every_requirement_is_pinned_and_resolved() -> None:
    chosen, resolved = pins(REPO / "requirements.txt"), pins(REPO / "requirements.lock.txt")
    assert chosen.items() <= resolved.items()
    assert len(resolved) > len(chosen)


@pytest.mark.parametrize("path", PYPROJECTS)
def test_messages_are_built_with_the_versions_of_the_environment(path: str) -> None:
    with (REPO / path).open("rb") as file:
        needed = tomllib.load(file)["build-system"]["requires"]
    resolved = pins(REPO / "requirements.lock.txt")
    stated = {normalise(m[1]): m[2] for m in map(PIN.fullmatch, needed) if m}
    assert len(stated) == len(needed)
    assert {name: resolved.get(name) for name in stated} == stated


def test_package_xml_names_every_import() -> None:
    elsewhere = {"gpc_ros", *FROM_PYPI, *TRAINING, *HARDWARE}
    imports = imported(REPO / "gpc_ros") - set(sys.stdlib_module_names) - elsewhere
    root = manifest("package.xml")
    stated = {e.text for tag in ("depend", "exec_depend") for e in root.findall(tag)}
    assert {ROS_PACKAGES.get(name, name) for name in imports} - stated == set()


def test_setup_and_requirements_name_every_import() -> None:
    imports = imported(REPO / "gpc_ros") & set(FROM_PYPI)
    setup = (REPO / "setup.py").read_text(encoding="utf-8")
    resolved = pins(REPO / "requirements.lock.txt")
    for name in (FROM_PYPI[module] for module in imports):
        assert f'"{name}>=' in setup, name
        assert name in resolved


def test_only_training_needs_the_training_packages() -> None:
    setup = (REPO / "setup.py").read_text(encoding="utf-8")
    added = pins(REPO / "requirements-training.txt")
    assert not set(TRAINING.values()) & set(pins(REPO / "requirements.lock.txt"))
    for name in TRAINING.values():
        assert name in added
        assert re.search(rf'"{name}[=>]=', setup), name
    assert not set(TRAINING) & imported(REPO / "gpc_ros" / "nodes")


def test_only_one_file_calls_each_hardware_library() -> None:
    added = pins(REPO / "requirements-hardware.txt")
    assert not set(added) & set(pins(REPO / "requirements.lock.txt"))
    assert added["cyclonedds"] == "0.10.2"  # the version on the robot
    homes = {"unitree_sdk2py": "unitree/dds.py", "motioncapture": "mocap/mocap_process.py"}
    for module, name in HARDWARE.items():
        assert name in added
        callers = [
            path.relative_to(REPO / "gpc_ros").as_posix()
            for path in (REPO / "gpc_ros").rglob("*.py")
            if module in imported(path)
        ]
        assert callers == [homes[module]]


def test_pre_commit_runs_what_lint_runs() -> None:
    text = (REPO / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    for tool in ("ruff check", "ruff format", "mypy"):
        assert f".venv/bin/{tool}" in text
        assert f"$(BIN)/{tool}" in (REPO / "Makefile").read_text(encoding="utf-8")
