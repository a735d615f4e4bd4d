"""A copy of the sources in another folder, as a clone would be."""

from __future__ import annotations

import shutil
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
_FOLDERS = ("gpc_ros", "gpc_msgs", "launch", "config", "models", "resource")
_FILES = (
    "package.xml", "setup.py", "setup.cfg", "pyproject.toml", "colcon.pkg", "MANIFEST.in",
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "requirements.txt",
    "requirements.lock.txt", "requirements-ros.txt",
)  # fmt: skip


def copy_sources(target: Path) -> None:
    """Copy all inputs of a build, without generated files."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in _FOLDERS:
        shutil.copytree(REPO / folder, target / folder, ignore=ignore)
    for name in _FILES:
        shutil.copy2(REPO / name, target / name)
