"""The rooms of gpc_ros: imports point down, no loose modules, unique file names."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from setuptools import find_packages

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gpc_ros"
# A file of these rooms has the name of the program or command that it starts.
FRONT_ENDS = {"nodes", "cli"}


def test_imports_keep_the_contracts_of_pyproject() -> None:
    code = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_is_loose_at_the_top() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py"}


def test_a_module_name_occurs_once() -> None:
    names = Counter(
        path.name
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py" and path.relative_to(PACKAGE).parts[0] not in FRONT_ENDS
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_fault_injection_and_documentation_tools_are_not_installed() -> None:
    installed = find_packages(str(ROOT), include=["gpc_ros", "gpc_ros.*"])
    assert "gpc_ros.planning" in installed
    assert not [name for name in installed if "fault" in name or "docs" in name]
