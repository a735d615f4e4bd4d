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
PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([A-Za-z0-9.+!]+)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
LOCK = REPO / "requirements.lock.txt"
PYPROJECTS = ("gpc_msgs/pyproject.toml", "gpc_msgs/compat/tf2_msgs/pyproject.toml")
# Module names that differ from the name in package.xml.
ROS_PACKAGES = {"yaml": "python3-yaml"} | {
    name: f"python3-{name}" for name in ("lz4", "numpy", "tqdm")
}
# Keys under which rosdep installs packages of PyPI, looked up in rosdistro's python.yaml.
PIP_KEYS = {name: f"python3-{name}-pip" for name in ("mujoco", "rosbags", "trimesh")}
# Not of rosdep in the version needed; setup.py names them, under these names.
FROM_PYPI = {"imageio_ffmpeg": "imageio-ffmpeg", "pinocchio": "pin"} | {
    name: name
    for name in (
        "mcap", "mujoco", "pyarrow", "rosbags", "safetensors", "trimesh", "viser", "zstandard",
    )
}  # fmt: skip
# Requirements of viser, which brings the versions that it works with.
FROM_VISER = {"msgspec", "websockets"}
# Imported by training code on demand; `make training` installs them.
TRAINING = {"rsl_rl": "rsl-rl-lib"} | {
    name: name for name in ("matplotlib", "onnx", "onnxruntime", "ray", "tensordict", "torch")
}
# Imported in one place by the hardware driver; `make hardware` installs it.
HARDWARE = {"unitree_sdk2py": "unitree-sdk2py-dimos", "motioncapture": "motioncapture"}


def requirements(path: Path) -> list[list[str]]:
    """The requirements of a file, each as its words: the pin, its marker, its hashes."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (re.split(r"(?:^| )#", line)[0].split() for line in text.splitlines())
    return [words for words in lines if words]


def pins(path: Path) -> dict[str, str]:
    """Return versions by normalised name; any line that is not a pin fails."""
    found = {}
    for pin, *_ in requirements(path):
        match = PIN.fullmatch(pin)
        assert match, f"{path.name}: '{pin}' is not pinned with =="
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


def makefile() -> str:
    return (REPO / "Makefile").read_text(encoding="utf-8")


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
    chosen, resolved = pins(REPO / "requirements.txt"), pins(LOCK)
    assert chosen.items() <= resolved.items()
    assert len(resolved) > len(chosen)


def test_every_locked_requirement_has_the_hashes_of_its_files() -> None:
    for pin, *rest in requirements(LOCK):
        hashes = [word for word in rest if word.startswith("--hash")]
        assert hashes, f"{pin} has no hash"
        assert all(HASH.fullmatch(word) for word in hashes), pin
        assert len(set(hashes)) == len(hashes), pin
    assert "pip install -qq --require-hashes -r requirements.lock.txt" in makefile()


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_supported_pythons_are_stated_alike(python: str) -> None:
    assert python in makefile()
    assert f"python{python}" in (REPO / ".ci/pythons").read_text(encoding="utf-8")
    assert f"| {python} | Jazzy, wheels |" in (REPO / "docs/install.md").read_text(encoding="utf-8")


def test_a_machine_with_ros_gets_all_that_is_imported() -> None:
    """requirements-ros.txt and the apt packages of package.xml together are complete."""
    brought = pins(REPO / "requirements-ros.txt")
    chosen = pins(REPO / "requirements.txt")
    for module, name in FROM_PYPI.items():
        if module in imported(REPO / "gpc_ros"):
            assert name in brought, name
    assert brought["numpy"].startswith("1.26.")  # Ubuntu's, against which Jazzy is compiled
    for name in set(brought) - {"numpy", "pin"}:  # newer ones refuse that numpy
        assert brought[name] == chosen[name], name


def test_rosdep_keys_of_pip_packages_are_skipped_by_the_recipe() -> None:
    root = manifest("package.xml")
    stated = {e.text for tag in ("exec_depend", "test_depend") for e in root.findall(tag)}
    text = (REPO / "docs/install.md").read_text(encoding="utf-8")
    (skipped,) = re.findall(r'--skip-keys "(.+)"', text)
    assert set(PIP_KEYS.values()) | {"mcap-ros2-support"} == set(skipped.split())
    assert set(skipped.split()) <= stated
    brought = pins(REPO / "requirements-ros.txt")
    assert {"mcap-ros2-support", *PIP_KEYS} <= set(brought)


@pytest.mark.parametrize("path", PYPROJECTS)
def test_messages_are_built_with_the_versions_of_the_environment(path: str) -> None:
    with (REPO / path).open("rb") as file:
        needed = tomllib.load(file)["build-system"]["requires"]
    resolved = pins(LOCK)
    stated = {normalise(m[1]): m[2] for m in map(PIN.fullmatch, needed) if m}
    assert len(stated) == len(needed)
    assert {name: resolved.get(name) for name in stated} == stated


def test_package_xml_names_every_import() -> None:
    elsewhere = {"gpc_ros", *FROM_PYPI, *FROM_VISER, *TRAINING, *HARDWARE}
    imports = imported(REPO / "gpc_ros") - set(sys.stdlib_module_names) - elsewhere
    root = manifest("package.xml")
    stated = {e.text for tag in ("depend", "exec_depend") for e in root.findall(tag)}
    assert {ROS_PACKAGES.get(name, name) for name in imports} - stated == set()


def test_setup_and_requirements_name_every_import() -> None:
    imports = imported(REPO / "gpc_ros") & set(FROM_PYPI)
    setup = (REPO / "setup.py").read_text(encoding="utf-8")
    resolved = pins(LOCK)
    for name in (FROM_PYPI[module] for module in imports):
        assert f'"{name}>=' in setup, name
        assert name in resolved


def test_only_training_needs_the_training_packages() -> None:
    setup = (REPO / "setup.py").read_text(encoding="utf-8")
    added = pins(REPO / "requirements-training.txt")
    assert not set(TRAINING.values()) & set(pins(LOCK))
    for name in TRAINING.values():
        assert name in added
        assert re.search(rf'"{name}[=>]=', setup), name
    assert not set(TRAINING) & imported(REPO / "gpc_ros" / "nodes")


def test_only_one_file_calls_each_hardware_library() -> None:
    added = pins(REPO / "requirements-hardware.txt")
    assert not set(added) & set(pins(LOCK))
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
        assert f"$(BIN)/{tool}" in makefile()
