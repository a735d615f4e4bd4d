"""Share findings and probes between the checks of ``gpc doctor``."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import subprocess
import sys
from dataclasses import dataclass

# How long a check that starts a process may take [s].
_TIMEOUT = 40.0


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        level: ``ok``, ``warn`` (works, worse) or ``fail`` (something will not run).
        text: what was found.
        remedy: what to do about it.
    """

    level: str
    text: str
    remedy: str = ""


def user() -> str:
    """Return the name of the user, or USER if the id has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an id without a name, as in a container
        return "USER"


def installed(distribution: str) -> bool:
    """Return whether a distribution is installed, without importing it."""
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def run_python(code: str, **environment: str) -> tuple[int, str]:
    """Run code in a fresh Python; return its exit code and its output.

    Output is stdout alone after success, since middleware writes its warnings to stderr.
    """
    try:
        result = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            env={**os.environ, **environment},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"no answer within {_TIMEOUT:.0f} s"
    except OSError as error:
        return 126, f"{sys.executable or 'python'} does not start: {error}"
    if result.returncode < 0:
        return result.returncode, f"ended by signal {-result.returncode}"
    if result.returncode:
        return result.returncode, result.stdout + result.stderr
    return 0, result.stdout


def last_line(output: str) -> str:
    """Return the last line of an output, where the reason of a failure is."""
    lines = output.strip().splitlines()
    return lines[-1] if lines else "no output"
