"""Packages gpc_ros for colcon (ament_python) and for pip."""

import re
from collections import defaultdict
from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "gpc_ros"
HERE = Path(__file__).resolve().parent
NODES = (
    "sim", "emulator", "mocap", "estimator", "planner", "bridge", "recorder", "monitor", "player",
    "view",
)  # fmt: skip


def version() -> str:
    """Return the version, which gpc_ros/__init__.py owns."""
    text = (HERE / PACKAGE / "__init__.py").read_text(encoding="utf-8")
    return re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)[0]


def shared_files() -> list[tuple[str, list[str]]]:
    """Return what goes to share/: the folders that launch, parameters and models are found in."""
    files = defaultdict(list)
    files["share/ament_index/resource_index/packages"] = [f"resource/{PACKAGE}"]
    files[f"share/{PACKAGE}"] = ["package.xml"]
    # colcon.pkg names the hooks, which put gpc on PATH in a sourced workspace.
    files[f"share/{PACKAGE}/bin"] = ["resource/bin/gpc"]
    files[f"share/{PACKAGE}/hook"] = ["resource/hook/gpc_path.dsv", "resource/hook/gpc_path.sh"]
    for folder in ("launch", "config", "models"):
        for path in sorted((HERE / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                relative = path.relative_to(HERE)
                files[f"share/{PACKAGE}/{relative.parent.as_posix()}"].append(relative.as_posix())
    return list(files.items())


setup(
    name=PACKAGE,
    version=version(),
    description="Predictive control of a quadruped by sampling, on ROS 2",
    long_description=(HERE / "README.md").read_text(encoding="utf-8")
    if (HERE / "README.md").is_file()
    else "",
    long_description_content_type="text/markdown",
    author="gpc_ros maintainers",
    maintainer="gpc_ros maintainers",
    maintainer_email="maintainers@gpc-ros.dev",
    license="Apache-2.0",
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    package_data={PACKAGE: ["py.typed", "report/page.*"]},
    data_files=shared_files(),
    python_requires=">=3.11",
    # Minimum versions; requirements.txt has those of the virtual environment. rclpy and the
    # messages are not among them: they come from ROS, or from requirements.txt.
    install_requires=[
        "setuptools",
        "imageio-ffmpeg>=0.5",
        "lz4>=4.0",
        "mcap>=1.6",
        "mujoco>=4.0",
        "numpy>=1.26",
        "pyyaml>=6.0",
        "rosbags>=0.11",
        "safetensors>=0.4",
        "tqdm>=4.64",
        "zstandard>=0.20",
    ],
    extras_require={
        "test": [
            "pytest",
            "hypothesis",
            "mcap-ros2-support",
            "pin>=4.1",
            "playwright>=1.50",
            "pyarrow>=18",
            "trimesh>=4.0",
            "viser>=1.1",
        ],
        "analysis": ["pyarrow>=18"],
        "view": ["trimesh>=4.0", "viser>=1.1"],
        "train": ["torch==2.13.0", "onnx>=1.17", "matplotlib>=3.9"],
        "walker": [
            "torch==2.13.0",
            "rsl-rl-lib==5.5.1",
            "tensordict>=0.15",
            "matplotlib>=3.9",
            "onnxruntime>=1.20",
        ],
        "cluster": ["ray>=2.40"],
        # cyclonedds where a wheel is to be had; docs/hardware.md says how where there is none.
        "hardware": ["cyclonedds==0.10.2", "motioncapture==1.1"],
    },
    zip_safe=False,
    entry_points={
        "console_scripts": [
            f"gpc = {PACKAGE}.cli.main:main",
            *(f"{node} = {PACKAGE}.nodes.{node}:main" for node in NODES),
        ],
    },
)
